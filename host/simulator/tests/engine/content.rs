//! Every kind of message, both ways.

use anyhow::{Context, Result, bail};
use wacore::download::MediaType;
use waproto::buffa::MessageField;
use waproto::whatsapp as wa;
use warbler_simulator::{
    ContactCard, Heard, HeardContent, LinkPreview, Network, NetworkOptions, Outgoing, Person, Place,
};
use whatsapp_rust::prelude::{Jid, MessageExt};
use whatsapp_rust::upload::UploadOptions;

use super::support::Engine;

struct Two {
    network: Network,
    shop: Person,
    customer: Person,
    engine: Engine,
}

async fn two(number: &str) -> Result<Two> {
    let network = Network::start(NetworkOptions::default()).await?;
    let shop = network.person(&format!("{number}0"), "Shop")?;
    let customer = network.person(&format!("{number}1"), "Customer")?;
    let engine = Engine::linked(&network, &shop).await?;
    Ok(Two {
        network,
        shop,
        customer,
        engine,
    })
}

impl Two {
    /// What the session gets when the customer sends this.
    async fn gets(&mut self, what: Outgoing) -> Result<wa::Message> {
        self.customer.sends(self.shop.number(), what).await?;
        let heard = self.engine.hears().await?;
        Ok(heard.message.get_base_message().clone())
    }

    /// What the customer hears when the session sends this.
    async fn hears(&self, message: wa::Message) -> Result<Heard> {
        self.engine.sends(&self.customer.jid(), message).await?;
        Ok(self.customer.hears().await?)
    }
}

fn card(name: &str) -> ContactCard {
    ContactCard {
        name: name.into(),
        vcard: format!("BEGIN:VCARD\nVERSION:3.0\nFN:{name}\nEND:VCARD"),
    }
}

#[tokio::test]
async fn a_person_sends_media_of_every_kind() -> Result<()> {
    let mut two = two("+1555041").await?;
    let client = two.engine.client.clone();
    let body = |byte: u8| vec![byte; 3_000];

    let message = two
        .gets(Outgoing::video(body(1), "video/mp4", 12).captioned("look"))
        .await?;
    let video = message.video_message.as_option().context("no video")?;
    assert_eq!((video.seconds, video.gif_playback), (Some(12), None));
    assert_eq!(video.caption.as_deref(), Some("look"));
    assert_eq!(client.download(video).await?, body(1));

    let message = two.gets(Outgoing::gif(body(2))).await?;
    let gif = message.video_message.as_option().context("no GIF")?;
    assert_eq!(gif.gif_playback, Some(true));

    let message = two
        .gets(Outgoing::audio(body(3), "audio/mpeg", 200))
        .await?;
    let audio = message.audio_message.as_option().context("no audio")?;
    assert_eq!((audio.seconds, audio.ptt), (Some(200), None));

    let message = two
        .gets(Outgoing::voice_note(body(4), 3, [0, 50, 100]))
        .await?;
    let voice = message.audio_message.as_option().context("no voice")?;
    assert_eq!((voice.seconds, voice.ptt), (Some(3), Some(true)));
    assert_eq!(voice.waveform.as_deref(), Some([0, 50, 100].as_slice()));
    assert_eq!(client.download(voice).await?, body(4));

    let message = two
        .gets(Outgoing::document(body(5), "application/pdf", "bill.pdf").captioned("pay"))
        .await?;
    let document = message
        .document_message
        .as_option()
        .context("no document")?;
    assert_eq!(document.file_name.as_deref(), Some("bill.pdf"));
    assert_eq!(document.caption.as_deref(), Some("pay"));

    let message = two.gets(Outgoing::sticker(body(6), true)).await?;
    let sticker = message.sticker_message.as_option().context("no sticker")?;
    assert_eq!(sticker.is_animated, Some(true));

    let message = two
        .gets(Outgoing::image(body(7), "image/jpeg").once())
        .await?;
    let image = message.image_message.as_option().context("no image")?;
    assert_eq!(image.view_once, Some(true));
    two.network.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_person_sends_places_cards_and_texts_with_marks() -> Result<()> {
    let mut two = two("+1555042").await?;
    let place = Place {
        latitude: 52.5,
        longitude: 13.4,
        name: Some("Office".into()),
        address: Some("Main Street 1".into()),
        live: false,
    };
    let message = two.gets(Outgoing::location(place)).await?;
    let place = message.location_message.as_option().context("no place")?;
    assert_eq!(place.degrees_latitude, Some(52.5));
    assert_eq!(place.address.as_deref(), Some("Main Street 1"));

    let message = two.gets(Outgoing::contacts(vec![card("Ada")])).await?;
    let contact = message.contact_message.as_option().context("no card")?;
    assert_eq!(contact.display_name.as_deref(), Some("Ada"));
    let cards = vec![card("Ada"), card("Ben")];
    let message = two.gets(Outgoing::contacts(cards)).await?;
    let cards = message.contacts_array_message.as_option();
    assert_eq!(cards.context("no cards")?.contacts.len(), 2);

    let link = LinkPreview {
        url: "https://example.com".into(),
        title: Some("Example".into()),
        description: None,
    };
    let text = Outgoing::text("see https://example.com").previewing(link);
    let message = two.gets(text).await?;
    let text = message.extended_text_message.as_option();
    let text = text.context("no text")?;
    assert_eq!(text.matched_text.as_deref(), Some("https://example.com"));
    assert_eq!(text.title.as_deref(), Some("Example"));

    let asked = two.engine.says(&two.customer.jid(), "who?").await?;
    two.customer.hears().await?;
    let number = two.shop.number().to_owned();
    let text = Outgoing::text(format!("@{number} you"))
        .mentioning(&[&number])
        .replying_to(&asked)
        .forwarded(6);
    let message = two.gets(text).await?;
    let text = message.extended_text_message.as_option();
    let info = text.and_then(|text| text.context_info.as_option());
    let info = info.context("no context")?;
    assert_eq!(info.mentioned_jid, [two.shop.jid()]);
    assert_eq!(info.stanza_id, Some(asked));
    let quoted = info.quoted_message.as_option().context("no quote")?;
    assert_eq!(quoted.text_content(), Some("who?"));
    assert_eq!(
        (info.is_forwarded, info.forwarding_score),
        (Some(true), Some(6))
    );
    two.network.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_person_hears_media_of_every_kind() -> Result<()> {
    let two = two("+1555043").await?;
    let plain = vec![5u8; 4_000];
    let upload = async |kind: MediaType| {
        two.engine
            .client
            .upload(plain.clone(), kind, UploadOptions::new())
            .await
    };
    let uploaded = upload(MediaType::Video).await?;
    let message = wa::Message {
        video_message: MessageField::some(wa::message::VideoMessage {
            url: Some(uploaded.url),
            direct_path: Some(uploaded.direct_path),
            media_key: Some(uploaded.media_key.to_vec()),
            file_sha256: Some(uploaded.file_sha256.to_vec()),
            file_enc_sha256: Some(uploaded.file_enc_sha256.to_vec()),
            file_length: Some(uploaded.file_length),
            mimetype: Some("video/mp4".into()),
            gif_playback: Some(true),
            seconds: Some(2),
            ..Default::default()
        }),
        ..Default::default()
    };
    let heard = two.hears(message).await?;
    assert!(matches!(
        &heard.content,
        HeardContent::Video { bytes, gif: true, seconds: Some(2), .. } if *bytes == plain
    ));

    let uploaded = upload(MediaType::Audio).await?;
    let audio = wa::message::AudioMessage {
        url: Some(uploaded.url),
        direct_path: Some(uploaded.direct_path),
        media_key: Some(uploaded.media_key.to_vec()),
        file_sha256: Some(uploaded.file_sha256.to_vec()),
        file_enc_sha256: Some(uploaded.file_enc_sha256.to_vec()),
        file_length: Some(uploaded.file_length),
        mimetype: Some("audio/ogg; codecs=opus".into()),
        ptt: Some(true),
        seconds: Some(4),
        waveform: Some(vec![1, 2, 3]),
        ..Default::default()
    };
    let message = wa::Message {
        audio_message: MessageField::some(audio.clone()),
        ..Default::default()
    };
    let heard = two.hears(message).await?;
    let HeardContent::Audio {
        voice, waveform, ..
    } = &heard.content
    else {
        bail!("no audio: {:?}", heard.content);
    };
    assert_eq!((voice, waveform.as_slice()), (&true, [1, 2, 3].as_slice()));

    let lying = wa::Message {
        audio_message: MessageField::some(wa::message::AudioMessage {
            file_sha256: Some(vec![0; 32]),
            ..audio
        }),
        ..Default::default()
    };
    let heard = two.hears(lying).await?;
    assert!(matches!(heard.content, HeardContent::Other { kind } if kind.contains("not open")));
    two.network.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_poll_is_voted_on_both_ways() -> Result<()> {
    let mut two = two("+1555044").await?;
    let names = ["Tea".to_owned(), "Coffee".to_owned()];
    let chat: Jid = two.customer.jid().parse()?;
    let client = two.engine.client.clone();
    let (sent, secret) = client.polls().create(&chat, "Drink?", &names, 1).await?;
    let heard = two.customer.hears().await?;
    let HeardContent::Poll(poll) = &heard.content else {
        bail!("no poll: {:?}", heard.content);
    };
    assert_eq!((poll.name.as_str(), poll.options.len()), ("Drink?", 2));
    two.customer
        .votes(two.shop.number(), &heard.id, &["Coffee"])
        .await?;
    let vote = two.engine.hears().await?;
    let update = vote.message.get_base_message();
    let update = update.poll_update_message.as_option().context("no vote")?;
    let value = update.vote.as_option().context("an empty vote")?;
    let sealed = whatsapp_rust::features::PollVoteCiphertext {
        enc_payload: value.enc_payload.as_deref().context("no payload")?,
        enc_iv: value.enc_iv.as_deref().context("no iv")?,
    };
    let own: Jid = two.shop.jid().parse()?;
    let chosen = client
        .polls()
        .decrypt_vote(sealed, &secret, &sent.message_id, &own, &chat)
        .await?;
    assert_eq!(chosen, [wacore::poll::compute_option_hash("Coffee")]);

    let asked = Outgoing::poll("When?", &["Now", "Later", "Never"], 0);
    let id = two.customer.sends(two.shop.number(), asked).await?;
    let heard = two.engine.hears().await?;
    let secret = heard
        .message
        .message_context_info
        .as_option()
        .and_then(|info| info.message_secret.clone())
        .context("no secret")?;
    let options = ["Now".to_owned(), "Never".to_owned()];
    client
        .polls()
        .vote(&chat, &id, &chat, &secret, &options)
        .await?;
    let heard = two.customer.hears().await?;
    let vote = HeardContent::Vote {
        poll: id,
        options: options.to_vec(),
    };
    assert_eq!(heard.content, vote);
    let refused = two
        .customer
        .votes(two.shop.number(), "none", &["Now"])
        .await;
    assert!(refused.is_err());
    two.network.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_poll_in_a_group_is_voted_on_both_ways() -> Result<()> {
    for tell_lids in [true, false] {
        let options = NetworkOptions {
            tell_lids,
            ..NetworkOptions::default()
        };
        let network = Network::start(options).await?;
        let shop = network.person("+15550520", "Shop")?;
        let anna = network.person("+15550521", "Anna")?;
        let ben = network.person("+15550522", "Ben")?;
        let mut engine = Engine::linked(&network, &shop).await?;
        let room = anna.creates_group("Lunch", &[&shop, &ben]).await?;
        let jid: Jid = room.parse()?;
        let asked = Outgoing::poll("Where?", &["Inside", "Outside"], 1);
        let id = anna.sends(&room, asked).await?;
        let heard = engine.hears().await?;
        let secret = heard
            .message
            .message_context_info
            .as_option()
            .and_then(|info| info.message_secret.clone())
            .context("no secret")?;
        ben.hears().await?;
        let voted = ["Outside".to_owned()];
        engine
            .client
            .polls()
            .vote(&jid, &id, &heard.sender, &secret, &voted)
            .await?;
        let expected = HeardContent::Vote {
            poll: id.clone(),
            options: voted.to_vec(),
        };
        assert_eq!(anna.hears().await?.content, expected);
        assert_eq!(ben.hears().await?.content, expected);
        ben.votes(&room, &id, &["Inside"]).await?;
        let vote = engine.hears().await?;
        let update = vote.message.poll_update_message.as_option();
        let value = update.and_then(|update| update.vote.as_option());
        let value = value.context("no vote")?;
        let sealed = whatsapp_rust::features::PollVoteCiphertext {
            enc_payload: value.enc_payload.as_deref().context("no payload")?,
            enc_iv: value.enc_iv.as_deref().context("no iv")?,
        };
        let chosen = engine
            .client
            .polls()
            .decrypt_vote(sealed, &secret, &id, &heard.sender, &vote.sender)
            .await?;
        assert_eq!(chosen, [wacore::poll::compute_option_hash("Inside")]);
        network.stop().await;
    }
    Ok(())
}

#[tokio::test]
async fn a_person_hears_places_cards_and_texts_with_marks() -> Result<()> {
    let mut two = two("+1555047").await?;
    let place = wa::Message {
        location_message: MessageField::some(wa::message::LocationMessage {
            degrees_latitude: Some(52.5),
            degrees_longitude: Some(13.4),
            name: Some("Office".into()),
            ..Default::default()
        }),
        ..Default::default()
    };
    let heard = two.hears(place).await?;
    assert!(matches!(heard.content, HeardContent::Location(place) if place.longitude == 13.4));

    let contact = |name: &str| wa::message::ContactMessage {
        display_name: Some(name.into()),
        vcard: Some(card(name).vcard),
        ..Default::default()
    };
    let cards = wa::Message {
        contacts_array_message: MessageField::some(wa::message::ContactsArrayMessage {
            display_name: Some("2 contacts".into()),
            contacts: vec![contact("Ada"), contact("Ben")],
            ..Default::default()
        }),
        ..Default::default()
    };
    let heard = two.hears(cards).await?;
    let expected = HeardContent::Contacts {
        cards: vec![card("Ada"), card("Ben")],
    };
    assert_eq!(heard.content, expected);

    let asked = two.customer.says(two.shop.number(), "where?").await?;
    two.engine.hears().await?;
    let text = wa::Message {
        extended_text_message: MessageField::some(wa::message::ExtendedTextMessage {
            text: Some("@all https://example.com".into()),
            matched_text: Some("https://example.com".into()),
            title: Some("Example".into()),
            context_info: MessageField::some(wa::ContextInfo {
                stanza_id: Some(asked.clone()),
                participant: Some(two.customer.lid()),
                quoted_message: MessageField::some(wa::Message {
                    conversation: Some("where?".into()),
                    ..Default::default()
                }),
                mentioned_jid: vec![two.customer.lid()],
                non_jid_mentions: Some(1),
                is_forwarded: Some(true),
                forwarding_score: Some(7),
                expiration: Some(86_400),
                ..Default::default()
            }),
            ..Default::default()
        }),
        ..Default::default()
    };
    let heard = two.hears(text).await?;
    let HeardContent::Text {
        preview, quoted, ..
    } = &heard.content
    else {
        bail!("no text: {:?}", heard.content);
    };
    assert_eq!(quoted.as_deref(), Some(asked.as_str()));
    let title = preview.as_ref().and_then(|link| link.title.as_deref());
    assert_eq!(title, Some("Example"));
    let marks = heard.marks;
    assert_eq!(marks.mentions, [two.customer.jid()]);
    assert!(marks.mentions_all && marks.forwarded);
    assert_eq!(
        (marks.forwarding_score, marks.expires_after),
        (7, Some(86_400))
    );
    let quote = marks.quoted.context("no quote")?;
    assert_eq!(quote.author, Some(two.customer.jid()));
    assert_eq!(quote.text.as_deref(), Some("where?"));
    two.network.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_a_phone_does_not_know_is_harmless() -> Result<()> {
    let two = two("+1555045").await?;
    let event = wa::Message {
        event_message: MessageField::some(wa::message::EventMessage {
            name: Some("Party".into()),
            ..Default::default()
        }),
        ..Default::default()
    };
    let heard = two.hears(event).await?;
    assert_eq!(
        heard.content,
        HeardContent::Other {
            kind: "event".into()
        }
    );
    two.engine.says(&two.customer.jid(), "still there?").await?;
    assert_eq!(two.customer.hears().await?.text(), "still there?");
    two.network.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_message_is_forwarded_with_its_body() -> Result<()> {
    let mut two = two("+1555046").await?;
    let picture = Outgoing::image(vec![1; 50], "image/png").captioned("mine");
    let other = two.network.person("+15550462", "Other")?;
    let id = other.sends(&two.customer.jid(), picture).await?;
    two.customer.hears().await?;
    two.customer.forwards(&id, two.shop.number()).await?;
    let heard = two.engine.hears().await?;
    let image = heard.message.get_base_message();
    let image = image.image_message.as_option().context("no image")?;
    let info = image.context_info.as_option().context("no context")?;
    assert_eq!(info.forwarding_score, Some(1));
    assert_eq!(two.engine.client.download(image).await?, vec![1; 50]);
    two.network.stop().await;
    Ok(())
}
