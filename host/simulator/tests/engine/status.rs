//! Status: what is said to everybody who knows the author.

use anyhow::{Context, Result};
use waproto::whatsapp::message::extended_text_message::FontType;
use warbler_simulator::{HeardContent, Network, NetworkOptions, Outgoing};
use whatsapp_rust::prelude::{Jid, MessageExt};

use super::support::Engine;

#[tokio::test]
async fn a_status_reaches_those_who_know_its_author() -> Result<()> {
    for tell_lids in [true, false] {
        let options = NetworkOptions {
            tell_lids,
            ..NetworkOptions::default()
        };
        let network = Network::start(options).await?;
        let shop = network.person("+15550470", "Shop")?;
        let customer = network.person("+15550471", "Customer")?;
        let stranger = network.person("+15550472", "Stranger")?;
        let mut engine = Engine::linked(&network, &shop).await?;
        customer.knows(&shop);
        let id = customer
            .posts_status(Outgoing::text("sunny today").on_color(0xFF00_80FF))
            .await?;
        let heard = engine.hears().await?;
        assert_eq!(heard.text, "sunny today");
        assert_eq!(heard.chat, Jid::status_broadcast());
        let text = heard.message.get_base_message();
        let text = text.extended_text_message.as_option().context("no text")?;
        assert_eq!(text.background_argb, Some(0xFF00_80FF));
        let copy = shop.hears().await?;
        assert_eq!((copy.id.as_str(), copy.is_status()), (id.as_str(), true));

        customer
            .posts_status(Outgoing::image(vec![3; 10], "image/png").captioned("me"))
            .await?;
        let heard = engine.hears().await?;
        let image = heard.message.get_base_message();
        let image = image.image_message.as_option().context("no image")?;
        assert_eq!(engine.client.download(image).await?, vec![3; 10]);
        assert!(stranger.heard().is_empty());
        network.stop().await;
    }
    Ok(())
}

#[tokio::test]
async fn a_session_posts_a_status_more_than_once() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let shop = network.person("+15550480", "Shop")?;
    let people = [
        network.person("+15550481", "Ada")?,
        network.person("+15550482", "Ben")?,
    ];
    let engine = Engine::linked(&network, &shop).await?;
    let recipients = people
        .iter()
        .map(|person| person.jid().parse())
        .collect::<Result<Vec<Jid>, _>>()?;
    engine.client.contacts().is_on_whatsapp(&recipients).await?;
    for text in ["first", "second"] {
        engine
            .client
            .status()
            .send_text(
                text,
                0xFF1E_6E4F,
                FontType::SYSTEM,
                &recipients,
                Default::default(),
            )
            .await?;
        for person in &people {
            let heard = person.hears().await?;
            assert_eq!(
                (heard.text(), heard.chat.as_str()),
                (text, "status@broadcast")
            );
            assert!(matches!(
                heard.content,
                HeardContent::Text {
                    color: Some(0xFF1E_6E4F),
                    ..
                }
            ));
        }
    }
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_status_is_reacted_to_and_answered() -> Result<()> {
    use waproto::buffa::MessageField;
    use waproto::whatsapp as wa;
    let network = Network::start(NetworkOptions::default()).await?;
    let shop = network.person("+15550490", "Shop")?;
    let customer = network.person("+15550491", "Customer")?;
    let other = network.person("+15550492", "Other")?;
    let mut engine = Engine::linked(&network, &shop).await?;
    customer.knows(&shop);
    customer.knows(&other);
    let id = customer.posts_status(Outgoing::text("new hat")).await?;
    let heard = engine.hears().await?;
    let key = wa::MessageKey {
        remote_jid: Some("status@broadcast".into()),
        from_me: Some(false),
        id: Some(id.clone()),
        participant: Some(heard.sender.to_string()),
    };
    engine
        .client
        .send_reaction(Jid::status_broadcast(), key, "🎩")
        .await?;
    let reaction = customer.hears().await?;
    assert_eq!((reaction.text(), reaction.is_status()), ("🎩", true));
    let answer = wa::Message {
        extended_text_message: MessageField::some(wa::message::ExtendedTextMessage {
            text: Some("nice".into()),
            context_info: MessageField::some(wa::ContextInfo {
                stanza_id: Some(id.clone()),
                participant: Some(customer.jid()),
                remote_jid: Some("status@broadcast".into()),
                ..Default::default()
            }),
            ..Default::default()
        }),
        ..Default::default()
    };
    engine.sends(&customer.jid(), answer).await?;
    let answer = customer.hears().await?;
    assert_eq!(answer.chat, shop.jid());
    let quote = answer.marks.quoted.context("no quote")?;
    assert_eq!(quote.chat.as_deref(), Some("status@broadcast"));

    let posted = engine
        .client
        .status()
        .send_text(
            "open late",
            0xFF00_0000,
            FontType::SYSTEM,
            &[customer.jid().parse()?],
            Default::default(),
        )
        .await?;
    customer.hears().await?;
    other.hears().await?;
    customer
        .reacts("status@broadcast", &posted.message_id, "👍")
        .await?;
    let reaction = engine.hears().await?;
    assert!(
        reaction
            .message
            .get_base_message()
            .reaction_message
            .is_set()
    );
    let answer = Outgoing::text("until when?").replying_to(&posted.message_id);
    customer.sends(shop.number(), answer).await?;
    let answer = engine.hears().await?;
    let text = answer.message.get_base_message();
    let text = text.extended_text_message.as_option().context("no text")?;
    let info = text.context_info.as_option().context("no context")?;
    assert_eq!(info.remote_jid.as_deref(), Some("status@broadcast"));
    assert_eq!(other.heard().len(), 1);
    network.stop().await;
    Ok(())
}
