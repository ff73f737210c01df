//! What the engine keeps when its link is over, which only this module can see.

use std::fs::File;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use ::wa_rs::Client;
use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio::time::timeout;
use warbler_app::driver::{Driver, Inbound, Inbox, InboxError, Link, LinkReport};
use warbler_domain::Clock;
use warbler_domain::media::Digest;
use warbler_domain::{Random, SessionId, SystemClock};
use warbler_simulator::{Network, NetworkOptions, Person};
use warbler_store::{Store, StoreOptions};

use super::WaRs;
use crate::driver::EngineConfig;

type Tested<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const WITHIN: Duration = Duration::from_secs(20);

/// Something that an inbox was told.
enum Told {
    Report(LinkReport),
    Message,
}

struct Ear(mpsc::Sender<Told>);

#[async_trait]
impl Inbox for Ear {
    async fn receive(&self, inbound: Vec<Inbound>) -> Result<(), InboxError> {
        for one in inbound {
            if let Inbound::Message(_) = one {
                let told = self.0.send(Told::Message).await;
                told.map_err(|err| InboxError(err.to_string()))?;
            }
        }
        Ok(())
    }

    async fn report(&self, report: LinkReport) {
        // Nobody listens at the end of a test.
        drop(self.0.send(Told::Report(report)).await);
    }

    async fn media(&self, _: &Digest) -> Result<File, InboxError> {
        Err(InboxError("nothing is stored".to_owned()))
    }
}

/// Waits for something that is told.
async fn heard<T>(ear: &mut mpsc::Receiver<Told>, pick: impl Fn(Told) -> Option<T>) -> Tested<T> {
    let hearing = async {
        while let Some(told) = ear.recv().await {
            if let Some(picked) = pick(told) {
                return Ok(picked);
            }
        }
        Err("nothing more is told".into())
    };
    timeout(WITHIN, hearing).await?
}

async fn open(driver: &WaRs, session: SessionId) -> Tested<(Arc<dyn Link>, mpsc::Receiver<Told>)> {
    let (told, ear) = mpsc::channel(256);
    Ok((driver.open(session, Arc::new(Ear(told))).await?, ear))
}

/// A session of `owner`, linked and connected.
async fn connected(
    driver: &WaRs,
    session: SessionId,
    owner: &Person,
) -> Tested<(Arc<dyn Link>, mpsc::Receiver<Told>)> {
    let (_link, mut ear) = open(driver, session).await?;
    let qr = heard(&mut ear, |told| match told {
        Told::Report(LinkReport::PairingQr { text, .. }) => Some(text),
        _ => None,
    });
    owner.scans(&qr.await?).await?;
    let ended = heard(&mut ear, |told| match told {
        Told::Report(LinkReport::Ended(_)) => Some(()),
        _ => None,
    });
    ended.await?;
    let (link, mut ear) = open(driver, session).await?;
    let connected = heard(&mut ear, |told| match told {
        Told::Report(LinkReport::Connected(_)) => Some(()),
        _ => None,
    });
    connected.await?;
    Ok((link, ear))
}

fn client_of(driver: &WaRs, session: SessionId) -> Option<Weak<Client>> {
    let engines = driver
        .engines
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let engine = engines.get(&session)?;
    Some(Arc::downgrade(&engine.client))
}

/// `gives_back_memory`: nothing here holds the client of a session that is forgotten, and it is there
/// nevertheless, because the tasks of its chats hold it.
#[tokio::test(flavor = "multi_thread")]
async fn the_client_of_a_session_that_had_a_chat_outlives_it() -> Tested<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let folder = tempfile::tempdir()?;
    let store = Store::open(&StoreOptions::new(folder.path().join("warbler.db")))?;
    let config = EngineConfig {
        websocket_url: network.websocket_url().parse()?,
        media_base: Some(network.http_url().parse()?),
        simulated: true,
        ..EngineConfig::default()
    };
    let driver = WaRs::new(store, Arc::new(SystemClock), config)?;
    let session = SessionId::new(SystemClock.now(), &Random::from_system());
    let owner = network.person("+15550001", "Olive")?;
    let customer = network.person("+15550100", "Carl")?;
    let (link, mut ear) = connected(&driver, session, &owner).await?;
    customer.says(owner.number(), "hello").await?;
    let message = |told| matches!(told, Told::Message).then_some(());
    heard(&mut ear, message).await?;
    link.close().await;
    drop(link);
    let client = client_of(&driver, session).ok_or("the client is not kept for the next link")?;
    driver.forget(session).await?;
    assert!(client_of(&driver, session).is_none());
    assert!(client.upgrade().is_some());
    network.stop().await;
    Ok(())
}
