//! Many sessions in one process, with messages flowing.
//!
//! Short by default; `WARBLER_SOAK_SECONDS=300 cargo test -p warbler-tests --test it soak` runs it
//! for as long as it is asked to.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use warbler_simulator::Person;
use warbler_tests::{PATIENCE, TestHost};

const SESSIONS: usize = 50;

/// Resident memory of this process, in KiB.
fn resident() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .context("VmRSS")?;
    Ok(line
        .split_whitespace()
        .nth(1)
        .context("a number")?
        .parse()?)
}

fn seconds() -> u64 {
    std::env::var("WARBLER_SOAK_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(10)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn soak_fifty_sessions_stay_connected_while_messages_flow() -> Result<()> {
    let host = TestHost::start().await?;
    host.put_script(
        "echo",
        "fn on_message(message) { reply(\"echo of \" + message.text); }",
    )
    .await?;
    let mut pairs: Vec<(String, Person)> = Vec::new();
    let before = resident()?;
    for n in 0..SESSIONS {
        let number = format!("+1555{n:04}000");
        host.connected_session(&format!("shop-{n}"), &number)
            .await?;
        pairs.push((
            number,
            host.person(&format!("+1666{n:04}000"), &format!("Customer {n}"))?,
        ));
    }
    let with_sessions = resident()?;
    let until = Instant::now() + Duration::from_secs(seconds());
    let mut rounds = 0;
    while Instant::now() < until {
        for (number, customer) in &pairs {
            customer.says(number, &format!("round {rounds}")).await?;
        }
        for (_, customer) in &pairs {
            let heard = customer.hears_within(PATIENCE).await?;
            ensure!(
                heard.text() == format!("echo of round {rounds}"),
                "{} heard {}",
                customer.name(),
                heard.text()
            );
        }
        rounds += 1;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let sessions = host.api().get("/v1/sessions").await?.expect(200)?;
    let connected = sessions.body["items"].as_array().context("items")?;
    ensure!(
        connected
            .iter()
            .all(|session| session["state"] == "connected"),
        "{}",
        sessions.body
    );
    let threads = std::fs::read_dir("/proc/self/task")?.count();
    #[expect(
        clippy::print_stdout,
        reason = "the figures are what the long run is for"
    )]
    {
        println!(
            "{SESSIONS} sessions, {rounds} rounds: {before} KiB before, {with_sessions} KiB paired, {} KiB at the end \
             ({} KiB per session, phones and server of the simulated network included), {threads} threads",
            resident()?,
            resident()?.saturating_sub(before) / SESSIONS as u64,
        );
    }
    host.stop().await;
    Ok(())
}
