//! Look-ups, profiles, blocking, presence, and the account's own profile.

use anyhow::Result;
use warbler_app::driver::{DriverError, Inbound};
use warbler_domain::Jid;
use warbler_domain::contact::PictureSize;
use warbler_domain::event::ContactChange;

use crate::world::{Lids, PATIENCE, Session, WORLDS, World, jid};

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_looked_up_in_the_order_asked() -> Result<()> {
    for lids in WORLDS {
        let world = World::start(lids).await?;
        let owner = world.person("+15550360", "Olive")?;
        let carl = world.person("+15550361", "Carl")?;
        let dora = world.person("+15550362", "Dora")?;
        dora.opens_business("Dora's");
        let session = world.connected(&owner).await?;
        let numbers = ["15559997", "15550362", "15550361"];
        let numbers: Vec<_> = numbers
            .iter()
            .map(|n| n.parse())
            .collect::<Result<_, _>>()?;
        let answers = session.link.look_up(&numbers).await?;
        let asked: Vec<_> = answers.iter().map(|answer| &answer.number).collect();
        assert_eq!(asked, numbers.iter().collect::<Vec<_>>());
        let accounts: Vec<_> = answers
            .iter()
            .map(|answer| answer.account.as_ref().map(|account| &account.jid))
            .collect();
        let (carl_jid, dora_jid) = (jid(&carl.jid())?, jid(&dora.jid())?);
        assert_eq!(accounts, [None, Some(&dora_jid), Some(&carl_jid)]);
        let lid = answers.get(2).and_then(|answer| answer.account.clone());
        let lid = lid.and_then(|account| account.lid);
        assert_eq!(lid.is_some(), lids == Lids::Told);
        session.link.close().await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_show_is_read() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550363", "Olive")?;
    let carl = world.person("+15550364", "Carl")?;
    let dora = world.person("+15550365", "Dora")?;
    carl.sets_about("busy").await?;
    carl.sets_picture(b"jpeg").await?;
    dora.opens_business("Dora's");
    let session = world.connected(&owner).await?;
    let carl = jid(&carl.jid())?;
    let dora = jid(&dora.jid())?;
    let profile = session.link.profile(&carl).await?;
    assert_eq!(profile.about.as_deref(), Some("busy"));
    assert!(!profile.business);
    let profile = session.link.profile(&dora).await?;
    assert_eq!(
        (profile.business, profile.verified_name.as_deref()),
        (true, Some("Dora's"))
    );
    for size in [PictureSize::Preview, PictureSize::Full] {
        let picture = session.link.picture(&carl, size).await?;
        assert!(picture.is_some_and(|picture| picture.url.starts_with("http")));
        assert_eq!(session.link.picture(&dora, size).await?, None);
    }
    session.link.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_blocked_and_no_longer() -> Result<()> {
    for lids in WORLDS {
        let world = World::start(lids).await?;
        let owner = world.person("+15550366", "Olive")?;
        let carl = world.person("+15550367", "Carl")?;
        let session = world.connected(&owner).await?;
        let carl = jid(&carl.jid())?;
        session.link.set_blocked(&carl, true).await?;
        assert_eq!(
            session.link.blocked().await?,
            std::slice::from_ref(&carl),
            "{lids:?}"
        );
        session.link.set_blocked(&carl, false).await?;
        assert_eq!(session.link.blocked().await?, [], "{lids:?}");
        let nobody = session.link.set_blocked(&jid("15559996@c.us")?, true).await;
        assert_eq!(nobody, Err(DriverError::NotFound("person")));
        session.link.close().await;
    }
    Ok(())
}

crate::only_with! {
    ProfileName:
    #[tokio::test(flavor = "multi_thread")]
    async fn the_account_shows_what_it_is_told_to_show() -> Result<()> {
        let world = World::start(Lids::Told).await?;
        let owner = world.person("+15550368", "Olive")?;
        let session = world.connected(&owner).await?;
        session.link.set_push_name("Olive's shop").await?;
        session.link.set_about("open").await?;
        session
            .link
            .set_picture(Some(b"jpeg".to_vec().into()))
            .await?;
        assert_eq!(owner.about(), "open");
        assert_eq!(owner.picture().as_deref(), Some(&b"jpeg"[..]));
        session.link.set_picture(None).await?;
        assert_eq!(owner.picture(), None);
        assert_eq!(owner.push_name(), "Olive's shop");
        session.link.close().await;
        let closed = session.link.set_about("closed").await;
        assert_eq!(closed, Err(DriverError::NotConnected));
        Ok(())
    }
}

crate::only_with! {
    PresenceOfOthers:
    #[tokio::test(flavor = "multi_thread")]
    async fn coming_and_going_is_seen_both_ways() -> Result<()> {
        let world = World::start(Lids::Told).await?;
        let owner = world.person("+15550369", "Olive")?;
        let carl = world.person("+15550370", "Carl")?;
        let session = world.connected(&owner).await?;
        carl.says(owner.number(), "hello").await?;
        session.hears().await?;
        carl.watches(owner.number())?;
        session.link.set_online(false).await?;
        carl.sees_presence(owner.number(), false, PATIENCE).await?;
        session.link.set_online(true).await?;
        carl.sees_presence(owner.number(), true, PATIENCE).await?;

        session.link.watch_presence(&jid(&carl.jid())?).await?;
        let by = session
            .received("a presence", |inbound| match inbound {
                Inbound::Presence { by, .. } => Some(by.clone()),
                _ => None,
            })
            .await?;
        assert_eq!(by, jid(&carl.jid())?);
        session.link.close().await;
        Ok(())
    }
}

async fn shown(
    session: &Session,
    pick: impl Fn(&ContactChange) -> bool,
) -> Result<(Jid, ContactChange)> {
    session
        .received("something new about a contact", |inbound| match inbound {
            Inbound::ContactUpdated {
                contact, change, ..
            } if pick(change) => Some((contact.clone(), change.clone())),
            _ => None,
        })
        .await
}

crate::only_with! {
    ChatChanges:
    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_new_about_people_is_told() -> Result<()> {
        let world = World::start(Lids::Told).await?;
        let owner = world.person("+15550371", "Olive")?;
        let carl = world.person("+15550372", "Carl")?;
        carl.knows(&owner);
        let session = world.connected(&owner).await?;
        carl.says(owner.number(), "hello").await?;
        session.hears().await?;
        let who = jid(&carl.jid())?;
        carl.sets_picture(b"jpeg").await?;
        let (by, _) = shown(&session, |change| {
            matches!(change, ContactChange::Picture { id: Some(_) })
        })
        .await?;
        assert_eq!(by, who);
        carl.sets_about("busy").await?;
        let about = ContactChange::About {
            text: "busy".to_owned(),
        };
        shown(&session, |change| *change == about).await?;
        // The first copy of the address book is no news.
        owner.saves_contact(carl.number(), "Carl").await?;
        let known = session
            .received("the address book", |inbound| match inbound {
                Inbound::History(history) => history.contacts.first().cloned(),
                _ => None,
            })
            .await?;
        assert_eq!((known.jid, known.name.as_deref()), (who, Some("Carl")));
        session.link.close().await;
        Ok(())
    }
}
