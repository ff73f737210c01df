//! The books: what was said, held against what has arrived, on both sides.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use warbler_simulator::Person;
use warbler_tests::Api;

use super::plan::{IN_GROUP, Step};
use super::world::{Circle, PIXEL};

/// After how long without anything new the rest is lost: longer than the pauses between the attempts
/// to send what has failed several times in a row.
const STILL: Duration = Duration::from_secs(150);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What a closed book holds.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Sums {
    pub(super) said: usize,
    pub(super) sent: usize,
    pub(super) pictures: usize,
}

/// A message the host has stored.
struct Stored {
    id: String,
    whatsapp_id: String,
    status: String,
    outbound: bool,
    picture: bool,
}

/// How often each text was heard.
fn heard(person: &Person) -> BTreeMap<String, usize> {
    let mut heard = BTreeMap::new();
    for one in person.heard() {
        *heard.entry(one.text().to_owned()).or_default() += 1;
    }
    heard
}

/// What the host has stored for a session, by text.
async fn stored(api: &Api, session: &str) -> Result<BTreeMap<String, Vec<Stored>>> {
    let mut stored: BTreeMap<String, Vec<Stored>> = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/v1/sessions/{session}/messages?limit=200{cursor}");
        let page = api.get(&path).await?.expect(200)?;
        for message in page.body["items"].as_array().context("items")? {
            let text = message["text"].as_str();
            let text = text.or_else(|| message["media"]["caption"].as_str());
            stored
                .entry(text.unwrap_or_default().to_owned())
                .or_default()
                .push(Stored::of(message));
        }
        match page.body["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(stored),
        }
    }
}

impl Stored {
    fn of(message: &Value) -> Self {
        let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
        Self {
            id: text("id"),
            whatsapp_id: text("whatsappId"),
            status: text("status"),
            outbound: message["direction"] == "outbound",
            picture: message["media"].is_object(),
        }
    }
}

/// Waits until nothing is missing, for as long as something more arrives every now and then.
async fn all<F, Fut>(what: &str, mut missing: F) -> Result<()>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Vec<String>>>,
{
    let mut known = usize::MAX;
    let mut since = Instant::now();
    loop {
        let lacking = missing().await?;
        if lacking.is_empty() {
            return Ok(());
        }
        if lacking.len() < known {
            known = lacking.len();
            since = Instant::now();
        } else if since.elapsed() > STILL {
            bail!("{what}, but for {lacking:?}");
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Those for which something does not hold.
fn without<'a, T: ToString + 'a>(
    all: impl IntoIterator<Item = &'a T>,
    holds: impl Fn(&T) -> bool,
) -> Vec<String> {
    let lacking = all.into_iter().filter(|one| !holds(one));
    lacking.map(ToString::to_string).collect()
}

/// Closes the book of a circle: everything has arrived, once, where it was meant to.
pub(super) async fn close(api: &Api, circle: &Circle) -> Result<Sums> {
    let ins: Vec<&String> = said(circle).collect();
    let outs: Vec<&String> = sent(circle).collect();
    let name = &circle.name;
    all(&format!("{name} has what was said to it"), || async {
        let stored = stored(api, name).await?;
        Ok(without(ins.iter().copied(), |text| {
            stored.contains_key(text)
        }))
    })
    .await?;
    all(&format!("what {name} sent is delivered"), || async {
        let stored = stored(api, name).await?;
        let arrived = |text: &String| {
            let messages = stored.get(text).into_iter().flatten();
            messages.into_iter().any(Stored::has_arrived)
        };
        Ok(without(outs.iter().copied(), arrived))
    })
    .await?;
    let stored = stored(api, name).await?;
    for (text, messages) in &stored {
        ensure!(
            messages.len() == 1,
            "{name} has {text:?} {} times",
            messages.len()
        );
        let planned = ins.contains(&text) || outs.contains(&text);
        ensure!(
            planned || text.is_empty(),
            "{name} has {text:?}, which nobody said"
        );
    }
    let mut sums = Sums {
        said: ins.len(),
        sent: outs.len(),
        pictures: 0,
    };
    for message in stored.values().flatten() {
        if message.picture && !message.outbound {
            let path = format!("/v1/messages/{}/media", message.id);
            let picture = api.get(&path).await?.expect(200)?;
            ensure!(picture.bytes == PIXEL, "{name} has another picture");
            sums.pictures += 1;
        }
    }
    contacts_have_all(circle).await?;
    contacts_are_told(circle, &stored).await?;
    Ok(sums)
}

impl Stored {
    fn has_arrived(&self) -> bool {
        matches!(self.status.as_str(), "delivered" | "read" | "played")
    }
}

/// What contacts say.
fn said(circle: &Circle) -> impl Iterator<Item = &String> {
    circle.lane.steps.iter().filter_map(|step| match step {
        Step::In { text, .. } | Step::InGroup { text, .. } => Some(text),
        _ => None,
    })
}

/// What the session sends.
fn sent(circle: &Circle) -> impl Iterator<Item = &String> {
    circle.lane.steps.iter().filter_map(|step| match step {
        Step::Out { text, .. } | Step::OutGroup { text } => Some(text),
        _ => None,
    })
}

/// What one contact is to hear.
fn meant_for(circle: &Circle, contact: usize) -> Vec<&String> {
    let member = contact < IN_GROUP;
    let heard = circle.lane.steps.iter().filter_map(|step| match step {
        Step::Out { to, text, .. } if *to == contact => Some(text),
        Step::OutGroup { text } if member => Some(text),
        Step::InGroup { by, text } if member && *by != contact => Some(text),
        _ => None,
    });
    heard.collect()
}

async fn contacts_have_all(circle: &Circle) -> Result<()> {
    for (at, contact) in circle.contacts.iter().enumerate() {
        let wanted = meant_for(circle, at);
        let what = format!("{} hears all", contact.name());
        all(&what, || async {
            let heard = heard(contact);
            Ok(without(wanted.iter().copied(), |text| {
                heard.contains_key(text)
            }))
        })
        .await?;
        for (text, times) in heard(contact) {
            let name = contact.name();
            ensure!(
                wanted.contains(&&text),
                "{name} heard {text:?}, which was not for them"
            );
            ensure!(times == 1, "{name} heard {text:?} {times} times");
        }
    }
    let copies = || async {
        let copies = circle.owner.sent_copies();
        let has = |text: &String| copies.iter().any(|copy| copy.text() == text.as_str());
        Ok(without(sent(circle), has))
    };
    all(&format!("the phone of {} has copies", circle.name), copies).await
}

/// Every contact was told by the session's device, not only by the phone, that what it said has arrived.
async fn contacts_are_told(circle: &Circle, stored: &BTreeMap<String, Vec<Stored>>) -> Result<()> {
    let own: Vec<(usize, &String)> = circle
        .lane
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::In { by, text, .. } | Step::InGroup { by, text } => Some((*by, text)),
            _ => None,
        })
        .collect();
    for (at, contact) in circle.contacts.iter().enumerate() {
        let ids: Vec<&str> = own
            .iter()
            .filter(|(by, _)| *by == at)
            .filter_map(|(_, text)| stored.get(*text)?.first())
            .map(|message| message.whatsapp_id.as_str())
            .collect();
        let what = format!("{} is told of all that has arrived", contact.name());
        all(&what, || async {
            let receipts = contact.receipts();
            let told = |id: &&str| {
                receipts.iter().any(|receipt| {
                    let arrived =
                        matches!(receipt.kind.as_str(), "delivered" | "read" | "inactive");
                    let session = receipt.from == circle.owner.jid() && receipt.device != 0;
                    arrived && session && receipt.ids.iter().any(|known| known == id)
                })
            };
            Ok(without(&ids, told))
        })
        .await?;
    }
    Ok(())
}
