//! What people and sessions are called.

use http::StatusCode;
use serde_json::{Value, json};
use warbler_domain::Content;

use super::harness::TestApi;

const CONTACTS: &str = "/v1/sessions/shop/contacts";
const ADA: &str = "/v1/sessions/shop/contacts/+15550123";
const CHAT: &str = "/v1/sessions/shop/chats/+15550123";

async fn actions(api: &TestApi, family: &str) -> anyhow::Result<Vec<Value>> {
    let log = api.get(&format!("/v1/audit?action={family}")).await?;
    let log = log.json()?;
    let entries = log["items"].as_array().cloned().unwrap_or_default();
    Ok(entries)
}

#[tokio::test]
async fn a_saved_name_is_shown_before_the_one_they_show_until_it_is_forgotten() -> anyhow::Result<()>
{
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    api.customer_writes("IN1", Content::text("hello")).await?;
    let saved = api
        .call("PUT", ADA, Some(json!({ "name": " Blue bike " })))
        .await?;
    assert_eq!(saved.status, StatusCode::OK, "{saved:?}");
    let saved = saved.json()?;
    assert_eq!(
        (&saved["savedName"], &saved["pushName"]),
        (&json!("Blue bike"), &json!("Ada"))
    );
    assert_eq!(api.get(CHAT).await?.json()?["name"], "Blue bike");
    let found = api.get(&format!("{CONTACTS}?name=blue")).await?.json()?;
    assert_eq!(found["items"].as_array().map(Vec::len), Some(1), "{found}");
    let event = api.customer_writes("IN2", Content::text("again")).await?;
    let id = event.message().map(|message| message.id.to_string());
    let path = format!("/v1/messages/{}", id.unwrap_or_default());
    assert_eq!(api.get(&path).await?.json()?["senderName"], "Blue bike");
    // The name they show is what it was.
    assert_eq!(api.get(ADA).await?.json()?["pushName"], "Ada");

    let gone = api.call("DELETE", ADA, None).await?;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(api.get(CHAT).await?.json()?["name"], "Ada");
    let again = api.call("DELETE", ADA, None).await?;
    assert_eq!(again.problem()?, (404, "name_not_saved".to_owned()));
    let renames = api.get("/v1/events?kind=contact.updated").await?.json()?;
    let values: Vec<_> = renames["items"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|event| event["contact"]["what"] == "savedName")
        .map(|event| event["contact"]["value"].clone())
        .collect();
    assert_eq!(values, [Value::Null, json!("Blue bike")], "newest first");
    let log = actions(&api, "contact.").await?;
    let kept: Vec<_> = log.iter().map(|entry| &entry["action"]).collect();
    assert_eq!(kept, ["contact.forget", "contact.save"]);
    assert!(
        !log.iter()
            .any(|entry| entry.to_string().contains("15550123"))
    );
    Ok(())
}

#[tokio::test]
async fn somebody_unknown_can_be_saved_and_is_unknown_again_afterwards() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    let path = format!("{CONTACTS}/+15550199");
    let saved = api
        .call("PUT", &path, Some(json!({ "name": "Baker" })))
        .await?;
    assert_eq!(saved.json()?["savedName"], "Baker");
    for name in ["", "  ", "a\nb", &"x".repeat(101)] {
        let bad = api
            .call("PUT", &path, Some(json!({ "name": name })))
            .await?;
        assert_eq!(bad.problem()?, (400, "bad_name".to_owned()), "{name:?}");
    }
    let group = format!("{CONTACTS}/120363000000000000@g.us");
    let bad = api
        .call("PUT", &group, Some(json!({ "name": "All" })))
        .await?;
    assert_eq!(bad.problem()?, (400, "not_a_person".to_owned()));
    api.call("DELETE", &path, None).await?;
    let gone = api.get(&path).await?;
    assert_eq!(gone.problem()?, (404, "unknown_contact".to_owned()));
    Ok(())
}

#[tokio::test]
async fn a_part_of_a_name_that_is_too_long_is_refused_and_not_cut() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    for list in [CONTACTS, "/v1/sessions/shop/chats"] {
        let fits = api.get(&format!("{list}?name={}", "x".repeat(100))).await?;
        assert_eq!(fits.status, StatusCode::OK, "{list}");
        let long = api.get(&format!("{list}?name={}", "x".repeat(101))).await?;
        assert_eq!(long.problem()?, (400, "bad_name_filter".to_owned()));
        assert_eq!(long.json()?["field"], "name");
    }
    Ok(())
}

#[tokio::test]
async fn a_session_gets_another_name_and_keeps_all_it_has() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let shop = api.connected_session("shop").await?;
    let body = json!({ "name": "bakery", "start": false });
    api.call("POST", "/v1/sessions", Some(body)).await?;
    api.customer_writes("IN1", Content::text("hello")).await?;
    let rename = |name: &str| {
        let body = json!({ "name": name });
        api.call("PATCH", "/v1/sessions/shop", Some(body))
    };
    let taken = rename("bakery").await?;
    assert_eq!(taken.problem()?, (409, "session_name_taken".to_owned()));
    let bad = rename("not a name").await?;
    assert_eq!(bad.problem()?, (400, "bad_session_name".to_owned()));
    let renamed = rename("cafe").await?;
    assert_eq!(renamed.status, StatusCode::OK, "{renamed:?}");
    let renamed = renamed.json()?;
    assert_eq!(
        (&renamed["name"], &renamed["id"], &renamed["state"]),
        (&json!("cafe"), &shop["id"], &json!("connected"))
    );
    let old = api.get("/v1/sessions/shop").await?;
    assert_eq!(old.problem()?, (404, "unknown_session".to_owned()));
    let chats = api.get("/v1/sessions/cafe/chats").await?.json()?;
    assert_eq!(chats["items"].as_array().map(Vec::len), Some(1));
    let log = actions(&api, "session.rename").await?;
    let entry = log.first().cloned().unwrap_or_default();
    assert_eq!(
        (&entry["target"]["id"], &entry["target"]["name"], log.len()),
        (&shop["id"], &json!("cafe"), 1)
    );
    Ok(())
}
