//! Groups: made, changed, joined and left, by us and by others.

use anyhow::{Context, Result};
use warbler_app::driver::{DriverError, Inbound};
use warbler_domain::group::{GroupChange, GroupSetting, InviteCode, MemberChange, MemberRole};
use warbler_domain::{Content, Jid};
use warbler_simulator::HeardContent;

use crate::world::{Lids, Session, WORLDS, World, jid};

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_made_changed_and_left() -> Result<()> {
    for lids in WORLDS {
        let world = World::start(lids).await?;
        let owner = world.person("+15550380", "Olive")?;
        let carl = world.person("+15550381", "Carl")?;
        let dora = world.person("+15550382", "Dora")?;
        let session = world.connected(&owner).await?;
        let link = &session.link;
        let carl_jid = jid(&carl.jid())?;
        let dora_jid = jid(&dora.jid())?;

        let (made, results) = link
            .create_group("Friends", std::slice::from_ref(&carl_jid))
            .await?;
        assert_eq!(made.subject, "Friends");
        assert!(results.iter().all(|result| result.refused.is_none()));
        let owned = made
            .members
            .iter()
            .find(|one| one.role == MemberRole::Owner);
        assert_eq!(
            owned.map(|one| one.jid.clone()),
            Some(jid(&owner.jid())?),
            "{lids:?}"
        );

        let group = made.jid;
        let added = link
            .change_members(&group, MemberChange::Add, std::slice::from_ref(&dora_jid))
            .await?;
        assert_eq!(
            added
                .iter()
                .map(|one| (&one.jid, one.refused))
                .collect::<Vec<_>>(),
            [(&dora_jid, None)],
            "{lids:?}"
        );
        link.change_members(
            &group,
            MemberChange::Promote,
            std::slice::from_ref(&dora_jid),
        )
        .await?;
        link.set_subject(&group, "Best friends").await?;
        link.set_description(&group, Some("for us")).await?;
        link.set_group(&group, GroupSetting::Announce(true)).await?;
        link.set_group(&group, GroupSetting::Locked(true)).await?;
        let now = link.group(&group).await?;
        assert_eq!(
            (now.subject.as_str(), now.description.as_deref(), now.size),
            ("Best friends", Some("for us"), 3)
        );
        assert!(now.announce && now.locked);
        let dora_now = now.members.iter().find(|one| one.jid == dora_jid);
        assert_eq!(dora_now.map(|one| one.role), Some(MemberRole::Admin));
        assert_eq!(link.groups().await?.len(), 1);

        link.change_members(
            &group,
            MemberChange::Demote,
            std::slice::from_ref(&dora_jid),
        )
        .await?;
        link.change_members(
            &group,
            MemberChange::Remove,
            std::slice::from_ref(&dora_jid),
        )
        .await?;
        assert_eq!(link.group(&group).await?.size, 2);
        link.set_group_picture(&group, Some(b"jpeg".to_vec().into()))
            .await?;
        link.leave(&group).await?;
        assert_eq!(carl.members_of(&group.to_string()).len(), 1);
        assert!(matches!(
            link.group(&group).await,
            Err(DriverError::NotAllowed(_) | DriverError::NotFound(_))
        ));
        session.link.close().await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn people_who_cannot_be_added_are_named_with_the_reason() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550383", "Olive")?;
    let carl = world.person("+15550384", "Carl")?;
    let shy = world.person("+15550385", "Sheila")?;
    shy.sets_privacy("groupadd", "contacts")?;
    let session = world.connected(&owner).await?;
    let people = [jid(&carl.jid())?, jid(&shy.jid())?];
    let (made, results) = session.link.create_group("Friends", &people[..1]).await?;
    assert_eq!(results.first().map(|one| one.refused), Some(None));
    let added = session
        .link
        .change_members(&made.jid, MemberChange::Add, &people)
        .await?;
    let refused: Vec<_> = added.iter().map(|one| one.refused).collect();
    assert_eq!(refused, [Some(409), Some(403)]);
    session.link.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn invitations_are_read_renewed_and_followed() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550386", "Olive")?;
    let carl = world.person("+15550387", "Carl")?;
    let session = world.connected(&owner).await?;
    let link = &session.link;
    let (own, _) = link.create_group("Mine", &[]).await?;
    let code = link.invite_code(&own.jid, false).await?;
    assert_eq!(link.invite_code(&own.jid, false).await?, code);
    assert_ne!(link.invite_code(&own.jid, true).await?, code);

    let theirs = carl.creates_group("Theirs", &[]).await?;
    let code: InviteCode = carl.invite_code(&theirs).await?.parse()?;
    assert_eq!(link.invited_to(&code).await?.subject, "Theirs");
    assert_eq!(link.join(&code).await?, Some(jid(&theirs)?));
    let worthless: InviteCode = "AbCdEfGhIjKlMnOpQrStUv".parse()?;
    assert_eq!(
        link.invited_to(&worthless).await.map(drop),
        Err(DriverError::NotFound("invitation"))
    );
    session.link.close().await;
    Ok(())
}

async fn changed(session: &Session, what: &str) -> Result<(Option<Jid>, GroupChange)> {
    session
        .received("a change of the group", |inbound| match inbound {
            Inbound::GroupUpdated { by, change, .. } if change.what == what => {
                Some((by.clone(), change.clone()))
            }
            _ => None,
        })
        .await
        .with_context(|| what.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_do_to_groups_is_told() -> Result<()> {
    for lids in WORLDS {
        let world = World::start(lids).await?;
        let owner = world.person("+15550388", "Olive")?;
        let carl = world.person("+15550389", "Carl")?;
        let dora = world.person("+15550390", "Dora")?;
        let session = world.connected(&owner).await?;
        let group = carl.creates_group("Friends", &[&owner]).await?;
        let (carl_jid, dora_jid) = (jid(&carl.jid())?, jid(&dora.jid())?);
        let (_, created) = changed(&session, "create").await?;
        assert_eq!(created.text.as_deref(), Some("Friends"));
        carl.adds(&group, &[&dora]).await?;
        let (by, added) = changed(&session, "add").await?;
        assert_eq!(
            (by, added.members),
            (Some(carl_jid), vec![dora_jid.clone()]),
            "{lids:?}"
        );
        carl.promotes(&group, &[&dora]).await?;
        let (_, promoted) = changed(&session, "promote").await?;
        assert_eq!(promoted.members, std::slice::from_ref(&dora_jid));
        carl.demotes(&group, &[&dora]).await?;
        changed(&session, "demote").await?;
        carl.renames_group(&group, "Best friends").await?;
        let (_, renamed) = changed(&session, "subject").await?;
        assert_eq!(renamed.text.as_deref(), Some("Best friends"));
        carl.describes_group(&group, "for us").await?;
        let (_, described) = changed(&session, "description").await?;
        assert_eq!(described.text.as_deref(), Some("for us"));
        carl.restricts_speaking(&group, true).await?;
        changed(&session, "announcement").await?;
        carl.locks_group(&group, true).await?;
        changed(&session, "locked").await?;
        carl.sets_group_picture(&group, b"jpeg").await?;
        changed(&session, "picture").await?;
        dora.leaves(&group).await?;
        let (_, left) = changed(&session, "leave").await?;
        assert_eq!(left.members, [dora_jid], "{lids:?}");
        session.link.close().await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_takes_back_what_somebody_else_wrote() -> Result<()> {
    let world = World::start(Lids::Told).await?;
    let owner = world.person("+15550391", "Olive")?;
    let carl = world.person("+15550392", "Carl")?;
    let session = world.connected(&owner).await?;
    let carl_jid = jid(&carl.jid())?;
    let (group, _) = session
        .link
        .create_group("Friends", std::slice::from_ref(&carl_jid))
        .await?;
    let said = carl.says(&group.jid.to_string(), "rubbish").await?;
    session.hears().await?;
    let back = Content::Revoke {
        target: said.parse()?,
        target_sender: Some(carl_jid),
    };
    let back = world.outgoing(&group.jid.to_string(), back)?;
    session.link.send(&back).await?;
    assert_eq!(
        carl.hears().await?.content,
        HeardContent::Revoke { target: said }
    );
    session.link.close().await;
    Ok(())
}
