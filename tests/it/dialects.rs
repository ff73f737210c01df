//! What holds at every endpoint of every dialect: who is let in, how it says no, and that two users
//! know nothing of each other.
//!
//! The requests stand with the examples in `tests/data/dialects`. An endpoint without one, or whose
//! refusal is not written down there, fails here.

mod pages;
mod side;

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use warbler_domain::Dialect;
use warbler_tests::{Answer, Documented, Endpoint, KEY};

use side::{PUBLIC, Side, host};

/// What makes a session of an id that the caller chooses; two users may choose the same.
const CHOSEN: [&str; 3] = [
    "hub.start-session",
    "hub.create-session",
    "akg.create-session",
];

/// What in a request is the caller's own, whoever is asked for: its session, and a time.
const KEPT: [&str; 2] = ["own", "soon"];

#[tokio::test]
async fn every_endpoint_of_gateway_is_closed_and_says_what_is_wrong() -> Result<()> {
    is_closed_and_says_what_is_wrong(Dialect::Gateway).await
}

#[tokio::test]
async fn every_endpoint_of_manager_is_closed_and_says_what_is_wrong() -> Result<()> {
    is_closed_and_says_what_is_wrong(Dialect::Manager).await
}

#[tokio::test]
async fn every_endpoint_of_suite_is_closed_and_says_what_is_wrong() -> Result<()> {
    is_closed_and_says_what_is_wrong(Dialect::Suite).await
}

#[tokio::test]
async fn every_endpoint_of_hub_is_closed_and_says_what_is_wrong() -> Result<()> {
    is_closed_and_says_what_is_wrong(Dialect::Hub).await
}

#[tokio::test]
async fn every_endpoint_of_akg_is_closed_and_says_what_is_wrong() -> Result<()> {
    is_closed_and_says_what_is_wrong(Dialect::Akg).await
}

#[tokio::test]
async fn two_users_of_gateway_know_nothing_of_each_other() -> Result<()> {
    know_nothing_of_each_other(Dialect::Gateway).await
}

#[tokio::test]
async fn two_users_of_manager_know_nothing_of_each_other() -> Result<()> {
    know_nothing_of_each_other(Dialect::Manager).await
}

#[tokio::test]
async fn two_users_of_suite_know_nothing_of_each_other() -> Result<()> {
    know_nothing_of_each_other(Dialect::Suite).await
}

#[tokio::test]
async fn two_users_of_hub_know_nothing_of_each_other() -> Result<()> {
    know_nothing_of_each_other(Dialect::Hub).await
}

#[tokio::test]
async fn two_users_of_akg_know_nothing_of_each_other() -> Result<()> {
    know_nothing_of_each_other(Dialect::Akg).await
}

/// Nobody is let in without a credential that is good there, and whoever is let in is told what is
/// wrong, both in the words of the dialect.
async fn is_closed_and_says_what_is_wrong(dialect: Dialect) -> Result<()> {
    let host = host(dialect).await?;
    let ada = Side::new(&host, dialect, "ada", "+15550173").await?;
    let native = format!("Bearer {KEY}");
    for endpoint in Documented::of(dialect.as_str())?.endpoints()? {
        let ask = endpoint.asks.first().context("a request")?;
        let ask = ask.filled(&ada.ids)?;
        let mut strangers = vec![
            vec![],
            vec![("authorization", "Bearer nonsense")],
            vec![("x-api-key", "nonsense")],
            vec![("authorization", native.as_str())],
        ];
        if endpoint.who == PUBLIC {
            strangers.clear();
        }
        for headers in strangers {
            let asked = ada.api.asks(&endpoint.method, &headers, &ask).await?;
            refused(dialect, &endpoint, &asked, 401)?;
        }
        match &endpoint.refusal {
            Some(wrong) => {
                let asked = ada.asks(&endpoint, &wrong.filled(&ada.ids)?).await?;
                refused(dialect, &endpoint, &asked, wrong.status)?;
            }
            // Nothing can be wrong with such a request but how it is made.
            None => {
                let asked = ada.api.asks("PATCH", &[], &ask).await?;
                refused(dialect, &endpoint, &asked, 405)?;
            }
        }
    }
    host.stop().await;
    Ok(())
}

/// Whoever asks for what is somebody else's is answered as if there were nothing, and nothing is
/// done or told.
async fn know_nothing_of_each_other(dialect: Dialect) -> Result<()> {
    let host = host(dialect).await?;
    let ada = Side::new(&host, dialect, "ada", "+15550173").await?;
    let bob = Side::new(&host, dialect, "bob", "+15550174").await?;
    let before = ada.world(&host).await?;
    let own = bob.ids.iter();
    let own = own.filter(|(name, _)| KEPT.contains(&name.as_str()));
    let own: Vec<(String, String)> = own.map(|(k, v)| (k.clone(), v.clone())).collect();
    let with_own = |ids: &BTreeMap<String, String>| {
        let mut ids = ids.clone();
        ids.extend(own.clone());
        ids
    };
    let hers = with_own(&ada.ids);
    let nobodys: BTreeMap<String, String> = ada
        .ids
        .iter()
        .map(|(name, id)| (name.clone(), nobody(id)))
        .collect();
    let nobodys = with_own(&nobodys);
    let all = Documented::of(dialect.as_str())?.endpoints()?;
    let (making, others): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|endpoint| CHOSEN.contains(&endpoint.id.as_str()));
    for endpoint in others {
        for ask in &endpoint.asks {
            let names = ask.names();
            if endpoint.who == PUBLIC || (names.is_empty() && endpoint.method != "GET") {
                continue;
            }
            let told = bob.asks(&endpoint, &ask.filled(&hers)?).await?;
            let told = (told.status, plain(&told, &hers));
            tells_none_of(&ada.secrets, &endpoint, &told.1)?;
            if names.is_empty() {
                continue;
            }
            let of_nobody = bob.asks(&endpoint, &ask.filled(&nobodys)?).await?;
            let of_nobody = (of_nobody.status, plain(&of_nobody, &nobodys));
            assert_eq!(told, of_nobody, "{} of her and of nobody", endpoint.id);
        }
    }
    // What she has called hers, he may call his.
    for endpoint in making {
        for ask in &endpoint.asks {
            let hers = bob.asks(&endpoint, &ask.filled(&hers)?).await?;
            tells_none_of(&ada.secrets, &endpoint, &plain(&hers, &ada.ids))?;
            let nobodys = bob.asks(&endpoint, &ask.filled(&nobodys)?).await?;
            ensure!(
                (200..300).contains(&hers.status) && hers.status == nobodys.status,
                "{}: {hers:?} {nobodys:?}",
                endpoint.id
            );
        }
    }
    assert_eq!(
        ada.world(&host).await?,
        before,
        "nothing was done to what is hers"
    );
    host.stop().await;
    Ok(())
}

fn tells_none_of(secrets: &[String], endpoint: &Endpoint, told: &str) -> Result<()> {
    let secret = secrets.iter().find(|secret| told.contains(*secret));
    ensure!(secret.is_none(), "{} tells {secret:?}: {told}", endpoint.id);
    Ok(())
}

/// An id like this one that nobody has.
fn nobody(id: &str) -> String {
    if let Some(number) = id.parse::<u64>().ok().filter(|number| *number < 1000) {
        return (number + 90_000).to_string();
    }
    let (stem, end) = match id.rsplit_once('.') {
        Some((stem, end)) => (stem, format!(".{end}")),
        None => (id, String::new()),
    };
    let kept = stem.len().saturating_sub(4);
    format!("{}9999{end}", stem.get(..kept).unwrap_or_default())
}

/// An answer with the ids that were asked for taken out, where they stand as words.
fn plain(answer: &Answer, ids: &BTreeMap<String, String>) -> String {
    let mut text = match &answer.body {
        Value::Null => String::from_utf8_lossy(&answer.bytes).into_owned(),
        body => body.to_string(),
    };
    let asked = ids.iter();
    for (name, id) in asked.filter(|(name, _)| !KEPT.contains(&name.as_str())) {
        text = replaced(&text, id, name);
    }
    text
}

/// A text with a name in the place of a word.
fn replaced(text: &str, word: &str, name: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (head, tail) = rest.split_at(at);
        let tail = tail.get(word.len()..).unwrap_or_default();
        let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let is_word = !inside(head.chars().next_back()) && !inside(tail.chars().next());
        out.push_str(head);
        out.push_str(if is_word { name } else { word });
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// Whether an answer has this status, and the form of all refusals of its dialect.
fn refused(dialect: Dialect, endpoint: &Endpoint, answer: &Answer, status: u16) -> Result<()> {
    let (told, fields) = match dialect {
        Dialect::Gateway | Dialect::Manager => ("message", vec![("status", json!("error"))]),
        Dialect::Suite => ("error", vec![("status", json!(status))]),
        Dialect::Hub => ("error", vec![("success", json!(false))]),
        Dialect::Akg => ("error", vec![]),
    };
    let right = answer.status == status
        && answer.body[told]
            .as_str()
            .is_some_and(|text| !text.is_empty())
        && fields
            .iter()
            .all(|(name, value)| answer.body[*name] == *value);
    ensure!(
        right,
        "{}: {status} expected: {} {}",
        endpoint.id,
        answer.status,
        answer.body
    );
    Ok(())
}
