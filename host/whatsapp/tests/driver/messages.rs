//! Messages of every kind, both ways.

use anyhow::{Result, bail};
use warbler_app::driver::{AckRefusal, Inbound, InboundMessage, SendFailure};
use warbler_domain::media::MediaSource;
use warbler_domain::message::Quoted;
use warbler_domain::{Content, Direction, MessageStatus, WhatsAppId};
use warbler_simulator::{Fault, HeardContent};

use crate::world::{Lids, PATIENCE, WORLDS, World, fetched, jid};

fn revoked(target: WhatsAppId) -> Content {
    Content::Revoke {
        target,
        target_sender: None,
    }
}

fn id(text: &str) -> Result<WhatsAppId> {
    Ok(text.parse()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn text_goes_both_ways_and_is_acknowledged() -> Result<()> {
    for lids in WORLDS {
        let world = World::start(lids).await?;
        let owner = world.person("+15550010", "Olive")?;
        let customer = world.person("+15550110", "Carl")?;
        let session = world.connected(&owner).await?;

        let said = customer.says(owner.number(), "what is the price?").await?;
        let message = session.hears().await?;
        let expected = InboundMessage {
            whatsapp_id: id(&said)?,
            chat: jid(&customer.jid())?,
            chat_alt: (lids == Lids::Told)
                .then(|| jid(&customer.lid()))
                .transpose()?,
            sender: jid(&customer.jid())?,
            sender_alt: (lids == Lids::Told)
                .then(|| jid(&customer.lid()))
                .transpose()?,
            sender_name: Some("Carl".to_owned()),
            direction: Direction::Inbound,
            timestamp: message.timestamp,
            content: Content::text("what is the price?"),
            quoted: None,
            forwarded: 0,
        };
        assert_eq!(message, expected, "{lids:?}");

        let answer = world.text(&customer.jid(), "Our prices start at $10")?;
        session.link.send(&answer).await?;
        let heard = customer.hears().await?;
        assert_eq!(heard.text(), "Our prices start at $10");
        assert_eq!(heard.id, answer.whatsapp_id.as_str());
        assert_eq!(session.ack(&answer.whatsapp_id).await?, None);
        let status = session
            .received("a receipt", |inbound| match inbound {
                Inbound::Receipt {
                    chat,
                    messages,
                    status,
                    ..
                } if messages.contains(&answer.whatsapp_id) => Some((chat.clone(), *status)),
                _ => None,
            })
            .await?;
        assert_eq!(status, (jid(&customer.jid())?, MessageStatus::Delivered));
        session.link.close().await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_message_may_be_ours() -> Result<()> {
    for lids in WORLDS {
        let world = World::start(lids).await?;
        let owner = world.person("+15550011", "Olive")?;
        let customer = world.person("+15550111", "Carl")?;
        let session = world.connected(&owner).await?;
        for text in ["one", "two", "three"] {
            session
                .link
                .send(&world.text(&customer.jid(), text)?)
                .await?;
            assert_eq!(customer.hears().await?.text(), text, "{lids:?}");
        }
        customer.says(owner.number(), "four").await?;
        assert_eq!(session.hears().await?.content.readable(), Some("four"));
        session
            .link
            .send(&world.text(&customer.jid(), "five")?)
            .await?;
        assert_eq!(customer.hears().await?.text(), "five");
        session.link.close().await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_sent_twice_is_the_same_message() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550012", "Olive")?;
    let customer = world.person("+15550112", "Carl")?;
    let session = world.connected(&owner).await?;
    let message = world.text(&customer.jid(), "once")?;
    session.link.send(&message).await?;
    session.link.send(&message).await?;
    session
        .link
        .send(&world.text(&customer.jid(), "end")?)
        .await?;
    assert_eq!(customer.hears().await?.text(), "once");
    assert_eq!(customer.hears().await?.text(), "end");
    assert_eq!(customer.duplicates(), 1);
    session.link.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn images_go_both_ways() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550013", "Olive")?;
    let customer = world.person("+15550113", "Carl")?;
    let session = world.connected(&owner).await?;
    let picture: Vec<u8> = (0..40_000u32).map(|n| (n % 251) as u8).collect();

    customer
        .sends_image(owner.number(), &picture, "image/jpeg", Some("look"))
        .await?;
    let Content::Media(media) = session.hears().await?.content else {
        bail!("not a medium");
    };
    assert_eq!((media.mime.as_str(), media.size), ("image/jpeg", 40_000));
    assert_eq!(media.caption.as_deref(), Some("look"));
    let MediaSource::Remote { locator } = &media.source else {
        bail!("not on the network");
    };
    assert_eq!(fetched(&*session.link, locator).await?, picture);

    let ours = session.inbox.image(&picture, "ours");
    session
        .link
        .send(&world.outgoing(&customer.jid(), Content::Media(ours))?)
        .await?;
    let heard = customer.hears().await?;
    let HeardContent::Image {
        bytes,
        mime,
        caption,
    } = heard.content
    else {
        bail!("not an image: {heard:?}");
    };
    assert_eq!(
        (bytes.as_ref(), mime.as_str()),
        (picture.as_slice(), "image/png")
    );
    assert_eq!(caption.as_deref(), Some("ours"));
    session.link.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn quotes_reactions_edits_and_revocations_go_both_ways() -> Result<()> {
    for lids in WORLDS {
        let world = World::start(lids).await?;
        let owner = world.person("+15550014", "Olive")?;
        let customer = world.person("+15550114", "Carl")?;
        let session = world.connected(&owner).await?;
        let chat = customer.jid();

        let said = customer.says(owner.number(), "first").await?;
        session.hears().await?;
        let mut reply = world.text(&chat, "second")?;
        reply.quoted = Some(Quoted {
            whatsapp_id: id(&said)?,
            sender: Some(jid(&chat)?),
            text: Some("first".to_owned()),
        });
        session.link.send(&reply).await?;
        let heard = customer.hears().await?;
        let expected = HeardContent::Text {
            body: "second".to_owned(),
            quoted: Some(said.clone()),
            preview: None,
            color: None,
        };
        assert_eq!(heard.content, expected);

        let reaction = Content::Reaction {
            target: id(&said)?,
            target_sender: jid(&chat)?,
            emoji: "👍".to_owned(),
        };
        session.link.send(&world.outgoing(&chat, reaction)?).await?;
        let expected = HeardContent::Reaction {
            target: said.clone(),
            emoji: "👍".to_owned(),
        };
        assert_eq!(customer.hears().await?.content, expected);

        let target = reply.whatsapp_id.clone();
        let edit = Content::Edit {
            target: target.clone(),
            text: "better".to_owned(),
        };
        session.link.send(&world.outgoing(&chat, edit)?).await?;
        let expected = HeardContent::Edit {
            target: heard.id.clone(),
            body: "better".to_owned(),
        };
        assert_eq!(customer.hears().await?.content, expected);
        session
            .link
            .send(&world.outgoing(&chat, revoked(target))?)
            .await?;
        let expected = HeardContent::Revoke {
            target: heard.id.clone(),
        };
        assert_eq!(customer.hears().await?.content, expected);

        customer.replies(owner.number(), &heard.id, "third").await?;
        let answer = session.hears().await?;
        let quoted = answer
            .quoted
            .map(|quoted| (quoted.whatsapp_id, quoted.sender));
        assert_eq!(
            quoted,
            Some((reply.whatsapp_id.clone(), Some(jid(&owner.jid())?))),
            "{lids:?}"
        );
        customer.reacts(owner.number(), &heard.id, "🎉").await?;
        let expected = Content::Reaction {
            target: reply.whatsapp_id.clone(),
            target_sender: jid(&owner.jid())?,
            emoji: "🎉".to_owned(),
        };
        assert_eq!(session.hears().await?.content, expected, "{lids:?}");
        customer
            .edits(owner.number(), &said, "first, corrected")
            .await?;
        let expected = Content::Edit {
            target: id(&said)?,
            text: "first, corrected".to_owned(),
        };
        assert_eq!(session.hears().await?.content, expected);
        customer.revokes(owner.number(), &said).await?;
        assert_eq!(session.hears().await?.content, revoked(id(&said)?));
        session.link.close().await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_heard_and_spoken_to() -> Result<()> {
    for lids in WORLDS {
        let world = World::start(lids).await?;
        let owner = world.person("+15550015", "Olive")?;
        let carl = world.person("+15550115", "Carl")?;
        let dora = world.person("+15550116", "Dora")?;
        let session = world.connected(&owner).await?;
        let group = carl.creates_group("Friends", &[&owner, &dora]).await?;
        session
            .received("the new group", |inbound| match inbound {
                Inbound::GroupUpdated {
                    group: of, change, ..
                } if of.to_string() == group => (change.what == "create").then_some(()),
                _ => None,
            })
            .await?;

        for text in ["hello all", "and again"] {
            carl.says(&group, text).await?;
            let message = session.hears().await?;
            assert_eq!(message.content, Content::text(text));
            assert_eq!(
                (message.chat, message.sender),
                (jid(&group)?, jid(&carl.jid())?),
                "{lids:?}"
            );
        }
        for text in ["hello from the session", "once more"] {
            session.link.send(&world.text(&group, text)?).await?;
            for person in [&carl, &dora] {
                loop {
                    let heard = person.hears().await?;
                    if heard.from == owner.jid() {
                        assert_eq!(
                            (heard.text(), heard.group.as_deref()),
                            (text, Some(group.as_str()))
                        );
                        break;
                    }
                }
            }
        }
        let said = carl.says(&group, "react to me").await?;
        session.hears().await?;
        let reaction = Content::Reaction {
            target: id(&said)?,
            target_sender: jid(&carl.jid())?,
            emoji: "👍".to_owned(),
        };
        session
            .link
            .send(&world.outgoing(&group, reaction)?)
            .await?;
        let heard = carl.hears().await?;
        assert_eq!(
            heard.content,
            HeardContent::Reaction {
                target: said,
                emoji: "👍".to_owned()
            }
        );
        session.link.close().await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_owner_writes_on_the_phone_is_ours_too() -> Result<()> {
    for lids in WORLDS {
        let world = World::start(lids).await?;
        let owner = world.person("+15550017", "Olive")?;
        let customer = world.person("+15550117", "Carl")?;
        let session = world.connected(&owner).await?;
        owner.says(customer.number(), "from the phone").await?;
        let message = session.hears().await?;
        assert_eq!(message.direction, Direction::Outbound);
        let places = (message.chat, message.sender);
        assert_eq!(
            places,
            (jid(&customer.jid())?, jid(&owner.jid())?),
            "{lids:?}"
        );

        let ours = world.text(&customer.jid(), "from the session")?;
        session.link.send(&ours).await?;
        let copy = owner.has_copy(ours.whatsapp_id.as_str(), PATIENCE).await?;
        assert_eq!(copy.text(), "from the session");
        session.link.close().await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_and_typing_are_noticed() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550018", "Olive")?;
    let customer = world.person("+15550118", "Carl")?;
    let session = world.connected(&owner).await?;
    let message = world.text(&customer.jid(), "read me")?;
    session.link.send(&message).await?;
    let heard = customer.hears().await?;
    customer.reads(&heard);
    session
        .received("the read receipt", |inbound| match inbound {
            Inbound::Receipt {
                status: MessageStatus::Read,
                messages,
                by,
                ..
            } => (messages.contains(&message.whatsapp_id) && by.to_string() == customer.jid())
                .then_some(()),
            _ => None,
        })
        .await?;
    customer.types(owner.number())?;
    let state = session
        .received("typing", |inbound| match inbound {
            Inbound::ChatState { by, state, .. } => Some((by.clone(), *state)),
            _ => None,
        })
        .await?;
    assert_eq!(state, (jid(&customer.jid())?, "composing"));
    session.link.close().await;
    Ok(())
}

crate::only_with! {
    ReceiptLists:
    #[tokio::test(flavor = "multi_thread")]
    async fn messages_that_are_read_together_are_all_read() -> Result<()> {
        let world = World::start(Lids::Told).await?;
        let owner = world.person("+15550040", "Olive")?;
        let customer = world.person("+15550140", "Carl")?;
        let session = world.connected(&owner).await?;
        let mut sent = Vec::new();
        let mut heard = Vec::new();
        for text in ["one", "two"] {
            let message = world.text(&customer.jid(), text)?;
            session.link.send(&message).await?;
            heard.push(customer.hears().await?);
            sent.push(message.whatsapp_id);
        }
        let [first, second] = &heard[..] else {
            bail!("{heard:?}");
        };
        customer.reads_together(first, &[second]);
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
        sent.sort();
        assert_eq!(read, sent);
        session.link.close().await;
        Ok(())
    }
}

crate::only_with! {
    ServerRefusals:
    #[tokio::test(flavor = "multi_thread")]
    async fn a_refusal_by_the_server_is_reported_with_its_code() -> Result<()> {
        let world = World::start(Lids::Told).await?;
        let owner = world.person("+15550019", "Olive")?;
        let customer = world.person("+15550119", "Carl")?;
        let session = world.connected(&owner).await?;
        for (code, retryable) in [(479, false), (500, true)] {
            world
                .network
                .faults()
                .inject(owner.number(), Fault::ErrorAcks { code, times: 5 })?;
            let message = world.text(&customer.jid(), "refused")?;
            session.link.send(&message).await?;
            let refused = session.ack(&message.whatsapp_id).await?;
            assert_eq!(
                refused,
                Some(AckRefusal {
                    code: code.to_string(),
                    retryable
                })
            );
            world.network.faults().clear();
        }
        session.link.close().await;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_without_an_account_is_named_as_such() -> Result<()> {
    for lids in WORLDS {
        let world = World::start(lids).await?;
        let owner = world.person("+15550020", "Olive")?;
        let session = world.connected(&owner).await?;
        let nobody = world.text("15559999@s.whatsapp.net", "anybody there?")?;
        assert_eq!(
            session.link.send(&nobody).await,
            Err(SendFailure::NotOnWhatsApp),
            "{lids:?}"
        );
        session.link.close().await;
        assert_eq!(
            session.link.send(&nobody).await,
            Err(SendFailure::NotConnected)
        );
    }
    Ok(())
}
