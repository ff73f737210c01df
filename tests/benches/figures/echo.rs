//! From a customer's phone through the host and back.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::task::JoinSet;
use warbler_simulator::Person;
use warbler_tests::{TestHost, quick_settings};

use crate::spread;

const SHOP: &str = "+15550001";
const WITHIN: Duration = Duration::from_secs(60);
const TRIPS: usize = 500;
const CONTACTS: usize = 64;
const EACH: usize = 50;

/// From a start on existing data to the answer of a question that waits.
pub(crate) async fn ready_to_first_reply() -> Result<()> {
    let mut host = TestHost::with_shipped_extensions().await?;
    host.connected_session("shop", SHOP).await?;
    let ada = host.person("+15550100", "Ada")?;
    let mut starts = Vec::new();
    let mut replies = Vec::new();
    for _ in 0..10 {
        let began = Instant::now();
        host.restart().await?;
        starts.push(began.elapsed());
        let ready = Instant::now();
        ada.says(SHOP, "what is the price?").await?;
        ada.hears_within(WITHIN).await?;
        replies.push(ready.elapsed());
    }
    let (starts, replies) = (spread(starts), spread(replies));
    println!(
        "stop and start on existing data: median {:.1?}",
        starts.median
    );
    println!(
        "ready to first reply: median {:.1?}, worst of 10 {:.1?}",
        replies.median, replies.p99
    );
    host.stop().await;
    Ok(())
}

/// One contact after the other, then 64 at once, through a plugin and through a script.
pub(crate) async fn round_trips() -> Result<()> {
    for through in ["plugin", "script"] {
        let mut settings = quick_settings();
        settings.loop_guard = 0;
        let host = TestHost::start_with(settings).await?;
        let (question, answer) = match through {
            "plugin" => {
                host.put_plugin("auto-reply").await?;
                ("what is the price?", "Our prices start at $10")
            }
            _ => {
                host.put_script("echo", "fn on_message(message) { reply(message.text); }")
                    .await?;
                ("ping", "ping")
            }
        };
        let shop = host.connected_session("shop", SHOP).await?;
        let first = host.person("+15550100", "Ada")?;
        let mut trips = Vec::new();
        for _ in 0..TRIPS {
            trips.push(trip(&first, question, answer).await?);
        }
        let trips = spread(trips);
        println!(
            "echo through a {through}: median {:.2?}, p99 {:.2?} ({TRIPS} trips)",
            trips.median, trips.p99
        );

        let began = Instant::now();
        let mut running = JoinSet::new();
        for number in 0..CONTACTS {
            let person = host.person(&format!("1666{number:07}"), "Contact")?;
            running.spawn(async move {
                for _ in 0..EACH {
                    trip(&person, question, answer).await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(finished) = running.join_next().await {
            finished??;
        }
        let rate = (CONTACTS * EACH) as f64 / began.elapsed().as_secs_f64();
        println!("{CONTACTS} contacts at once through a {through}: {rate:.0} echoes/s");
        ensure!(!shop.name().is_empty());
        host.stop().await;
    }
    Ok(())
}

async fn trip(person: &Person, question: &str, answer: &str) -> Result<Duration> {
    let began = Instant::now();
    person.says(SHOP, question).await?;
    let heard = person.hears_within(WITHIN).await?;
    ensure!(heard.text() == answer, "heard {:?}", heard.text());
    Ok(began.elapsed())
}
