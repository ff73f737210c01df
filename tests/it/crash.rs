//! The host killed without warning, again and again, under load.
//!
//! Fifty times by default; `WARBLER_CRASH_KILLS=200 cargo test -p warbler-tests --test it crash`
//! kills it as often as it is asked to.
//!
//! Nobody may have to ask for anything again: what was read when the host was killed is on disk with
//! the key that has read it, or neither is; and what was sent is on disk with the key it was sent
//! under.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use warbler_domain::Random;
use warbler_simulator::{Heard, HeardContent, Network, NetworkOptions, Person};
use warbler_tests::{Api, HostProcess, eventually, link, reaches_state};

const OWNER: &str = "+15550001";
const ECHO: &str = "echo of ";

/// The echoes a person has heard: text and the ids it came under.
fn echoes(person: &Person) -> BTreeMap<String, BTreeSet<String>> {
    let mut echoes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for heard in person.heard() {
        if let HeardContent::Text { body, .. } = &heard.content {
            echoes
                .entry(body.clone())
                .or_default()
                .insert(heard.id.clone());
        }
    }
    echoes
}

/// A stored message: the id it has on the network, and its text.
type Stored = (String, String);

/// What the `message.received` events hold, by chat, in the order they were stored.
async fn stored_messages(api: &Api) -> Result<BTreeMap<String, Vec<Stored>>> {
    let mut stored: BTreeMap<String, Vec<Stored>> = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let page = api
            .get(&format!(
                "/v1/events?kind=message.received&limit=500{cursor}"
            ))
            .await?
            .expect(200)?;
        for event in page.body["items"].as_array().into_iter().flatten() {
            let text = |name: &str| {
                event["message"][name]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            };
            stored
                .entry(text("chat"))
                .or_default()
                .insert(0, (text("whatsappId"), text("text")));
        }
        match page.body["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(stored),
        }
    }
}

fn kills() -> usize {
    std::env::var("WARBLER_CRASH_KILLS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(50)
}

/// Who is written to by request, while everything else goes on.
const BYSTANDER: &str = "+15550300";

/// What became of the sends by request.
#[derive(Default)]
struct Sends {
    /// The network ids of those the host accepted, in the order of their requests.
    accepted: Vec<String>,
    /// The texts of all that were asked for; those without an answer may have been accepted.
    asked: BTreeSet<String>,
}

/// Sends one text after the other until the host is gone.
async fn send_until_killed(api: Api, round: usize) -> Sends {
    let mut sends = Sends::default();
    for turn in 0..60 {
        let text = format!("send {round}.{turn}");
        sends.asked.insert(text.clone());
        let body = serde_json::json!({ "to": BYSTANDER, "text": text });
        let answer = api.post("/v1/sessions/shop/messages", body).await;
        match answer.and_then(|answer| {
            answer
                .expect(202)?
                .text_at("/whatsappId")
                .map(str::to_owned)
        }) {
            Ok(id) => sends.accepted.push(id),
            // The host was killed in the middle of it.
            Err(_) => break,
        }
    }
    sends
}

/// The texts of a conversation of which a copy was asked for again: by the host, and by the customer.
fn asked_again(customer: &Person, stored: &[Stored]) -> (BTreeSet<String>, BTreeSet<String>) {
    let by_host: BTreeSet<String> = customer
        .receipts()
        .into_iter()
        .filter(|receipt| receipt.kind == "retry")
        .flat_map(|receipt| receipt.ids)
        .collect();
    let by_customer: BTreeSet<String> = customer.asked_again().into_iter().collect();
    let said = stored
        .iter()
        .filter(|(id, _)| by_host.contains(id))
        .map(|(_, text)| text.clone());
    let echoed = customer
        .heard()
        .into_iter()
        .filter(|heard| by_customer.contains(&heard.id))
        .filter_map(|heard| heard.text().strip_prefix(ECHO).map(str::to_owned));
    (said.collect(), echoed.collect())
}

/// Refuses what came in another order than it was said, and shows where.
fn same_order(what: &str, came: &[String], expected: &[String]) -> Result<()> {
    let differs = came
        .iter()
        .zip(expected)
        .position(|(came, expected)| came != expected);
    match differs {
        Some(at) => {
            let around = came.get(at..).unwrap_or_default().iter().take(4);
            bail!(
                "{what} out of order from place {at}: {:?}",
                around.collect::<Vec<_>>()
            )
        }
        None => {
            ensure!(came.len() == expected.len(), "{what}: {} came", came.len());
            Ok(())
        }
    }
}

/// Every accepted send was heard once, in the order it was accepted, and nothing that was not
/// asked for.
fn check_sends(bystander: &Person, all: &[Sends]) -> Result<()> {
    let heard: Vec<(String, String)> = bystander
        .heard()
        .into_iter()
        .map(|heard| (heard.id.clone(), heard.text().to_owned()))
        .collect();
    let ids: Vec<&String> = heard.iter().map(|(id, _)| id).collect();
    let unique: BTreeSet<&String> = ids.iter().copied().collect();
    ensure!(unique.len() == ids.len(), "a send was heard twice");
    let accepted: Vec<&String> = all.iter().flat_map(|sends| &sends.accepted).collect();
    let known: BTreeSet<&String> = accepted.iter().copied().collect();
    let heard_of_those: Vec<&String> = ids.into_iter().filter(|id| known.contains(id)).collect();
    ensure!(
        heard_of_those.len() == accepted.len(),
        "{} sends were accepted, {} of them heard",
        accepted.len(),
        heard_of_those.len()
    );
    let again = bystander.asked_again();
    ensure!(again.is_empty(), "{again:?} had to be asked for again");
    let owned = |ids: Vec<&String>| -> Vec<String> { ids.into_iter().cloned().collect() };
    same_order("sends heard", &owned(heard_of_those), &owned(accepted))?;
    let asked: BTreeSet<&String> = all.iter().flat_map(|sends| &sends.asked).collect();
    for (_, text) in &heard {
        ensure!(asked.contains(text), "{text:?} was never asked for");
    }
    Ok(())
}

/// The echoes a person has heard, when there are `wanted`. How long many of them take says nothing
/// on a busy machine; that no more come says that some are lost.
async fn every_echo(person: &Person, wanted: usize) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let mut known = 0;
    loop {
        let found = eventually("another echo was heard", || async {
            let found = echoes(person);
            Ok((found.len() == wanted || found.len() > known).then_some(found))
        });
        let found = found
            .await
            .with_context(|| format!("{known} of {wanted} echoes were heard"))?;
        if found.len() == wanted {
            return Ok(found);
        }
        known = found.len();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_killed_under_load_loses_nothing_and_answers_everything_once() -> Result<()> {
    let kills = kills();
    const CUSTOMERS: usize = 6;
    const TURNS: usize = 3;
    let network = Network::start(NetworkOptions::default()).await?;
    let dir = tempfile::tempdir()?;
    std::fs::create_dir_all(dir.path().join("scripts"))?;
    std::fs::write(
        dir.path().join("scripts/echo.rhai"),
        "fn on_message(message) { reply(\"echo of \" + message.text); }",
    )?;
    let binary = env!("CARGO_BIN_EXE_host-under-test");
    let mut host = HostProcess::start(binary, dir.path(), &network).await?;
    let owner = network.person(OWNER, "Owner")?;
    link(host.api(), "shop", &owner).await?;

    let customers: Vec<Person> = (0..CUSTOMERS)
        .map(|n| network.person(&format!("+1555020{n}"), &format!("Customer {n}")))
        .collect::<Result<_, _>>()?;
    let bystander = network.person(BYSTANDER, "Bystander")?;
    let random = Random::seeded(50);
    let mut said = 0;
    let mut sends = Vec::new();
    for round in 0..kills {
        // Half of the rounds meet a host that still connects, half one that is at work.
        if round % 2 == 0 {
            reaches_state(host.api(), "shop", "connected").await?;
        }
        let sending = tokio::spawn(send_until_killed(host.api().clone(), round));
        for customer in &customers {
            for turn in 0..TURNS {
                customer
                    .says(OWNER, &format!("round {round} turn {turn}"))
                    .await?;
                said += 1;
            }
        }
        // Another moment of the work each round; what is tested is that none of them matters.
        let moment = random.jitter(Duration::from_millis(100), 1.0);
        tokio::time::sleep(moment).await;
        host.kill()?;
        sends.push(sending.await?);
        host.start_again().await?;
    }
    reaches_state(host.api(), "shop", "connected")
        .await
        .with_context(|| host.log())?;

    let expected: Vec<String> = (0..kills)
        .flat_map(|round| (0..TURNS).map(move |turn| format!("round {round} turn {turn}")))
        .collect();
    for customer in &customers {
        let answered = every_echo(customer, kills * TURNS);
        for (text, ids) in answered.await? {
            ensure!(
                ids.len() == 1,
                "{text:?} was answered under {} ids",
                ids.len()
            );
        }
    }
    let stored = stored_messages(host.api()).await?;
    let received: usize = stored.values().map(Vec::len).sum();
    ensure!(
        received == said,
        "{said} messages were said, {received} events are stored"
    );
    for customer in &customers {
        let came = stored
            .get(&customer.jid())
            .context("events of the customer")?;
        let (said_again, echoed_again) = asked_again(customer, came);
        ensure!(
            said_again.is_empty() && echoed_again.is_empty(),
            "asked for again: {said_again:?} by the host, {echoed_again:?} by the customer"
        );
        let came: Vec<String> = came.iter().map(|(_, text)| text.clone()).collect();
        let heard = customer.heard();
        let echo = |heard: &Heard| heard.text().trim_start_matches(ECHO).to_owned();
        let heard: Vec<String> = heard.iter().map(echo).collect();
        same_order("stored", &came, &expected)?;
        same_order("heard", &heard, &expected)?;
    }
    let accepted: usize = sends.iter().map(|sends| sends.accepted.len()).sum();
    let wanted: BTreeSet<&String> = sends.iter().flat_map(|sends| &sends.accepted).collect();
    eventually("every accepted send was heard", || async {
        let heard: BTreeSet<String> = bystander
            .heard()
            .into_iter()
            .map(|heard| heard.id)
            .collect();
        Ok(wanted.iter().all(|id| heard.contains(*id)).then_some(()))
    })
    .await?;
    check_sends(&bystander, &sends)?;
    ensure!(accepted >= kills, "only {accepted} sends were accepted");
    ensure!(owner.devices().len() == 1, "it never paired again");
    host.kill()?;
    network.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_received_before_a_crash_goes_again_as_the_same_message() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let dir = tempfile::tempdir()?;
    let binary = env!("CARGO_BIN_EXE_host-under-test");
    let mut host = HostProcess::start(binary, dir.path(), &network).await?;
    let owner = network.person(OWNER, "Owner")?;
    link(host.api(), "shop", &owner).await?;
    let customer = network.person("+15550201", "Customer")?;
    let waiting = |count: usize| {
        let customer = &customer;
        async move {
            eventually("the network keeps the customer's messages", || async {
                Ok((customer.waiting_for_device(0) == count).then_some(()))
            })
            .await
        }
    };
    customer.goes_offline();
    let body = serde_json::json!({ "to": "+15550201", "text": "nobody has received this" });
    let sent = host.api().post("/v1/sessions/shop/messages", body).await?;
    let path = format!("/v1/messages/{}", sent.expect(202)?.text_at("/id")?);
    waiting(1).await?;
    eventually("the network has taken it over", || async {
        let message = host.api().get(&path).await?.expect(200)?;
        Ok((message.text_at("/status")? == "sent").then_some(()))
    })
    .await?;

    // A link that ends as it should leaves nothing in doubt.
    let api = host.api();
    let stopped = api.post("/v1/sessions/shop/stop", serde_json::json!({}));
    stopped.await?;
    reaches_state(host.api(), "shop", "stopped").await?;
    let started = host
        .api()
        .post("/v1/sessions/shop/start", serde_json::json!({}));
    started.await?;
    reaches_state(host.api(), "shop", "connected").await?;
    let other = network.person(BYSTANDER, "Bystander")?;
    let body = serde_json::json!({ "to": BYSTANDER, "text": "this goes through" });
    host.api()
        .post("/v1/sessions/shop/messages", body)
        .await?
        .expect(202)?;
    ensure!(other.hears().await?.text() == "this goes through");
    waiting(1).await?;

    host.kill()?;
    host.start_again().await?;
    reaches_state(host.api(), "shop", "connected").await?;
    waiting(2).await?;
    customer.comes_online();
    ensure!(customer.hears().await?.text() == "nobody has received this");
    eventually("it counts as delivered", || async {
        let message = host.api().get(&path).await?.expect(200)?;
        Ok((message.text_at("/status")? == "delivered").then_some(()))
    })
    .await?;
    ensure!(customer.heard().len() == 1, "it was heard more than once");
    host.kill()?;
    network.stop().await;
    Ok(())
}
