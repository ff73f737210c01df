//! Polls and votes, both ways, and after a restart.

use anyhow::{Result, bail};
use sha2::{Digest as _, Sha256};
use warbler_app::driver::SendFailure;
use warbler_domain::Content;
use warbler_domain::media::Digest;
use warbler_domain::poll::Poll;
use warbler_simulator::{HeardContent, Outgoing};

use crate::world::{Lids, WORLDS, World, jid};

fn hash(option: &str) -> Digest {
    Digest::new(Sha256::digest(option.as_bytes()).into())
}

crate::only_with! {
    OwnPolls:
    #[tokio::test(flavor = "multi_thread")]
    async fn votes_in_our_polls_are_read() -> Result<()> {
        for lids in WORLDS {
            let world = World::start(lids).await?;
            let owner = world.person("+15550320", "Olive")?;
            let carl = world.person("+15550321", "Carl")?;
            let session = world.connected(&owner).await?;
            let group = carl.creates_group("Friends", &[&owner]).await?;
            carl.says(&group, "hello").await?;
            session.hears().await?;
            for chat in [carl.jid(), group] {
                for choices in [1, 2] {
                    let poll = Poll::new("Drink?", ["Tea", "Coffee"], choices)?;
                    let asked = world.outgoing(&chat, Content::Poll(poll))?;
                    session.link.send(&asked).await?;
                    let heard = carl.hears().await?;
                    let HeardContent::Poll(_) = &heard.content else {
                        bail!("not a poll: {heard:?}");
                    };
                    assert_eq!(heard.id, asked.whatsapp_id.as_str());
                    let to = heard.group.clone();
                    let to = to.unwrap_or_else(|| owner.number().to_owned());
                    for (chosen, hashes) in [(vec!["Tea"], vec![hash("Tea")]), (vec![], vec![])] {
                        carl.votes(&to, &heard.id, &chosen).await?;
                        let expected = Content::PollVote {
                            target: asked.whatsapp_id.clone(),
                            target_sender: jid(&owner.jid())?,
                            chosen: hashes,
                            options: Vec::new(),
                        };
                        assert_eq!(session.hears().await?.content, expected, "{lids:?} {chat}");
                    }
                }
            }
            session.link.close().await;
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn we_vote_in_polls_of_others_even_after_a_restart() -> Result<()> {
    for lids in WORLDS {
        let world = World::start(lids).await?;
        let owner = world.person("+15550322", "Olive")?;
        let carl = world.person("+15550323", "Carl")?;
        let session = world.connected(&owner).await?;
        let poll = Outgoing::poll("Drink?", &["Tea", "Coffee"], 1);
        let asked = carl.sends(owner.number(), poll).await?;
        let expected = Content::Poll(Poll::new("Drink?", ["Tea", "Coffee"], 1)?);
        assert_eq!(session.hears().await?.content, expected);
        session.link.close().await;
        let world = world.restarted().await?;
        let session = world.open(session.id).await?;
        session.connected().await?;
        let vote = Content::PollVote {
            target: asked.parse()?,
            target_sender: jid(&carl.jid())?,
            chosen: vec![hash("Coffee")],
            options: Vec::new(),
        };
        session
            .link
            .send(&world.outgoing(&carl.jid(), vote)?)
            .await?;
        let expected = HeardContent::Vote {
            poll: asked,
            options: vec!["Coffee".to_owned()],
        };
        assert_eq!(carl.hears().await?.content, expected, "{lids:?}");
        session.link.close().await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vote_in_an_unknown_poll_is_refused_for_good() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550324", "Olive")?;
    let carl = world.person("+15550325", "Carl")?;
    let session = world.connected(&owner).await?;
    let vote = Content::PollVote {
        target: world.new_id(),
        target_sender: jid(&carl.jid())?,
        chosen: vec![hash("Tea")],
        options: Vec::new(),
    };
    let sent = session.link.send(&world.outgoing(&carl.jid(), vote)?).await;
    assert!(matches!(sent, Err(SendFailure::Permanent(_))), "{sent:?}");
    session.link.close().await;
    Ok(())
}
