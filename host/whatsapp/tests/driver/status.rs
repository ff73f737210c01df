//! Status posts, ours and those of others.

use anyhow::{Result, bail};
use warbler_app::driver::SendFailure;
use warbler_domain::Content;
use warbler_domain::media::MediaKind;
use warbler_simulator::{HeardContent, Outgoing};

use crate::world::{Lids, World, jid};

crate::only_with! {
    StatusPosts:
    #[tokio::test(flavor = "multi_thread")]
    async fn a_status_is_seen_by_its_audience_and_can_be_taken_back() -> Result<()> {
        let world = World::start(Lids::Told).await?;
        let owner = world.person("+15550330", "Olive")?;
        let carl = world.person("+15550331", "Carl")?;
        carl.knows(&owner);
        let session = world.connected(&owner).await?;
        let audience = vec![jid(&carl.jid())?];
        let post = |content| {
            let mut post = world.outgoing("status@broadcast", content)?;
            post.audience.clone_from(&audience);
            anyhow::Ok(post)
        };

        let text = post(Content::text("open today"))?;
        session.link.send(&text).await?;
        let heard = carl.hears().await?;
        assert!(heard.is_status(), "{heard:?}");
        assert_eq!(heard.id, text.whatsapp_id.as_str());
        let HeardContent::Text { body, color, .. } = &heard.content else {
            bail!("not a text: {heard:?}");
        };
        assert_eq!(body, "open today");
        assert!(color.is_some());
        assert_eq!(session.ack(&text.whatsapp_id).await?, None);

        let film = session.inbox.medium(MediaKind::Video, "video/mp4", b"film");
        for media in [session.inbox.image(b"picture", "new"), film] {
            let picture = post(Content::Media(media))?;
            session.link.send(&picture).await?;
            let heard = carl.hears().await?;
            assert!(heard.is_status() && heard.media().is_some(), "{heard:?}");
            assert_eq!(heard.id, picture.whatsapp_id.as_str());
        }

        let back = post(Content::Revoke {
            target: text.whatsapp_id.clone(),
            target_sender: None,
        })?;
        session.link.send(&back).await?;
        let expected = HeardContent::Revoke {
            target: text.whatsapp_id.to_string(),
        };
        assert_eq!(carl.hears().await?.content, expected);
        session.link.close().await;
        Ok(())
    }
}

crate::only_with! {
    StatusPosts:
    #[tokio::test(flavor = "multi_thread")]
    async fn a_status_nobody_would_see_is_refused() -> Result<()> {
        let world = World::start(Lids::Told).await?;
        let owner = world.person("+15550332", "Olive")?;
        let session = world.connected(&owner).await?;
        let mut post = world.text("status@broadcast", "hello?")?;
        for audience in [Vec::new(), vec![jid("15559998@s.whatsapp.net")?]] {
            post.audience = audience;
            let sent = session.link.send(&post).await;
            assert!(matches!(sent, Err(SendFailure::Permanent(_))), "{sent:?}");
        }
        session.link.close().await;
        Ok(())
    }
}

crate::only_with! {
    StatusPosts:
    #[tokio::test(flavor = "multi_thread")]
    async fn the_status_of_a_contact_comes_in() -> Result<()> {
        let world = World::start(Lids::Told).await?;
        let owner = world.person("+15550333", "Olive")?;
        let carl = world.person("+15550334", "Carl")?;
        carl.knows(&owner);
        let session = world.connected(&owner).await?;
        carl.posts_status(Outgoing::text("on holiday")).await?;
        let message = session.hears().await?;
        assert_eq!(message.chat, jid("status@broadcast")?);
        assert_eq!(message.sender, jid(&carl.jid())?);
        assert_eq!(message.content, Content::text("on holiday"));
        session.link.close().await;
        Ok(())
    }
}
