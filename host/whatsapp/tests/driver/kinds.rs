//! Every kind of message, both ways.

use anyhow::{Result, bail};
use warbler_domain::Content;
use warbler_domain::content::{LinkPreview, Mentions, Text};
use warbler_domain::media::{Media, MediaKind, MediaSource};
use warbler_domain::place::{Degrees, Location};
use warbler_domain::vcard::ContactCard;
use warbler_simulator::{HeardContent, Outgoing, Person, Place};

use crate::world::{Lids, Session, WORLDS, World, fetched, jid};

struct Talk {
    world: World,
    owner: Person,
    customer: Person,
    session: Session,
}

impl Talk {
    async fn start(owner: &str, customer: &str) -> Result<Self> {
        let world = World::start(Lids::Told).await?;
        let owner = world.person(owner, "Olive")?;
        let customer = world.person(customer, "Carl")?;
        let session = world.connected(&owner).await?;
        Ok(Self {
            world,
            owner,
            customer,
            session,
        })
    }

    /// What the customer gets of it.
    async fn sent(&self, content: Content) -> Result<warbler_simulator::Heard> {
        let message = self.world.outgoing(&self.customer.jid(), content)?;
        self.session.link.send(&message).await?;
        let heard = self.customer.hears().await?;
        assert_eq!(heard.id, message.whatsapp_id.as_str());
        Ok(heard)
    }

    /// What the session gets of it.
    async fn heard(&self, what: Outgoing) -> Result<Content> {
        self.customer.sends(self.owner.number(), what).await?;
        Ok(self.session.hears().await?.content)
    }

    async fn heard_media(&self, what: Outgoing, bytes: &[u8]) -> Result<Media> {
        let Content::Media(media) = self.heard(what).await? else {
            bail!("not a medium");
        };
        let MediaSource::Remote { locator } = &media.source else {
            bail!("not on the network");
        };
        assert_eq!(fetched(&*self.session.link, locator).await?, bytes);
        Ok(media)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_medium_goes_out_as_what_it_is() -> Result<()> {
    let talk = Talk::start("+15550300", "+15550301").await?;
    let inbox = &talk.session.inbox;

    let mut video = inbox.medium(MediaKind::Video, "video/mp4", b"film");
    (video.seconds, video.caption) = (Some(3), Some("watch".to_owned()));
    video.thumbnail = Some(inbox.keeps(b"small"));
    let heard = talk.sent(Content::Media(video.clone())).await?;
    let HeardContent::Video {
        bytes,
        seconds,
        gif,
        caption,
        ..
    } = heard.content
    else {
        bail!("not a video");
    };
    assert_eq!(
        (bytes.as_ref(), seconds, gif),
        (&b"film"[..], Some(3), false)
    );
    assert_eq!(caption.as_deref(), Some("watch"));

    video.gif = true;
    let heard = talk.sent(Content::Media(video)).await?;
    assert!(matches!(
        heard.content,
        HeardContent::Video { gif: true, .. }
    ));

    let mut voice = inbox.medium(MediaKind::Audio, "audio/ogg; codecs=opus", b"sound");
    (voice.voice, voice.seconds) = (true, Some(5));
    let heard = talk.sent(Content::Media(voice.clone())).await?;
    let HeardContent::Audio {
        voice: true,
        seconds,
        ..
    } = heard.content
    else {
        bail!("not a voice note: {heard:?}");
    };
    assert_eq!(seconds, Some(5));
    voice.voice = false;
    let heard = talk.sent(Content::Media(voice)).await?;
    assert!(matches!(
        heard.content,
        HeardContent::Audio { voice: false, .. }
    ));

    let mut document = inbox.medium(MediaKind::Document, "application/pdf", b"paper");
    document.file_name = Some("prices.pdf".to_owned());
    for caption in [None, Some("as asked".to_owned())] {
        document.caption.clone_from(&caption);
        let heard = talk.sent(Content::Media(document.clone())).await?;
        let HeardContent::Document {
            file_name,
            caption: shown,
            ..
        } = heard.content
        else {
            bail!("not a document: {heard:?}");
        };
        assert_eq!((file_name.as_deref(), shown), (Some("prices.pdf"), caption));
    }

    let mut sticker = inbox.medium(MediaKind::Sticker, "image/webp", b"stick");
    sticker.animated = true;
    let heard = talk.sent(Content::Media(sticker)).await?;
    assert!(matches!(
        heard.content,
        HeardContent::Sticker { animated: true, .. }
    ));

    let mut once = inbox.image(b"secret", "once");
    once.view_once = true;
    let heard = talk.sent(Content::Media(once)).await?;
    assert!(heard.marks.view_once, "{heard:?}");
    talk.session.link.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_medium_comes_in_as_what_it_is() -> Result<()> {
    let talk = Talk::start("+15550302", "+15550303").await?;
    let video = Outgoing::video(&b"film"[..], "video/mp4", 3).captioned("watch");
    let media = talk.heard_media(video, b"film").await?;
    assert_eq!(
        (media.kind, media.seconds, media.caption.as_deref()),
        (MediaKind::Video, Some(3), Some("watch"))
    );
    let media = talk
        .heard_media(Outgoing::gif(&b"loop"[..]), b"loop")
        .await?;
    assert!(media.gif);
    let voice = Outgoing::voice_note(&b"sound"[..], 5, vec![1, 2, 3]);
    let media = talk.heard_media(voice, b"sound").await?;
    assert_eq!((media.voice, media.seconds), (true, Some(5)));
    let document = Outgoing::document(&b"paper"[..], "application/pdf", "prices.pdf");
    let document = document.captioned("as asked");
    let media = talk.heard_media(document, b"paper").await?;
    assert_eq!(media.file_name.as_deref(), Some("prices.pdf"));
    assert_eq!(media.caption.as_deref(), Some("as asked"));
    let sticker = Outgoing::sticker(&b"stick"[..], true);
    let media = talk.heard_media(sticker, b"stick").await?;
    assert_eq!((media.kind, media.animated), (MediaKind::Sticker, true));
    let once = Outgoing::image(&b"secret"[..], "image/png").once();
    let media = talk.heard_media(once, b"secret").await?;
    assert!(media.view_once);
    talk.session.link.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_document_arrives_whole() -> Result<()> {
    let talk = Talk::start("+15550304", "+15550305").await?;
    let large: Vec<u8> = (0..6_000_000u32).map(|n| (n % 249) as u8).collect();
    let document = talk
        .session
        .inbox
        .medium(MediaKind::Document, "application/zip", &large);
    let heard = talk.sent(Content::Media(document)).await?;
    assert_eq!(heard.media().map(|bytes| bytes.len()), Some(large.len()));
    let document = Outgoing::document(large.clone(), "application/zip", "all.zip");
    talk.heard_media(document, &large).await?;
    talk.session.link.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn places_and_cards_go_both_ways() -> Result<()> {
    let talk = Talk::start("+15550306", "+15550307").await?;
    let place = Location {
        latitude: Degrees::latitude(52.5)?,
        longitude: Degrees::longitude(13.25)?,
        name: Some("Shop".to_owned()),
        address: Some("Street 1".to_owned()),
        live: false,
    };
    let theirs = Place {
        latitude: 52.5,
        longitude: 13.25,
        name: Some("Shop".to_owned()),
        address: Some("Street 1".to_owned()),
        live: false,
    };
    let heard = talk.sent(Content::Location(place.clone())).await?;
    assert_eq!(heard.content, HeardContent::Location(theirs.clone()));
    let content = talk.heard(Outgoing::location(theirs)).await?;
    assert_eq!(content, Content::Location(place));

    let card = |name: &str| ContactCard::new(name, &[]);
    for cards in [vec![card("Ada")], vec![card("Ada"), card("Bob")]] {
        let content = Content::Contacts {
            cards: cards.clone(),
        };
        let HeardContent::Contacts { cards: theirs } = talk.sent(content.clone()).await?.content
        else {
            bail!("not cards");
        };
        assert_eq!(theirs.len(), cards.len());
        assert_eq!(talk.heard(Outgoing::contacts(theirs)).await?, content);
    }
    talk.session.link.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn links_and_forwarding_are_shown_both_ways() -> Result<()> {
    let talk = Talk::start("+15550308", "+15550309").await?;
    let preview = LinkPreview {
        url: "https://example.com".to_owned(),
        title: "Example".to_owned(),
        description: Some("An example".to_owned()),
        thumbnail: None,
    };
    let text = Text {
        text: "see https://example.com".to_owned(),
        mentions: Mentions::default(),
        preview: Some(preview),
    };
    let heard = talk.sent(Content::Text(text.clone())).await?;
    let HeardContent::Text {
        preview: Some(shown),
        ..
    } = heard.content
    else {
        bail!("nothing is shown: {heard:?}");
    };
    assert_eq!(shown.title.as_deref(), Some("Example"));
    let linked = Outgoing::text("see https://example.com").previewing(shown);
    assert_eq!(talk.heard(linked).await?, Content::Text(text));

    let mut message = talk.world.text(&talk.customer.jid(), "news")?;
    message.forwarded = 2;
    talk.session.link.send(&message).await?;
    let heard = talk.customer.hears().await?;
    assert_eq!(heard.marks.forwarding_score, 2);
    let forwarded = Outgoing::text("news").forwarded(3);
    talk.customer.sends(talk.owner.number(), forwarded).await?;
    assert_eq!(talk.session.hears().await?.forwarded, 3);
    talk.session.link.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn mentions_name_people_as_each_side_knows_them() -> Result<()> {
    for lids in WORLDS {
        let world = World::start(lids).await?;
        let owner = world.person("+15550310", "Olive")?;
        let carl = world.person("+15550311", "Carl")?;
        let dora = world.person("+15550312", "Dora")?;
        let session = world.connected(&owner).await?;
        let group = carl.creates_group("Friends", &[&owner, &dora]).await?;
        carl.says(&group, "hello").await?;
        session.hears().await?;
        dora.hears().await?;

        let dora_jid = jid(&dora.jid())?;
        let mentioning = |people, everybody| {
            Content::Text(Text {
                text: format!("@{} look", dora_jid.user()),
                mentions: Mentions { people, everybody },
                preview: None,
            })
        };
        let content = mentioning(vec![dora_jid.clone()], false);
        session.link.send(&world.outgoing(&group, content)?).await?;
        let heard = dora.hears().await?;
        let [mentioned] = heard.marks.mentions.as_slice() else {
            bail!("{lids:?}: {heard:?}");
        };
        assert!(
            [dora.jid(), dora.lid()].contains(mentioned),
            "{lids:?}: {mentioned}"
        );
        let named = match lids {
            Lids::Told => jid(&dora.lid())?,
            Lids::Hidden => dora_jid.clone(),
        };
        assert_eq!(heard.text(), format!("@{} look", named.user()));

        session
            .link
            .send(&world.outgoing(&group, mentioning(Vec::new(), true))?)
            .await?;
        let heard = dora.hears().await?;
        assert!(heard.marks.mentions_all);
        assert_eq!(heard.marks.mentions.len(), 2, "{lids:?}: {heard:?}");

        let said = Outgoing::text("look").mentioning(&[dora.number()]);
        carl.sends(&group, said).await?;
        let Content::Text(text) = session.hears().await?.content else {
            bail!("not a text");
        };
        assert_eq!(
            text.mentions.people,
            std::slice::from_ref(&dora_jid),
            "{lids:?}"
        );
        let said = Outgoing::text("all of you").mentioning_all();
        carl.sends(&group, said).await?;
        let Content::Text(text) = session.hears().await?.content else {
            bail!("not a text");
        };
        assert!(text.mentions.everybody);
        session.link.close().await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_caption_of_a_picture_can_be_edited() -> Result<()> {
    let talk = Talk::start("+15550313", "+15550314").await?;
    let picture = talk.session.inbox.image(b"picture", "good");
    let heard = talk.sent(Content::Media(picture)).await?;
    let edit = Content::Edit {
        target: heard.id.parse()?,
        text: "better".to_owned(),
    };
    let heard_edit = talk.sent(edit).await?;
    assert_eq!(
        heard_edit.content,
        HeardContent::Edit {
            target: heard.id,
            body: "better".to_owned()
        }
    );
    talk.session.link.close().await;
    Ok(())
}
