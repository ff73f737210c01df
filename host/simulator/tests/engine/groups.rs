//! Groups: texts both ways, and members who come and go.

use anyhow::Result;
use warbler_simulator::{Network, NetworkOptions, Person};
use whatsapp_rust::prelude::Event;

use super::support::{Engine, SOON};

struct Room {
    network: Network,
    shop: Person,
    anna: Person,
    ben: Person,
    engine: Engine,
    jid: String,
}

async fn room(tell_lids: bool) -> Result<Room> {
    let options = NetworkOptions {
        tell_lids,
        ..NetworkOptions::default()
    };
    let network = Network::start(options).await?;
    let shop = network.person("+15550300", "Shop")?;
    let anna = network.person("+15550301", "Anna")?;
    let ben = network.person("+15550302", "Ben")?;
    let engine = Engine::linked(&network, &shop).await?;
    let jid = anna.creates_group("Lunch", &[&shop, &ben]).await?;
    Ok(Room {
        network,
        shop,
        anna,
        ben,
        engine,
        jid,
    })
}

#[tokio::test]
async fn texts_go_both_ways_in_a_group() -> Result<()> {
    for tell_lids in [true, false] {
        let mut room = room(tell_lids).await?;
        room.anna.says(&room.jid, "who is in?").await?;
        let heard = room.engine.hears().await?;
        assert_eq!(heard.text, "who is in?");
        assert_eq!(heard.chat.to_string(), room.jid);
        let author = if tell_lids {
            room.anna.lid()
        } else {
            room.anna.jid()
        };
        assert_eq!(heard.sender.to_string(), author);
        assert_eq!(room.ben.hears().await?.text(), "who is in?");

        let id = room.engine.says(&room.jid, "me").await?;
        for person in [&room.anna, &room.ben] {
            let heard = person.hears().await?;
            assert_eq!((heard.text(), heard.id.as_str()), ("me", id.as_str()));
            assert_eq!(heard.from, room.shop.jid());
            assert_eq!(heard.group.as_ref(), Some(&room.jid));
        }
        room.anna.says(&room.jid, "good").await?;
        assert_eq!(room.engine.hears().await?.text, "good");
        room.engine.says(&room.jid, "when?").await?;
        assert_eq!(room.anna.hears().await?.text(), "when?");
        room.network.stop().await;
    }
    Ok(())
}

#[tokio::test]
async fn the_engine_makes_a_group_and_changes_it() -> Result<()> {
    use wacore::iq::groups::{GroupCreateOptions, GroupParticipantOptions, GroupSubject};
    let room = room(true).await?;
    let people = [&room.anna, &room.ben];
    let participants = people
        .iter()
        .map(|person| Ok(GroupParticipantOptions::new(person.jid().parse()?)))
        .collect::<Result<Vec<_>>>()?;
    let options = GroupCreateOptions {
        subject: "Dinner".into(),
        participants,
        ..Default::default()
    };
    let groups = room.engine.client.groups();
    let made = groups.create_group(options).await?;
    let jid = made.metadata.id.clone();
    room.engine.says(&jid.to_string(), "welcome").await?;
    assert_eq!(room.anna.hears().await?.text(), "welcome");

    groups
        .set_subject(&jid, GroupSubject::new("Supper")?)
        .await?;
    assert_eq!(groups.get_metadata(&jid).await?.subject, "Supper");
    let gone = room.ben.jid().parse()?;
    groups.remove_participants(&jid, &[gone]).await?;
    assert_eq!(groups.get_metadata(&jid).await?.participants.len(), 2);
    assert_eq!(groups.get_participating().await?.len(), 2);
    let link = groups.get_invite_link(&jid, false).await?;
    assert!(link.len() > 20);
    groups.leave(&jid).await?;
    assert_eq!(groups.get_participating().await?.len(), 1);
    room.network.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_new_member_hears_what_is_said_from_then_on() -> Result<()> {
    let mut room = room(true).await?;
    room.engine.says(&room.jid, "before").await?;
    assert_eq!(room.anna.hears().await?.text(), "before");
    let carl = room.network.person("+15550303", "Carl")?;
    room.anna.adds(&room.jid, &[&carl]).await?;
    room.engine
        .until(|event| matches!(event, Event::GroupUpdate(_)).then_some(()))
        .await?;
    room.engine.says(&room.jid, "after").await?;
    assert_eq!(carl.hears().await?.text(), "after");
    room.anna.renames_group(&room.jid, "Late lunch").await?;
    room.anna.removes(&room.jid, &[&room.shop]).await?;
    let said = room.anna.says(&room.jid, "gone?").await;
    assert!(said.is_ok());
    assert_eq!(carl.hears_within(SOON).await?.text(), "gone?");
    room.network.stop().await;
    Ok(())
}

#[tokio::test]
async fn an_admin_takes_back_what_a_member_said() -> Result<()> {
    use whatsapp_rust::RevokeType;
    let mut room = room(true).await?;
    let said = room.ben.says(&room.jid, "spam").await?;
    let heard = room.engine.hears().await?;
    room.anna.hears().await?;
    let jid = room.jid.parse()?;
    let by = RevokeType::Admin {
        original_sender: heard.sender.clone(),
    };
    room.engine.client.revoke_message(&jid, &said, by).await?;
    room.anna.revokes(&room.jid, &said).await?;
    let taken = room.engine.hears().await?;
    let taken = taken.message.protocol_message.as_option();
    let key = taken.and_then(|taken| taken.key.as_option());
    assert_eq!(key.and_then(|key| key.id.clone()), Some(said.clone()));
    // The shop is no admin: its own attempt has reached nobody.
    let told = room.ben.hears().await?;
    assert_eq!(told.from, room.anna.jid());
    assert_eq!(
        told.content,
        warbler_simulator::HeardContent::Revoke { target: said }
    );
    room.network.stop().await;
    Ok(())
}
