//! How long a text takes to a bot and back, and how many go through at once.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use warbler_simulator::{Network, Person};

/// How long an answer may take.
const WITHIN: Duration = Duration::from_secs(300);
/// Trips one after the other, for the median.
const ALONE: usize = 200;

/// Prints both, for so many contacts that write so many messages each.
pub(crate) async fn measure(
    network: &Network,
    shop: &Person,
    contacts: usize,
    messages: usize,
) -> Result<()> {
    let people = (0..contacts.max(1))
        .map(|number| network.person(&format!("1666{number:07}"), "Contact"))
        .collect::<Result<Vec<_>, _>>()?;
    let first = people.first().context("nobody to talk to")?;
    let mut trips = Vec::new();
    for number in 0..ALONE {
        trips.push(trip(first, shop, &format!("ping {number}")).await?);
    }
    trips.sort();
    let median = trips.get(trips.len() / 2).copied().unwrap_or_default();

    let started = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for person in people {
        let shop = shop.clone();
        running.spawn(async move {
            for number in 0..messages {
                trip(&person, &shop, &format!("text {number}")).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(finished) = running.join_next().await {
        finished??;
    }
    let took = started.elapsed();
    let total = contacts.max(1) * messages;
    let rate = total as f64 / took.as_secs_f64();
    #[expect(clippy::print_stdout, reason = "the figures are what it is run for")]
    {
        println!("median round trip {median:?}; {total} echoes in {took:?}, {rate:.0}/s");
    }
    Ok(())
}

async fn trip(person: &Person, to: &Person, text: &str) -> Result<Duration> {
    let started = Instant::now();
    person.says(to.number(), text).await?;
    let heard = person.hears_within(WITHIN).await?;
    anyhow::ensure!(heard.text() == text, "another text came back");
    Ok(started.elapsed())
}
