//! A campaign whose host is killed again and again.
//!
//! 600 recipients by default; `WARBLER_CAMPAIGN_RECIPIENTS=5000 cargo test -p warbler-tests --test it
//! campaigns::crash` takes as many as it is asked for. One number in a hundred belongs to nobody.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use warbler_domain::Random;
use warbler_simulator::{Network, NetworkOptions, Person};
use warbler_tests::{Api, HostProcess, eventually, link, reaches_state};

use super::{OWNER, number};

const KILLS: u64 = 10;

fn recipients() -> usize {
    std::env::var("WARBLER_CAMPAIGN_RECIPIENTS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(600)
}

async fn shown(api: &Api, path: &str) -> Result<Value> {
    Ok(api.get(path).await?.expect(200)?.body)
}

fn reached(shown: &Value) -> u64 {
    shown["counts"]["reached"].as_u64().unwrap_or_default()
}

/// Waits until so many are reached.
async fn reaches(api: &Api, path: &str, least: u64) -> Result<Value> {
    let mut known = 0;
    loop {
        let found = eventually("more recipients are reached", || async {
            let shown = shown(api, path).await?;
            let now = reached(&shown);
            Ok((now >= least || now > known).then_some(shown))
        });
        let found = found
            .await
            .with_context(|| format!("{known} of {least} were reached"))?;
        if reached(&found) >= least {
            return Ok(found);
        }
        known = reached(&found);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_whose_host_is_killed_reaches_everybody_once() -> Result<()> {
    let count = recipients();
    let network = Network::start(NetworkOptions::default()).await?;
    let dir = tempfile::tempdir()?;
    let binary = env!("CARGO_BIN_EXE_host-under-test");
    let mut host = HostProcess::start(binary, dir.path(), &network).await?;
    let owner = network.person(OWNER, "Owner")?;
    link(host.api(), "shop", &owner).await?;
    let mut people: BTreeMap<usize, Person> = BTreeMap::new();
    let mut file = "number,name\n".to_owned();
    for index in 0..count {
        file.push_str(&format!("{},P{index}\n", number(index)));
        if index % 100 != 99 {
            people.insert(index, network.person(&number(index), &format!("P{index}"))?);
        }
    }
    let body = json!({
        "name": "All", "sessions": ["shop"], "message": { "text": "Hi {{Name}}" },
        "rules": { "delayMillis": 0 },
    });
    let made = host.api().post("/v1/campaigns", body).await?.expect(201)?;
    let path = format!("/v1/campaigns/{}", made.text_at("/id")?);
    let list = format!("{path}/recipients");
    let kind = "text/csv";
    host.api()
        .put_as(kind, &list, file.into_bytes())
        .await?
        .expect(200)?;
    host.api()
        .order(&format!("{path}/start"))
        .await?
        .expect(200)?;

    let random = Random::seeded(11);
    let valid = people.len() as u64;
    for kill in 1..=KILLS {
        let least = valid * kill / (KILLS + 2);
        reaches(host.api(), &path, least)
            .await
            .with_context(|| host.log())?;
        if kill == KILLS / 2 {
            let paused = host
                .api()
                .order(&format!("{path}/pause"))
                .await?
                .expect(200)?;
            ensure!(paused.body["state"] == "paused", "{}", paused.body);
            host.kill()?;
            host.start_again().await?;
            reaches_state(host.api(), "shop", "connected").await?;
            let resting = shown(host.api(), &path).await?;
            ensure!(resting["state"] == "paused", "{resting}");
            host.api()
                .order(&format!("{path}/resume"))
                .await?
                .expect(200)?;
            continue;
        }
        // Another moment of the work each time.
        tokio::time::sleep(random.jitter(Duration::from_millis(60), 1.0)).await;
        host.kill()?;
        host.start_again().await?;
    }
    let done = reaches(host.api(), &path, valid)
        .await
        .with_context(|| host.log())?;
    let done = match done["state"].as_str() {
        Some("completed") => done,
        _ => {
            eventually("it is through", || async {
                let shown = shown(host.api(), &path).await?;
                Ok((shown["state"] == "completed").then_some(shown))
            })
            .await?
        }
    };
    ensure!(
        done["counts"]["invalid"] == (count as u64 - valid) && done["counts"]["failed"] == 0,
        "{done}"
    );
    // What is readable only when asked for again comes a moment later.
    eventually("everybody has heard it", || async {
        let all = people.values().all(|person| !person.heard().is_empty());
        Ok(all.then_some(()))
    })
    .await?;
    let export = host.api().text(&format!("{path}/export.csv")).await?;
    let mut rows: BTreeMap<String, String> = BTreeMap::new();
    for line in export.lines().skip(1) {
        let mut cells = line.split(',');
        let number = cells.next().unwrap_or_default().to_owned();
        rows.insert(number, cells.nth(1).unwrap_or_default().to_owned());
    }
    ensure!(rows.len() == count, "{} rows", rows.len());
    for index in 0..count {
        let number = number(index);
        let status = rows.get(number.trim_start_matches('+'));
        let status = status.map(String::as_str).unwrap_or_default();
        match people.get(&index) {
            Some(person) => {
                let heard: Vec<_> = person
                    .heard()
                    .iter()
                    .map(|one| one.text().to_owned())
                    .collect();
                ensure!(
                    heard == [format!("Hi P{index}")],
                    "{number} heard {heard:?}"
                );
                ensure!(
                    matches!(status, "sent" | "delivered" | "read"),
                    "{number} is {status}"
                );
            }
            None => ensure!(status == "invalid", "{number} is {status}"),
        }
    }
    host.kill()?;
    network.stop().await;
    Ok(())
}
