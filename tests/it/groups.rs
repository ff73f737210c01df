//! Groups over the simulated network: made, looked at, changed, joined and left.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use warbler_tests::{TestHost, eventually};

const OWNER: &str = "+15550001";
const ADA: &str = "+15550100";
const BOB: &str = "+15550101";
const GROUPS: &str = "/v1/sessions/shop/groups";

async fn made(host: &TestHost, subject: &str, members: &[&str]) -> Result<(String, Value)> {
    let body = json!({ "subject": subject, "members": members });
    let made = host.api().post(GROUPS, body).await?.expect(201)?;
    Ok((made.text_at("/group/jid")?.to_owned(), made.body))
}

#[tokio::test]
async fn a_group_is_made_listed_and_shown_with_its_members() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    host.person(ADA, "Ada")?;
    let (group, _) = made(&host, "Regulars", &[ADA]).await?;
    let listed = host.api().get(GROUPS).await?.expect(200)?;
    assert_eq!(listed.body["items"][0]["subject"], "Regulars");
    let shown = host
        .api()
        .get(&format!("{GROUPS}/{group}"))
        .await?
        .expect(200)?;
    assert_eq!(shown.body["size"], 2);
    let members = shown.body["members"].as_array().context("members")?;
    let jids: Vec<_> = members
        .iter()
        .filter_map(|member| member["jid"].as_str())
        .collect();
    assert!(jids.contains(&"15550100@s.whatsapp.net"), "{jids:?}");
    // What is known is there without the network, too.
    host.api()
        .order("/v1/sessions/shop/stop")
        .await?
        .expect(200)?;
    let known = host
        .api()
        .get(&format!("{GROUPS}/{group}"))
        .await?
        .expect(200)?;
    assert_eq!(known.body, shown.body);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_groups_subject_description_and_settings_are_changed() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    host.person(ADA, "Ada")?;
    let (group, _) = made(&host, "Regulars", &[ADA]).await?;
    let path = format!("{GROUPS}/{group}");
    let body = json!({ "subject": "Friends", "description": "For friends", "announce": true, "locked": true });
    let changed = host.api().patch(&path, body).await?.expect(200)?;
    for (field, value) in [
        ("subject", json!("Friends")),
        ("description", json!("For friends")),
        ("announce", json!(true)),
        ("locked", json!(true)),
    ] {
        assert_eq!(changed.body[field], value, "{field}");
    }
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn members_come_go_and_rise_each_with_a_result() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    host.person(ADA, "Ada")?;
    host.person(BOB, "Bob")?;
    let (group, _) = made(&host, "Regulars", &[ADA]).await?;
    let members = format!("{GROUPS}/{group}/members");
    let change = |word: &str, who: &str| json!({ "change": word, "people": [who] });
    for (word, who) in [
        ("add", BOB),
        ("promote", BOB),
        ("demote", BOB),
        ("remove", BOB),
    ] {
        let answer = host
            .api()
            .post(&members, change(word, who))
            .await?
            .expect(200)?;
        assert_eq!(
            answer.body["items"][0]["done"], true,
            "{word}: {}",
            answer.body
        );
    }
    let again = host
        .api()
        .post(&members, change("add", ADA))
        .await?
        .expect(200)?;
    assert_eq!(
        again.body["items"][0]["reason"], "already_there",
        "{}",
        again.body
    );
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_group_is_joined_by_invitation_and_left() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let group = ada.creates_group("Ada's", &[]).await?;
    let code = ada.invite_code(&group).await?;
    let invite = json!({ "invite": format!("https://chat.whatsapp.com/{code}") });
    let look = "/v1/sessions/shop/invites/look";
    let seen = host.api().post(look, invite.clone()).await?.expect(200)?;
    assert_eq!(
        (&seen.body["subject"], &seen.body["jid"]),
        (&json!("Ada's"), &json!(group))
    );
    let join = "/v1/sessions/shop/invites/join";
    let joined = host.api().post(join, invite).await?.expect(200)?;
    assert_eq!(joined.body, json!({ "joined": true, "group": group }));
    let leave = format!("{GROUPS}/{group}/leave");
    host.api().order(&leave).await?.expect(204)?;
    eventually("the shop has left", || async {
        let members = ada.members_of(&group);
        Ok((members.len() == 1).then_some(()))
    })
    .await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn an_invitation_is_renewed() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    host.person(ADA, "Ada")?;
    let (group, _) = made(&host, "Regulars", &[ADA]).await?;
    let invite = format!("{GROUPS}/{group}/invite");
    let first = host.api().get(&invite).await?.expect(200)?;
    let second = host.api().order(&invite).await?.expect(200)?;
    assert_ne!(first.text_at("/code")?, second.text_at("/code")?);
    let worthless = json!({ "invite": first.text_at("/link")? });
    let look = host
        .api()
        .post("/v1/sessions/shop/invites/look", worthless)
        .await?;
    assert_eq!(look.status, 404, "{}", look.body);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_groups_subject_is_its_chats_name() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let group = ada.creates_group("Friends", &[shop.owner()]).await?;
    ada.says(&group, "hello all").await?;
    shop.has_received("hello all").await?;
    ada.renames_group(&group, "Best friends").await?;
    let path = format!("/v1/sessions/shop/chats/{group}");
    eventually("the chat has the new name", || async {
        let chat = host.api().get(&path).await?.expect(200)?;
        Ok((chat.body["name"] == "Best friends").then_some(()))
    })
    .await?;
    host.stop().await;
    Ok(())
}
