//! What the engine `wa-rs` 0.2.0 cannot do, shown as it is. A test here that fails says that a gap
//! has closed: the capability is to be given to the engine then, and its row taken out of
//! `host/docs/engines.md`.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Result, bail};
use warbler_app::driver::{DriverError, EngineCapability, Inbound, LinkEnd, SendFailure};
use warbler_domain::chat::ChatChange;
use warbler_domain::poll::Poll;
use warbler_domain::{Clock, Content, MessageStatus, SystemClock};
use warbler_simulator::{Fault, Outgoing};

use crate::world::{Lids, Told, World, eventually};

fn lacks(capability: EngineCapability) -> bool {
    !warbler_whatsapp::capabilities(crate::ENGINE).contains(&capability)
}

#[test]
fn every_capability_is_a_gap_or_closed() {
    for capability in EngineCapability::ALL {
        let closed = capability == EngineCapability::KeyRefill;
        assert_eq!(lacks(capability), !closed, "{}", capability.word());
    }
}

/// `store_before_ack`: with the host goes what it could not store; the network does not bring it again.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_not_stored_does_not_survive_a_restart_of_the_host() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550201", "Olive")?;
    let customer = world.person("+15550301", "Carl")?;
    let session = world.connected(&owner).await?;
    session.inbox.refuse(true);
    customer.says(owner.number(), "lost").await?;
    session.inbox.has_refused().await?;
    let id = session.id;
    session.link.close().await;
    drop(session);
    let world = world.restarted().await?;
    let session = world.open(id).await?;
    session.connected().await?;
    customer.says(owner.number(), "after").await?;
    assert_eq!(session.hears().await?.content, Content::text("after"));
    session.link.close().await;
    Ok(())
}

/// `server_refusals`: the server's refusal is not told, and the message counts as sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_the_server_refuses_counts_as_sent() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550202", "Olive")?;
    let customer = world.person("+15550302", "Carl")?;
    let session = world.connected(&owner).await?;
    let refused = Fault::ErrorAcks {
        code: 479,
        times: 1,
    };
    world.network.faults().inject(owner.number(), refused)?;
    let message = world.text(&customer.jid(), "refused")?;
    session.link.send(&message).await?;
    assert_eq!(session.ack(&message.whatsapp_id).await?, None);
    session.link.close().await;
    Ok(())
}

/// `presence_of_others`, `profile_name`, `calls`, `chat_changes`: each has a name for what it lacks.
#[tokio::test(flavor = "multi_thread")]
async fn what_it_cannot_do_is_refused_by_name() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550203", "Olive")?;
    let customer = world.person("+15550303", "Carl")?;
    let session = world.connected(&owner).await?;
    let (link, carl) = (&session.link, customer.jid().parse()?);
    let archived = ChatChange::Archived { archived: true };
    for refused in [
        link.watch_presence(&carl).await,
        link.set_push_name("Olivia").await,
        link.reject_call("1", &carl).await,
        link.change_chat(&carl, &archived, None).await,
    ] {
        assert!(
            matches!(refused, Err(DriverError::Unsupported(_))),
            "{refused:?}"
        );
    }
    session.link.close().await;
    Ok(())
}

/// `status_posts`
#[tokio::test(flavor = "multi_thread")]
async fn a_status_is_refused_for_good() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550204", "Olive")?;
    let customer = world.person("+15550304", "Carl")?;
    let session = world.connected(&owner).await?;
    let mut status = world.text("status@broadcast", "open today")?;
    status.audience = vec![customer.jid().parse()?];
    let refused = session.link.send(&status).await;
    assert!(
        matches!(refused, Err(SendFailure::Permanent(_))),
        "{refused:?}"
    );
    session.link.close().await;
    Ok(())
}

/// `calls`: nobody is told that somebody calls.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_not_seen() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550205", "Olive")?;
    let customer = world.person("+15550305", "Carl")?;
    let session = world.connected(&owner).await?;
    customer.calls(owner.number())?;
    customer.says(owner.number(), "pick up").await?;
    session.hears().await?;
    let call =
        |told: &Told| matches!(told, Told::Inbound(one) if matches!(**one, Inbound::Call { .. }));
    assert!(!session.inbox.told().iter().any(call));
    session.link.close().await;
    Ok(())
}

/// `own_polls`: the engine replaces the secret that votes are sealed with, and keeps it to itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_vote_in_our_poll_cannot_be_read() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550206", "Olive")?;
    let customer = world.person("+15550306", "Carl")?;
    let session = world.connected(&owner).await?;
    let poll = Content::Poll(Poll::new("When?", ["Today", "Tomorrow"], 1)?);
    let poll = world.outgoing(&customer.jid(), poll)?;
    session.link.send(&poll).await?;
    let heard = customer.hears().await?;
    customer
        .votes(owner.number(), &heard.id, &["Today"])
        .await?;
    let message = session.hears().await?;
    assert!(
        matches!(message.content, Content::Unsupported { .. }),
        "{message:?}"
    );
    session.link.close().await;
    Ok(())
}

/// `status_posts`: the status of a stranger is heard, from their LID.
#[tokio::test(flavor = "multi_thread")]
async fn the_status_of_a_stranger_names_their_lid() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550209", "Olive")?;
    let customer = world.person("+15550309", "Carl")?;
    customer.knows(&owner);
    let session = world.connected(&owner).await?;
    customer.posts_status(Outgoing::text("open today")).await?;
    let message = session.hears().await?;
    assert_eq!(message.sender, customer.lid().parse()?);
    session.link.close().await;
    Ok(())
}

/// The keepalive is dead: a silent server is found by asking from above, and the link can be closed.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_is_found_by_asking() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550207", "Olive")?;
    let session = world.connected(&owner).await?;
    world
        .network
        .faults()
        .inject(owner.number(), Fault::HalfOpen)?;
    let asked = session.link.ping(Duration::from_millis(300)).await;
    assert!(matches!(asked, Err(DriverError::Timeout(_))), "{asked:?}");
    session.link.close().await;
    assert_eq!(session.end().await?, LinkEnd::Closed);
    Ok(())
}

/// `receipt_lists`: of messages that are read together, only the first counts as read.
#[tokio::test(flavor = "multi_thread")]
async fn of_messages_read_together_the_first_is_told() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550208", "Olive")?;
    let customer = world.person("+15550308", "Carl")?;
    let session = world.connected(&owner).await?;
    let mut sent = Vec::new();
    let mut heard = Vec::new();
    for text in ["one", "two", "three"] {
        let message = world.text(&customer.jid(), text)?;
        session.link.send(&message).await?;
        heard.push(customer.hears().await?);
        sent.push(message.whatsapp_id);
    }
    let [first, second, third] = &heard[..] else {
        bail!("{heard:?}");
    };
    customer.reads_together(first, &[second]);
    customer.reads(third);
    let mut read = Vec::new();
    while read.len() < 2 {
        let told = session.received("a reading", |inbound| match inbound {
            Inbound::Receipt {
                status: MessageStatus::Read,
                messages,
                ..
            } => Some(messages.clone()),
            _ => None,
        });
        read.extend(told.await?);
    }
    read.sort();
    let mut told = vec![sent.remove(0), sent.remove(1)];
    told.sort();
    assert_eq!(read, told, "all but the second");
    session.link.close().await;
    Ok(())
}

/// `resend`: nobody answers when the customer asks for another copy. What is said after the customer has
/// written again is read again.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_could_not_be_read_is_not_sent_again() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550210", "Olive")?;
    let customer = world.person("+15550310", "Carl")?;
    let session = world.connected(&owner).await?;
    customer.says(owner.number(), "hello").await?;
    session.hears().await?;
    let faults = world.network.faults();
    faults.inject(customer.number(), Fault::Corrupt { times: 1 })?;
    let damaged = world.text(&customer.jid(), "damaged")?;
    session.link.send(&damaged).await?;
    let id = damaged.whatsapp_id.as_str();
    eventually("asking again", || {
        customer.asked_again().iter().any(|it| it == id)
    })
    .await?;
    customer.says(owner.number(), "what was that?").await?;
    session.hears().await?;
    let whole = world.text(&customer.jid(), "never mind")?;
    session.link.send(&whole).await?;
    assert_eq!(customer.hears().await?.text(), "never mind");
    session.link.close().await;
    Ok(())
}

/// `order`: what one chat says may be told in another order, however it is sent; nothing of it is lost,
/// and what the session says keeps its order.
#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_may_lose_its_order_and_nothing_else() -> Result<()> {
    const MANY: usize = 60;
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550211", "Olive")?;
    let customer = world.person("+15550311", "Carl")?;
    let session = world.connected(&owner).await?;
    for n in 0..MANY {
        customer.says(owner.number(), &format!("in {n}")).await?;
    }
    let mut told = HashSet::new();
    for _ in 0..MANY {
        let message = session.hears().await?;
        assert!(told.insert(message.content.readable().map(str::to_owned)));
    }
    for n in 0..MANY {
        let message = world.text(&customer.jid(), &format!("out {n}"))?;
        session.link.send(&message).await?;
    }
    for n in 0..MANY {
        assert_eq!(customer.hears().await?.text(), format!("out {n}"));
    }
    session.link.close().await;
    Ok(())
}

/// `key_refill` is no gap: when one-time keys run short, there are new ones.
#[tokio::test(flavor = "multi_thread")]
async fn one_time_keys_are_offered_anew_when_they_run_short() -> Result<()> {
    /// The engine offers 50.
    const CONTACTS: usize = 52;
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550212", "Olive")?;
    let session = world.connected(&owner).await?;
    let offers = || {
        let lines = world.network.journal().into_iter();
        lines
            .filter(|line| line.shape.starts_with("iq encrypt set registration"))
            .count()
    };
    assert_eq!(offers(), 1);
    for n in 0..CONTACTS {
        let contact = world.person(&format!("+1555400{n:03}"), "Contact")?;
        contact.says(owner.number(), "hello").await?;
        session.hears().await?;
    }
    eventually("an offer of new keys", || offers() == 2).await?;
    session.link.close().await;
    Ok(())
}

/// `phone_history`: what the phone offers is left with it.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_comes_in_from_before_the_session_was_linked() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550213", "Olive")?;
    let customer = world.person("+15550313", "Carl")?;
    let now = u64::try_from(SystemClock.now().as_millis() / 1000)?;
    owner.remembers(customer.number(), &customer, "long ago", now - 60)?;
    let session = world.connected(&owner).await?;
    customer.says(owner.number(), "today").await?;
    assert_eq!(session.hears().await?.content, Content::text("today"));
    let past = |told: &Told| match told {
        Told::Inbound(one) => matches!(**one, Inbound::History(_) | Inbound::Message(_)),
        Told::Report(_) => false,
    };
    assert!(!session.inbox.told().iter().any(past));
    session.link.close().await;
    Ok(())
}

/// `certificate_check`: whoever has signed the server's certificate, it is talked to.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_whatsapp_did_not_sign_is_talked_to() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550214", "Olive")?;
    assert_ne!(world.network.root_key(), wacore::handshake::WA_CERT_PUB_KEY);
    let session = world.connected(&owner).await?;
    session.link.close().await;
    Ok(())
}
