//! The log of changes: what callers change about accounts, chats, groups and what waits.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use warbler_domain::{Clock as _, SystemClock};
use warbler_tests::{TestHost, eventually};

const OWNER: &str = "+15550001";
const ADA: &str = "+15550100";
const BOB: &str = "+15550101";
const SHOP: &str = "/v1/sessions/shop";

/// The actions in the log, the oldest first, of those that begin so.
async fn logged(host: &TestHost, families: &[&str]) -> Result<Vec<String>> {
    let log = host.api().get("/v1/audit?limit=500").await?.expect(200)?;
    let entries = log.body["items"].as_array().context("entries")?;
    for entry in entries {
        let text = entry.to_string();
        for number in ["15550001", "15550100", "15550101", "secret text"] {
            assert!(!text.contains(number), "the log tells {number}: {text}");
        }
    }
    let actions = entries
        .iter()
        .rev()
        .filter_map(|entry| entry["action"].as_str());
    let wanted = actions.filter(|action| families.iter().any(|family| action.starts_with(family)));
    Ok(wanted.map(str::to_owned).collect())
}

#[tokio::test]
async fn what_is_changed_about_chats_people_and_the_account_is_logged() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    ada.says(OWNER, "secret text").await?;
    shop.has_received("secret text").await?;
    let api = host.api();
    let chat = format!("{SHOP}/chats/{ADA}");
    for change in [
        json!({ "archived": true }),
        json!({ "archived": false, "pinned": true }),
        json!({ "muted": true }),
    ] {
        api.patch(&chat, change).await?.expect(204)?;
    }
    let blocked = format!("{SHOP}/blocked/{ADA}");
    api.put(&blocked, json!({})).await?.expect(204)?;
    api.delete(&blocked).await?.expect(204)?;
    let person = format!("{SHOP}/contacts/{ADA}");
    api.put(&person, json!({ "name": "secret text" }))
        .await?
        .expect(200)?;
    let about = json!({ "about": "secret text" });
    api.patch(&format!("{SHOP}/profile"), about)
        .await?
        .expect(204)?;
    api.delete(&chat).await?.expect(204)?;
    let found = logged(&host, &["chat.", "contact.", "profile."]).await?;
    assert_eq!(
        found,
        [
            "chat.archive",
            "chat.unarchive",
            "chat.pin",
            "chat.mute",
            "contact.block",
            "contact.unblock",
            "contact.save",
            "profile.about",
            "chat.delete",
        ]
    );
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_is_changed_about_groups_is_logged() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    host.person(ADA, "Ada")?;
    host.person(BOB, "Bob")?;
    let api = host.api();
    let groups = format!("{SHOP}/groups");
    let new = json!({ "subject": "Regulars", "members": [ADA] });
    let made = api.post(&groups, new).await?.expect(201)?;
    let group = made.text_at("/group/jid")?.to_owned();
    let path = format!("{groups}/{group}");
    let change = json!({ "subject": "Friends", "description": "secret text" });
    api.patch(&path, change).await?.expect(200)?;
    let add = json!({ "change": "add", "people": [BOB] });
    api.post(&format!("{path}/members"), add)
        .await?
        .expect(200)?;
    // Looking at the invitation changes nothing, making a new one does.
    api.get(&format!("{path}/invite")).await?.expect(200)?;
    api.order(&format!("{path}/invite")).await?.expect(200)?;
    api.order(&format!("{path}/leave")).await?.expect(204)?;
    let found = logged(&host, &["group."]).await?;
    assert_eq!(
        found,
        [
            "group.create",
            "group.subject",
            "group.description",
            "group.add",
            "group.invite",
            "group.leave",
        ]
    );
    let log = api.get("/v1/audit?action=group.add").await?.expect(200)?;
    let target = &log.body["items"][0]["target"];
    assert_eq!(target, &json!({ "id": group, "name": "shop" }));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_is_changed_about_sending_and_about_messages_is_logged() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    host.person(ADA, "Ada")?;
    let api = host.api();
    let sending = format!("{SHOP}/sending");
    api.put(&sending, json!({ "perMinute": 600 }))
        .await?
        .expect(200)?;
    api.delete(&sending).await?.expect(200)?;
    for word in ["pause", "resume"] {
        api.order(&format!("{SHOP}/outbox/{word}"))
            .await?
            .expect(200)?;
    }
    let at = SystemClock.now().plus(std::time::Duration::from_secs(3600));
    let later = json!({ "to": ADA, "text": "secret text", "sendAt": at.to_string() });
    let waiting = shop.sends(later).await?;
    api.order(&format!("/v1/messages/{waiting}/cancel"))
        .await?
        .expect(200)?;
    // Nobody is there: it is given up.
    let failed = shop.says("+15559999", "secret text").await?;
    shop.has_status(&failed, "failed").await?;
    api.order(&format!("{SHOP}/dead-letters/replay"))
        .await?
        .expect(202)?;
    let given_up_again = eventually("it is given up again", || async {
        let dead = api.get("/v1/dead-letters").await?.expect(200)?;
        Ok(dead.body["items"].get(0).cloned())
    });
    given_up_again.await?;
    api.delete(&format!("/v1/dead-letters/{failed}"))
        .await?
        .expect(204)?;
    api.delete(&format!("/v1/messages/{failed}"))
        .await?
        .expect(204)?;
    let found = logged(&host, &["sending.", "message.", "dead-letters."]).await?;
    assert_eq!(
        found,
        [
            "sending.rules",
            "sending.rules",
            "sending.pause",
            "sending.resume",
            "message.cancel",
            "dead-letters.replay",
            "message.discard",
            "message.delete",
        ]
    );
    let log = api
        .get("/v1/audit?action=message.cancel")
        .await?
        .expect(200)?;
    let entry: &Value = &log.body["items"][0];
    assert_eq!(entry["target"], json!({ "id": waiting, "name": "shop" }));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_the_phone_remembers_is_taken_over_as_far_as_it_is_wanted() -> Result<()> {
    let host = TestHost::start_as(|options| {
        options.settings = warbler_tests::quick_settings();
        options.history.days = 30;
        options.history.messages = 1;
    })
    .await?;
    let owner = host.person(OWNER, "Olive")?;
    let ada = host.person(ADA, "Ada")?;
    let now = u64::try_from(SystemClock.now().as_millis() / 1000)?;
    let day = 24 * 3600;
    for (text, ago) in [("long ago", 90 * day), ("older", 2 * day), ("newest", day)] {
        owner.remembers(ADA, &ada, text, now - ago)?;
    }
    let shop = host.connected_session("shop", OWNER).await?;
    shop.has_message("what was remembered", |message| message["text"] == "newest")
        .await?;
    ada.says(OWNER, "hello").await?;
    shop.has_received("hello").await?;
    let page = host.api().get(&format!("{SHOP}/messages")).await?;
    let texts: Vec<_> = page.body["items"]
        .as_array()
        .context("messages")?
        .iter()
        .filter_map(|message| message["text"].as_str())
        .collect();
    assert_eq!(texts, ["hello", "newest"]);
    host.stop().await;
    Ok(())
}
