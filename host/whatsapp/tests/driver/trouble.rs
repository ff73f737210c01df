//! What goes wrong, and that nothing is lost by it. What the network can do to a link is a table,
//! in [`crate::faults`].

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tempfile::tempfile;
use tokio::time::timeout;
use warbler_app::driver::{Inbound, LinkEnd, LinkReport, MediaFailure, SendFailure};
use warbler_domain::media::MediaSource;
use warbler_domain::{Content, MessageStatus};
use warbler_simulator::{Fault, Scope};

use crate::scene::{Meets, SOON, Scene, times_told};
use crate::world::{Lids, Told, WORLDS, World, fetched, has_acknowledged};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_not_stored_comes_again() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550030", "Olive")?;
    let customer = world.person("+15550130", "Carl")?;
    let session = world.connected(&owner).await?;
    customer.says(owner.number(), "stored").await?;
    session.hears().await?;
    has_acknowledged(&owner).await?;
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

crate::only_with! {
    StoreBeforeAck:
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

crate::only_with! {
    StoreBeforeAck:
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
}

crate::only_with! {
    Order:
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
async fn a_question_without_an_answer_holds_up_nothing_else() -> Result<()> {
    let scene = Scene::begin().await?;
    let unanswered = Fault::IqTimeout {
        xmlns: "w:g2".to_owned(),
        times: 1,
    };
    let refused = Fault::IqError {
        xmlns: "w:g2".to_owned(),
        code: 429,
        times: 1,
    };
    for (number, fault) in [refused, unanswered].into_iter().enumerate() {
        scene.strike(Meets::Session, fault).await?;
        let asked = timeout(SOON, scene.session.link.groups()).await;
        ensure!(!matches!(asked, Ok(Ok(_))), "{asked:?}");
        scene.is_heard(&format!("question {number}")).await?;
        assert!(scene.session.link.groups().await?.is_empty());
    }
    scene.session.link.close().await;
    Ok(())
}

crate::only_with! { Resend:

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_was_lost_with_the_connection_is_sent_on_the_next_one() -> Result<()> {
    for lids in WORLDS {
        let world = World::start(lids).await?;
        let owner = world.person("+15550047", "Olive")?;
        let customer = world.person("+15550147", "Carl")?;
        let group = owner.creates_group("Circle", &[&customer]).await?;
        let mut session = world.connected(&owner).await?;
        for (number, chat) in [customer.jid(), group].into_iter().enumerate() {
            customer.goes_offline();
            let faults = world.network.faults();
            faults.inject(customer.number(), Fault::Corrupt { times: 1 })?;
            let message = world.text(&chat, &chat)?;
            session.link.send(&message).await?;
            assert_eq!(session.ack(&message.whatsapp_id).await?, None);
            // The customer cannot read it and asks; the answer goes down with the connection.
            faults.inject(owner.number(), Fault::BreakUnderMessage { times: 1 })?;
            customer.comes_online();
            assert!(matches!(session.end().await?, LinkEnd::Lost { .. }));
            assert_eq!(customer.heard().len(), number, "{lids:?}");
            session = world.open(session.id).await?;
            session.connected().await?;
            assert_eq!(customer.hears().await?.text(), chat, "{lids:?}");
            // What would open a session that is known may be damaged without harm.
            customer.says(owner.number(), "read").await?;
            session.hears().await?;
        }
        session.link.close().await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_several_ask_for_at_once_on_a_new_link_reaches_them_all() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550048", "Olive")?;
    let mut members = Vec::new();
    for number in 0..4 {
        members.push(world.person(&format!("+1555014{number}"), "Carl")?);
    }
    let group = owner.creates_group("Circle", &members.iter().collect::<Vec<_>>()).await?;
    let mut session = world.connected(&owner).await?;
    for round in 0..5 {
        for member in &members {
            member.goes_offline();
            let damaged = Fault::Corrupt { times: 1 };
            world.network.faults().inject(member.number(), damaged)?;
        }
        let message = world.text(&group, &format!("round {round}"))?;
        session.link.send(&message).await?;
        assert_eq!(session.ack(&message.whatsapp_id).await?, None);
        session.link.close().await;
        session = world.open(session.id).await?;
        session.connected().await?;
        for member in &members {
            member.comes_online();
        }
        for member in &members {
            assert_eq!(member.hears().await?.text(), format!("round {round}"));
            // What would open a session that is known may be damaged without harm.
            member.says(owner.number(), "read").await?;
            session.hears().await?;
        }
    }
    session.link.close().await;
    Ok(())
}
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_download_has_its_own_word() -> Result<()> {
    type Fits = fn(&MediaFailure) -> bool;
    let scene = Scene::begin().await?;
    let (owner, link) = (scene.owner.number(), &scene.session.link);
    let image = [7; 5000];
    scene
        .customer
        .sends_image(owner, &image, "image/png", None)
        .await?;
    let Content::Media(media) = scene.session.hears().await?.content else {
        bail!("not a medium");
    };
    let MediaSource::Remote { locator } = media.source else {
        bail!("not on the network");
    };
    let status = |status| Fault::MediaError { status, times: 10 };
    let gone: Fits = |failure| *failure == MediaFailure::Gone;
    let for_now: Fits = |failure| matches!(failure, MediaFailure::Temporary(_));
    let damaged: Fits = |failure| {
        matches!(
            failure,
            MediaFailure::Damaged(_) | MediaFailure::Temporary(_)
        )
    };
    let faults = scene.world.network.faults();
    for (fault, fits) in [
        (status(404), gone),
        (status(410), gone),
        (status(500), for_now),
        (Fault::MediaCorrupt { times: 10 }, damaged),
        (Fault::MediaShort { times: 10 }, damaged),
    ] {
        faults.inject(Scope::All, fault.clone())?;
        let failure = link.fetch_media(&locator, tempfile()?).await.err();
        let failure = failure.with_context(|| format!("{fault:?} did no harm"))?;
        ensure!(fits(&failure), "{fault:?} failed as {failure:?}");
        faults.clear();
        assert_eq!(fetched(&**link, &locator).await?, image.to_vec());
    }
    let failure = link.fetch_media("{}", tempfile()?).await;
    assert_eq!(failure, Err(MediaFailure::BadLocator));
    scene.session.link.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_fails_works_the_next_time() -> Result<()> {
    let scene = Scene::begin().await?;
    let faults = scene.world.network.faults();
    let failing = Fault::MediaError {
        status: 500,
        times: 10,
    };
    faults.inject(Scope::All, failing)?;
    let image = scene.session.inbox.image(&[7; 5000], "look");
    let customer = scene.customer.jid();
    let message = scene.world.outgoing(&customer, Content::Media(image))?;
    let sent = scene.session.link.send(&message).await;
    ensure!(matches!(sent, Err(SendFailure::Temporary(_))), "{sent:?}");
    faults.clear();
    scene.session.link.send(&message).await?;
    assert_eq!(scene.customer.hears().await?.text(), "look");
    scene.session.link.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_linked_in_the_middle_of_a_conversation_hears_the_rest() -> Result<()> {
    let scene = Scene::begin().await?;
    let companion = scene.world.connected(&scene.customer).await?;
    // By now it has been told that there is another device.
    scene.is_heard("one moment").await?;
    let rest = scene.world.text(&scene.customer.jid(), "and so on")?;
    scene.session.link.send(&rest).await?;
    assert_eq!(scene.customer.hears().await?.text(), "and so on");
    let told = companion.inbox.holds("the rest", |told| {
        times_told(told, rest.whatsapp_id.as_str()) == 1
    });
    told.await?;
    companion.link.close().await;
    scene.session.link.close().await;
    Ok(())
}
