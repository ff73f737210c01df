//! What a new companion is told of the past.

use anyhow::{Context, Result};
use waproto::whatsapp::history_sync::HistorySyncType;
use warbler_simulator::{Network, NetworkOptions};
use whatsapp_rust::prelude::Event;

use super::support::Engine;

#[tokio::test]
async fn a_new_companion_is_told_what_the_phone_remembers() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let shop = network.person("+15550850", "Shop")?;
    let ada = network.person("+15550851", "Ada")?;
    let ben = network.person("+15550852", "Ben")?;
    let room = ben.creates_group("Lunch", &[&shop]).await?;
    for minute in 0..1_030 {
        let author = if minute % 2 == 0 { &ada } else { &shop };
        let text = format!("minute {minute}");
        shop.remembers(ada.number(), author, &text, 1_700_000_000 + minute * 60)?;
    }
    let last = shop.remembers(&room, &ben, "pasta today", 1_700_000_000)?;

    let mut engine = Engine::new(&network).await?;
    shop.scans(&engine.qr().await?).await?;
    let mut parts = Vec::new();
    while parts.len() < 4 {
        let part = engine
            .until(|event| match event {
                Event::HistorySync(sync) => Some(sync.get().cloned()),
                _ => None,
            })
            .await?;
        parts.push(part.context("the history cannot be read")?);
    }
    // The engine reads several parts at once.
    parts.sort_by_key(|part| {
        (
            part.sync_type == HistorySyncType::PUSH_NAME,
            part.chunk_order,
        )
    });
    let kinds: Vec<_> = parts.iter().map(|part| part.sync_type).collect();
    let expected = [
        HistorySyncType::INITIAL_BOOTSTRAP,
        HistorySyncType::RECENT,
        HistorySyncType::RECENT,
        HistorySyncType::PUSH_NAME,
    ];
    assert_eq!(kinds, expected);
    let counts: Vec<usize> = parts
        .iter()
        .map(|part| {
            part.conversations
                .iter()
                .map(|chat| chat.messages.len())
                .sum()
        })
        .collect();
    assert_eq!(counts, [21, 1_000, 10, 0]);
    let first = parts.first().context("no parts")?;
    let group = first
        .conversations
        .iter()
        .find(|chat| chat.id == room)
        .context("no group")?;
    assert_eq!(group.name.as_deref(), Some("Lunch"));
    let told = group
        .messages
        .first()
        .and_then(|one| one.message.as_option());
    let key = told.and_then(|told| told.key.as_option());
    let key = key.context("no message")?;
    assert_eq!(key.id.as_deref(), Some(last.as_str()));
    assert_eq!(key.participant, Some(ben.jid()));
    network.stop().await;
    Ok(())
}
