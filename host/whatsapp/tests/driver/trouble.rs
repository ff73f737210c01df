//! What goes wrong, and that nothing is lost by it.

use std::time::Duration;

use anyhow::{Result, bail};
use warbler_app::driver::{Inbound, LinkEnd, LinkReport, MediaFailure};
use warbler_domain::media::MediaSource;
use warbler_domain::{Content, MessageStatus};
use warbler_simulator::{Fault, Scope};

use crate::world::{Lids, Session, Told, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_not_stored_comes_again() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550030", "Olive")?;
    let customer = world.person("+15550130", "Carl")?;
    let session = world.connected(&owner).await?;
    customer.says(owner.number(), "stored").await?;
    session.hears().await?;
    session.inbox.refuse(true);
    let said = customer.says(owner.number(), "not stored").await?;
    session.inbox.has_refused().await?;
    session.link.close().await;

    let again = world.open(session.id).await?;
    let message = again.hears().await?;
    assert_eq!(message.whatsapp_id.as_str(), said);
    assert_eq!(message.content, Content::text("not stored"));
    again.connected().await?;
    customer.says(owner.number(), "later").await?;
    assert_eq!(again.hears().await?.content, Content::text("later"));
    again.link.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_after_something_that_was_not_stored_is_stored_after_it() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550040", "Olive")?;
    let customer = world.person("+15550140", "Carl")?;
    let session = world.connected(&owner).await?;
    session.inbox.panic_once();
    for text in ["bad luck", "good luck", "more luck"] {
        customer.says(owner.number(), text).await?;
    }
    session.inbox.has_refused().await?;
    let end = session.end().await?;
    assert!(matches!(end, LinkEnd::Lost { .. }), "{end:?}");

    let session = world.open(session.id).await?;
    for text in ["bad luck", "good luck", "more luck"] {
        assert_eq!(session.hears().await?.content, Content::text(text));
    }
    session.link.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_that_was_not_stored_is_told_on_the_next_link() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550041", "Olive")?;
    let customer = world.person("+15550141", "Carl")?;
    let session = world.connected(&owner).await?;
    let message = world.text(&customer.jid(), "read me")?;
    session.link.send(&message).await?;
    let heard = customer.hears().await?;
    let receipt = |wanted: MessageStatus| {
        let id = message.whatsapp_id.clone();
        move |inbound: &Inbound| match inbound {
            Inbound::Receipt {
                status, messages, ..
            } => (*status == wanted && messages.contains(&id)).then_some(()),
            _ => None,
        }
    };
    session
        .received("the delivery", receipt(MessageStatus::Delivered))
        .await?;
    session.inbox.refuse(true);
    customer.reads(&heard);
    session.inbox.has_refused().await?;
    let end = session.end().await?;
    assert!(matches!(end, LinkEnd::Lost { .. }), "{end:?}");

    // There is still no room: it stays owed.
    let inbox = session.inbox.clone();
    let session = world.open_with(session.id, inbox).await?;
    let end = session.end().await?;
    assert!(matches!(end, LinkEnd::Lost { .. }), "{end:?}");
    session.inbox.refuse(false);
    let session = world.open(session.id).await?;
    session
        .received("the reading", receipt(MessageStatus::Read))
        .await?;
    session.link.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_not_stored_survives_a_restart_of_the_host() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550031", "Olive")?;
    let customer = world.person("+15550131", "Carl")?;
    let session = world.connected(&owner).await?;
    session.inbox.refuse(true);
    customer.says(owner.number(), "first contact").await?;
    session.inbox.has_refused().await?;
    let id = session.id;
    session.link.close().await;
    drop(session);
    let world = world.restarted().await?;
    let session = world.open(id).await?;
    assert_eq!(
        session.hears().await?.content,
        Content::text("first contact")
    );
    session.link.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_while_the_session_was_away_is_told_before_it_is_connected() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550032", "Olive")?;
    let customer = world.person("+15550132", "Carl")?;
    let session = world.connected(&owner).await?;
    customer.says(owner.number(), "hello").await?;
    session.hears().await?;
    session.link.close().await;
    for n in 0..25 {
        customer
            .says(owner.number(), &format!("message {n}"))
            .await?;
    }

    let session = world.open(session.id).await?;
    // Everything stays in the inbox until the connection is told: its order is what counts.
    let connected = |told: &Told| matches!(told, Told::Report(LinkReport::Connected(_)));
    let told = loop {
        let told = session.inbox.told();
        if told.iter().any(connected) {
            break told;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let before: Vec<_> = told
        .iter()
        .take_while(|told| !connected(told))
        .filter_map(|told| match told {
            Told::Inbound(inbound) => match &**inbound {
                Inbound::Message(message) => message.content.readable(),
                _ => None,
            },
            Told::Report(_) => None,
        })
        .collect();
    let expected: Vec<_> = (0..25).map(|n| format!("message {n}")).collect();
    assert_eq!(before, expected);
    session.link.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_lose_a_connection_has_its_own_end() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550033", "Olive")?;
    let mut session = world.connected(&owner).await?;
    let faults = world.network.faults();
    for fault in [
        Fault::Drop,
        Fault::StreamError { code: 515 },
        Fault::StreamError { code: 503 },
        Fault::Replaced,
    ] {
        faults.inject(owner.number(), fault.clone())?;
        let end = session.end().await?;
        let fits = match fault {
            Fault::StreamError { code: 515 } => end == LinkEnd::Restart,
            Fault::Replaced => end == LinkEnd::Replaced,
            _ => matches!(end, LinkEnd::Lost { .. }),
        };
        assert!(fits, "{fault:?} ended as {end:?}");
        session = world.open(session.id).await?;
        session.connected().await?;
    }
    session.link.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_at_login_has_its_own_end() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550034", "Olive")?;
    let session = world.connected(&owner).await?;
    session.link.close().await;
    for reason in [503, 403, 405, 402] {
        let failure = Fault::LoginFailure { reason, times: 1 };
        world.network.faults().inject(owner.number(), failure)?;
        let session = world.open(session.id).await?;
        let end = session.end().await?;
        let fits = match reason {
            503 => matches!(end, LinkEnd::Lost { .. }),
            402 => matches!(
                end,
                LinkEnd::Refused {
                    for_now: Some(_),
                    ..
                }
            ),
            _ => matches!(end, LinkEnd::Refused { for_now: None, .. }),
        };
        assert!(fits, "{reason} ended as {end:?}");
    }
    let session = world.open(session.id).await?;
    session.connected().await?;
    session.link.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_a_loss() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550035", "Olive")?;
    let session = world.connected(&owner).await?;
    session.link.close().await;
    world.network.stop().await;
    let session = world.open(session.id).await?;
    let LinkEnd::Lost { reason } = session.end().await? else {
        bail!("not lost");
    };
    assert!(reason.contains("refused"), "{reason}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_does_not_keep_a_link_from_closing() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550036", "Olive")?;
    let session = world.connected(&owner).await?;
    let heard = session.link.last_heard();
    session.link.ping(Duration::from_secs(5)).await?;
    assert!(session.link.last_heard() >= heard);
    world
        .network
        .faults()
        .inject(owner.number(), Fault::HalfOpen)?;
    assert!(session.link.ping(Duration::from_millis(300)).await.is_err());
    tokio::time::timeout(Duration::from_secs(10), session.link.close()).await?;
    assert_eq!(session.end().await?, LinkEnd::Closed);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_message_is_asked_for_again() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550037", "Olive")?;
    let customer = world.person("+15550137", "Carl")?;
    let session = world.connected(&owner).await?;
    customer.says(owner.number(), "whole").await?;
    session.hears().await?;
    world
        .network
        .faults()
        .inject(owner.number(), Fault::Corrupt { times: 1 })?;
    let said = customer.says(owner.number(), "damaged on the way").await?;
    let message = session.hears().await?;
    assert_eq!(message.whatsapp_id.as_str(), said);
    assert_eq!(message.content, Content::text("damaged on the way"));
    session.link.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_long_handshake_is_spoken_when_the_short_one_is_declined() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550038", "Olive")?;
    let session = world.connected(&owner).await?;
    session.link.close().await;
    world
        .network
        .faults()
        .inject(owner.number(), Fault::DeclineIk { times: 1 })?;
    let session = world.open(session.id).await?;
    session.connected().await?;
    session.link.close().await;
    Ok(())
}

async fn image_of(session: &Session) -> Result<String> {
    let Content::Media(media) = session.hears().await?.content else {
        bail!("not a medium");
    };
    match media.source {
        MediaSource::Remote { locator } => Ok(locator),
        MediaSource::Stored { .. } => bail!("not on the network"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_medium_that_cannot_be_had_says_why() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550039", "Olive")?;
    let customer = world.person("+15550139", "Carl")?;
    let session = world.connected(&owner).await?;
    customer
        .sends_image(owner.number(), &[7; 5000], "image/png", None)
        .await?;
    let locator = image_of(&session).await?;
    let faults = world.network.faults();

    faults.inject(
        Scope::All,
        Fault::MediaError {
            status: 404,
            times: 10,
        },
    )?;
    assert_eq!(
        session.link.fetch_media(&locator).await,
        Err(MediaFailure::Gone)
    );
    faults.clear();
    faults.inject(
        Scope::All,
        Fault::MediaError {
            status: 500,
            times: 10,
        },
    )?;
    let failed = session.link.fetch_media(&locator).await;
    assert!(
        matches!(failed, Err(MediaFailure::Temporary(_))),
        "{failed:?}"
    );
    faults.clear();
    assert_eq!(session.link.fetch_media(&locator).await?, vec![7; 5000]);
    assert_eq!(
        session.link.fetch_media("{}").await,
        Err(MediaFailure::BadLocator)
    );
    session.link.close().await;
    Ok(())
}
