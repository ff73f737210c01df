//! Calls: seen, and refused.

use anyhow::Result;
use warbler_app::driver::Inbound;
use warbler_domain::Jid;
use warbler_domain::call::CallState;
use warbler_simulator::CallStep;

use crate::world::{PATIENCE, Session, WORLDS, World, jid};

async fn call(session: &Session, wanted: CallState) -> Result<(String, Jid, bool)> {
    session
        .received("a call", |inbound| match inbound {
            Inbound::Call {
                call,
                by,
                video,
                state,
                ..
            } if *state == wanted => Some((call.clone(), by.clone(), *video)),
            _ => None,
        })
        .await
}

crate::only_with! {
    Calls:
    #[tokio::test(flavor = "multi_thread")]
    async fn a_call_rings_and_ends() -> Result<()> {
        for lids in WORLDS {
            let world = World::start(lids).await?;
            let owner = world.person("+15550350", "Olive")?;
            let carl = world.person("+15550351", "Carl")?;
            let session = world.connected(&owner).await?;
            carl.says(owner.number(), "pick up").await?;
            session.hears().await?;
            let made = carl.video_calls(owner.number())?;
            let expected = (made.clone(), jid(&carl.jid())?, true);
            assert_eq!(
                call(&session, CallState::Ringing).await?,
                expected,
                "{lids:?}"
            );
            carl.hangs_up(owner.number(), &made)?;
            assert_eq!(call(&session, CallState::Ended).await?, expected);
            session.link.close().await;
        }
        Ok(())
    }
}

crate::only_with! {
    Calls:
    #[tokio::test(flavor = "multi_thread")]
    async fn a_refused_call_stops_ringing_at_the_caller() -> Result<()> {
        for lids in WORLDS {
            let world = World::start(lids).await?;
            let owner = world.person("+15550352", "Olive")?;
            let carl = world.person("+15550353", "Carl")?;
            let session = world.connected(&owner).await?;
            let made = carl.calls(owner.number())?;
            let (id, by, video) = call(&session, CallState::Ringing).await?;
            assert_eq!((id.as_str(), video), (made.as_str(), false));
            session.link.reject_call(&id, &by).await?;
            carl.sees_call(&made, CallStep::Rejected, PATIENCE).await?;
            session.link.close().await;
        }
        Ok(())
    }
}
