//! What can be changed about a group, and who is told.

use anyhow::{Context, Result};
use wacore::iq::groups::{GroupDescription, GroupSubject};
use warbler_simulator::{Network, NetworkOptions, Person};
use whatsapp_rust::PreviousDescription;
use whatsapp_rust::prelude::{Event, Jid};

use super::support::Engine;

struct Room {
    network: Network,
    shop: Person,
    anna: Person,
    engine: Engine,
    jid: Jid,
}

/// A group the shop has made and Anna is in.
async fn room(number: &str) -> Result<Room> {
    let network = Network::start(NetworkOptions::default()).await?;
    let shop = network.person(&format!("{number}0"), "Shop")?;
    let anna = network.person(&format!("{number}1"), "Anna")?;
    let engine = Engine::linked(&network, &shop).await?;
    let jid = shop.creates_group("Club", &[&anna]).await?.parse()?;
    Ok(Room {
        network,
        shop,
        anna,
        engine,
        jid,
    })
}

#[tokio::test]
async fn participants_are_changed_one_by_one_with_results() -> Result<()> {
    let room = room("+1555073").await?;
    let groups = room.engine.client.groups();
    let ben = room.network.person("+15550732", "Ben")?;
    let shy = room.network.person("+15550733", "Shy")?;
    shy.sets_privacy("groupadd", "none")?;
    let asked: Vec<Jid> = vec![
        ben.jid().parse()?,
        shy.jid().parse()?,
        room.anna.jid().parse()?,
        "15559999998@s.whatsapp.net".parse()?,
    ];
    let results = groups.add_participants(&room.jid, &asked).await?;
    let codes: Vec<_> = results.iter().map(|one| one.error.as_deref()).collect();
    assert_eq!(codes, [None, Some("403"), Some("409"), Some("404")]);
    let invited = results.get(1).and_then(|one| one.add_request.as_ref());
    assert!(invited.is_some());
    let anna: Jid = room.anna.jid().parse()?;
    let promoted = groups
        .promote_participants(&room.jid, std::slice::from_ref(&anna))
        .await?;
    assert!(promoted.iter().all(|one| one.is_ok()));
    let admins = groups.get_metadata(&room.jid).await?.participants;
    assert_eq!(admins.iter().filter(|one| one.is_admin()).count(), 2);
    groups
        .demote_participants(&room.jid, std::slice::from_ref(&anna))
        .await?;
    groups.remove_participants(&room.jid, &[anna]).await?;
    let left = room.shop.members_of(&room.jid.to_string());
    assert_eq!(left, [room.shop.jid(), ben.jid()]);
    room.network.stop().await;
    Ok(())
}

#[tokio::test]
async fn settings_are_seen_and_obeyed() -> Result<()> {
    let mut room = room("+1555074").await?;
    let client = room.engine.client.clone();
    let groups = client.groups();
    let jid = room.jid.to_string();
    groups.set_announce(&room.jid, true).await?;
    groups.set_locked(&room.jid, true).await?;
    let text = GroupDescription::new("Every Friday")?;
    groups
        .set_description(&room.jid, Some(text), PreviousDescription::Resolve)
        .await?;
    let seen = groups.get_metadata(&room.jid).await?;
    assert!(seen.is_announcement && seen.is_locked);
    assert_eq!(seen.description.as_deref(), Some("Every Friday"));
    assert!(room.anna.says(&jid, "may I?").await.is_err());
    assert!(room.anna.renames_group(&jid, "Mine").await.is_err());
    groups.set_announce(&room.jid, false).await?;
    groups.set_locked(&room.jid, false).await?;
    room.anna.says(&jid, "now?").await?;
    assert_eq!(room.engine.hears().await?.text, "now?");
    room.anna.renames_group(&jid, "Ours").await?;
    room.anna.describes_group(&jid, "").await?;
    let seen = groups.get_metadata(&room.jid).await?;
    assert_eq!((seen.subject.as_str(), seen.description), ("Ours", None));
    groups
        .set_subject(&room.jid, GroupSubject::new("Club again")?)
        .await?;
    room.network.stop().await;
    Ok(())
}

#[tokio::test]
async fn people_join_by_a_code_until_it_is_revoked() -> Result<()> {
    let mut room = room("+1555075").await?;
    let client = room.engine.client.clone();
    let groups = client.groups();
    let ben = room.network.person("+15550752", "Ben")?;
    let link = groups.get_invite_link(&room.jid, false).await?;
    let code = link.rsplit('/').next().context("no code")?.to_owned();
    assert!(room.anna.invite_code(&room.jid.to_string()).await.is_err());
    ben.joins(&code).await?;
    room.engine
        .until(|event| match event {
            Event::GroupUpdate(update) => (update.action.tag_name() == "add").then_some(()),
            _ => None,
        })
        .await?;
    assert!(ben.joins(&code).await.is_err());
    groups.get_invite_link(&room.jid, true).await?;
    assert!(groups.get_invite_info(&code).await.is_err());

    let other = ben.creates_group("Bakers", &[]).await?;
    let code = ben.invite_code(&other).await?;
    let info = groups.get_invite_info(&code).await?;
    assert_eq!(info.subject, "Bakers");
    groups.join_with_invite_code(&code).await?;
    assert_eq!(ben.members_of(&other).len(), 2);
    let infos = groups
        .batch_get_info(vec![room.jid.clone(), other.parse()?])
        .await?;
    assert_eq!(infos.len(), 2);
    room.network.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_group_has_a_picture_and_its_members_are_told() -> Result<()> {
    let mut room = room("+1555076").await?;
    let client = room.engine.client.clone();
    let jid = room.jid.to_string();
    room.shop.sets_group_picture(&jid, b"cups").await?;
    let told = room
        .engine
        .until(|event| match event {
            Event::PictureUpdate(update) => Some(update.jid.clone()),
            _ => None,
        })
        .await?;
    assert_eq!(told, room.jid);
    let contacts = client.contacts();
    let first = contacts.get_profile_picture(&room.jid, false).await?;
    let groups = client.groups();
    groups
        .set_profile_picture(&room.jid, b"plates".to_vec())
        .await?;
    let second = contacts.get_profile_picture(&room.jid, true).await?;
    let ids = (first.context("none")?.id, second.context("none")?.id);
    assert_ne!(ids.0, ids.1);
    groups.remove_profile_picture(&room.jid).await?;
    assert!(
        contacts
            .get_profile_picture(&room.jid, false)
            .await?
            .is_none()
    );
    room.network.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_group_is_never_without_an_admin() -> Result<()> {
    let room = room("+1555077").await?;
    let jid = room.jid.to_string();
    assert!(room.anna.invite_code(&jid).await.is_err());
    room.engine.client.groups().leave(&room.jid).await?;
    assert_eq!(room.anna.members_of(&jid), [room.anna.jid()]);
    room.anna.invite_code(&jid).await?;
    room.network.stop().await;
    Ok(())
}
