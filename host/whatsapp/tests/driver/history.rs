//! What the phone remembers from before the session was linked.

use anyhow::Result;
use warbler_app::driver::Inbound;
use warbler_domain::{Clock, Content, SystemClock};

use crate::world::{Lids, World, jid};

crate::only_with! {
    PhoneHistory:
    #[tokio::test(flavor = "multi_thread")]
    async fn the_wanted_part_of_the_past_comes_in_as_history() -> Result<()> {
        let world = World::start(Lids::Told).await?;
        let owner = world.person("+15550395", "Olive")?;
        let carl = world.person("+15550396", "Carl")?;
        let now = u64::try_from(SystemClock.now().as_millis() / 1000)?;
        let year = 365 * 24 * 3600;
        owner.remembers(carl.number(), &carl, "long ago", now - year)?;
        owner.remembers(carl.number(), &carl, "what is the price?", now - 60)?;
        owner.remembers(carl.number(), &owner, "ten", now - 30)?;
        let session = world.connected(&owner).await?;
        let mut texts = Vec::new();
        while texts.len() < 2 {
            let history = session
                .received("history", |inbound| match inbound {
                    Inbound::History(history) => Some(history.clone()),
                    _ => None,
                })
                .await?;
            for message in history.messages {
                assert_eq!(message.chat, jid(&carl.jid())?);
                texts.push((message.timestamp, message.sender, message.content));
            }
        }
        texts.sort_by_key(|(at, ..)| *at);
        let said: Vec<_> = texts.into_iter().map(|(_, by, said)| (by, said)).collect();
        let expected = [
            (jid(&carl.jid())?, Content::text("what is the price?")),
            (jid(&owner.jid())?, Content::text("ten")),
        ];
        assert_eq!(said, expected);
        session.link.close().await;
        Ok(())
    }
}
