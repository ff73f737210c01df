//! The smallest bot the engine can be: it answers every text with the same text.
//!
//! No store on disk, no sandbox, no rules. It is the measure for everything that costs more:
//! `cargo run --release -p warbler-simulator --example bare_echo -- CONTACTS MESSAGES` prints how
//! long a text takes to a contact and back, and how many go through at once.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::mpsc;
use wacore::store::InMemoryBackend;
use warbler_simulator::{Network, NetworkOptions, Person};
use whatsapp_rust::prelude::{Bot, BotHandle, EventDelivery, EventKind, MessageExt, TokioRuntime};

#[path = "echo/trips.rs"]
mod trips;
#[path = "../tests/engine/wiring.rs"]
mod wiring;

use wiring::{Nodelay, Redirected};

/// How long linking may take.
const WITHIN: Duration = Duration::from_secs(300);

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1).map(|one| one.parse::<usize>());
    let contacts = arguments.next().transpose()?.unwrap_or(64);
    let messages = arguments.next().transpose()?.unwrap_or(50);

    let network = Network::start(NetworkOptions::default()).await?;
    let shop = network.person("15550000", "Shop")?;
    let bot = linked(&network, &shop).await?;
    trips::measure(&network, &shop, contacts, messages).await?;
    bot.shutdown().await;
    network.stop().await;
    Ok(())
}

async fn linked(network: &Network, owner: &Person) -> Result<BotHandle> {
    let (codes, mut shown) = mpsc::channel(8);
    let bot = Bot::builder()
        .with_backend(InMemoryBackend::new())
        .with_transport_factory(Nodelay {
            url: network.websocket_url(),
        })
        .with_http_client(Redirected {
            base: network.http_url(),
        })
        .with_runtime(TokioRuntime)
        .with_version((2, 3000, 1_027_868_167))
        .with_event_delivery(EventDelivery::Concurrent)
        .on_qr_code(move |code, _| {
            let codes = codes.clone();
            async move {
                codes.send(code).await.ok();
            }
        })
        .on_event_for(&[EventKind::Messages], |event, client| async move {
            for inbound in event.messages() {
                let info = &inbound.info;
                let Some(text) = inbound.message.text_content() else {
                    continue;
                };
                let answer = waproto::whatsapp::Message {
                    conversation: Some(text.to_owned()),
                    ..Default::default()
                };
                let client = Arc::clone(&client);
                if let Err(error) = client.send_message(&info.source.chat, answer).await {
                    tracing::warn!(%error, "An echo was not sent");
                }
            }
        })
        .build()
        .await?;
    let handle = bot.spawn();
    let qr = shown.recv().await.context("no QR")?;
    owner.scans(&qr).await?;
    owner.has_active_device(WITHIN).await?;
    Ok(handle)
}
