//! A host that is killed while it delivers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use warbler_domain::Random;
use warbler_simulator::{Network, NetworkOptions};
use warbler_tests::{HostProcess, eventually, link};

use super::receiver::{OK, Receiver};
use super::{ADA, OWNER};

const KILLS: usize = 6;
const MESSAGES: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_arrives_however_often_the_host_is_killed_meanwhile() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let dir = tempfile::tempdir()?;
    let binary = env!("CARGO_BIN_EXE_host-under-test");
    let mut host = HostProcess::start(binary, dir.path(), &network).await?;
    // Receivers on this machine are reached from the next start on.
    let config = dir.path().join("warbler.toml");
    let text = std::fs::read_to_string(&config)?;
    let allowed = "[network]\noutbound_allow = [\"127.0.0.1\"]\n";
    std::fs::write(&config, text.replace("[network]\n", allowed))?;
    host.start_again().await?;

    let owner = network.person(OWNER, "Owner")?;
    link(host.api(), "shop", &owner).await?;
    let ada = network.person(ADA, "Ada")?;
    let receiver = Receiver::start(|_| OK).await?;
    let new = json!({ "url": receiver.url(), "events": ["message.received"] });
    let made = host.api().post("/v1/webhooks", new).await?.expect(201)?;
    let secret = made.text_at("/secret")?.to_owned();
    let path = format!("/v1/webhooks/{}", made.text_at("/webhook/id")?);
    let random = Random::seeded(5);
    let mut said = BTreeSet::new();
    for kill in 0..KILLS {
        for message in 0..MESSAGES {
            let text = format!("word {kill}.{message}");
            ada.says(OWNER, &text).await?;
            said.insert(text);
        }
        // Another moment of the work each time.
        tokio::time::sleep(random.jitter(Duration::from_millis(80), 1.0)).await;
        host.kill()?;
        host.start_again().await?;
    }
    let arrived = eventually("everything arrived", || async {
        let heard = receiver.heard();
        let texts: BTreeSet<String> = heard.iter().map(|one| one.text()).collect();
        let shown = host.api().get(&path).await?.expect(200)?.body;
        let done = texts.is_superset(&said) && shown["waiting"] == 0;
        Ok(done.then_some((heard, shown)))
    });
    let (heard, shown) = match arrived.await {
        Ok(arrived) => arrived,
        Err(err) => return Err(err.context(host.log())),
    };
    assert_eq!(shown["dead"], 0, "{shown}");
    let mut bodies: BTreeMap<&str, BTreeSet<&[u8]>> = BTreeMap::new();
    for one in &heard {
        ensure!(one.is_signed_with(&secret)?, "every attempt is signed");
        let id = one.header("webhook-id");
        bodies.entry(id).or_default().insert(&one.body);
    }
    // What comes again comes under its id, and says the same.
    assert_eq!(bodies.len(), said.len());
    ensure!(
        bodies.values().all(|bodies| bodies.len() == 1),
        "one body for each id"
    );
    host.kill()?;
    network.stop().await;
    Ok(())
}
