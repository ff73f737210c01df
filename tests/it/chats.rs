//! Chats and history over the simulated network: unread and read, what is said about messages,
//! search, calls, and what the phone remembers.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use warbler_simulator::{CallStep, Outgoing};
use warbler_tests::{PATIENCE, TestHost, eventually, hears_text};

const OWNER: &str = "+15550001";
const ADA: &str = "+15550100";
const CHAT: &str = "/v1/sessions/shop/chats/+15550100";

/// Waits until the API shows at `path` what the condition holds for.
async fn shows(host: &TestHost, path: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
    eventually(&format!("{path} shows it"), || async {
        let found = host.api().get(path).await?;
        Ok((found.status == 200 && wanted(&found.body)).then_some(found.body))
    })
    .await
}

fn item(page: &Value, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
    let items = page["items"].as_array().context("items")?;
    let found = items.iter().find(|item| wanted(item)).cloned();
    found.with_context(|| format!("not in {page}"))
}

#[tokio::test]
async fn what_is_unread_is_counted_until_it_is_marked_as_read() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let first = ada.says(OWNER, "one").await?;
    let second = ada.says(OWNER, "two").await?;
    let chat = shows(&host, CHAT, |chat| chat["unread"] == 2).await?;
    assert_eq!(
        (&chat["name"], &chat["newest"]["text"]),
        (&json!("Ada"), &json!("two"))
    );
    let read = format!("{CHAT}/read");
    let body = json!({ "upTo": first });
    host.api().post(&read, body).await?.expect(204)?;
    ada.sees_receipt(&first, "read", PATIENCE).await?;
    shows(&host, CHAT, |chat| chat["unread"] == 1).await?;
    host.api().post(&read, json!({})).await?.expect(204)?;
    ada.sees_receipt(&second, "read", PATIENCE).await?;
    shows(&host, CHAT, |chat| chat["unread"] == 0).await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn typing_is_seen_by_the_other_side() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    shop.says(ADA, "hello").await?;
    hears_text(&ada, "hello").await?;
    let state = format!("{CHAT}/state");
    host.api()
        .post(&state, json!({ "state": "composing" }))
        .await?
        .expect(204)?;
    eventually("Ada sees it", || async {
        Ok((!ada.chat_states().is_empty()).then_some(()))
    })
    .await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn an_edited_message_with_reactions_is_shown_as_it_stands_now() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let id = ada.says(OWNER, "we meet at nine").await?;
    ada.edits(OWNER, &id, "we meet at ten").await?;
    ada.reacts(OWNER, &id, "👍").await?;
    let history = format!("{CHAT}/messages");
    let page = shows(&host, &history, |page| {
        page["items"][0]["reactions"][0]["count"] == 1
    })
    .await?;
    let message = item(&page, |item| item["whatsappId"] == id)?;
    assert_eq!(message["text"], "we meet at ten");
    assert!(message["editedAt"].is_string());
    let found = |word: &str| format!("/v1/sessions/shop/history?text={word}");
    shows(&host, &found("ten"), |page| {
        page["items"][0]["whatsappId"] == id
    })
    .await?;
    shows(&host, &found("nine"), |page| page["items"] == json!([])).await?;
    ada.revokes(OWNER, &id).await?;
    shows(&host, &history, |page| {
        page["items"][0]["revokedAt"].is_string()
    })
    .await?;
    shows(&host, &found("ten"), |page| page["items"] == json!([])).await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn votes_in_a_poll_are_added_up() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let id = ada
        .sends(OWNER, Outgoing::poll("Tea?", &["yes", "no"], 1))
        .await?;
    shows(&host, &format!("{CHAT}/messages"), |page| {
        page["items"][0]["type"] == "poll"
    })
    .await?;
    ada.votes(OWNER, &id, &["no"]).await?;
    let page = shows(&host, &format!("{CHAT}/messages"), |page| {
        page["items"][0]["results"][1]["count"] == 1
    })
    .await?;
    assert_eq!(page["items"][0]["results"][0]["count"], 0);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_chat_is_archived_pinned_and_muted_on_the_phone_too() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    ada.says(OWNER, "hello").await?;
    shop.has_received("hello").await?;
    let body = json!({ "archived": true, "muted": true });
    eventually("the phone has shared its keys", || async {
        let changed = host.api().patch(CHAT, body.clone()).await?;
        Ok((changed.status == 204).then_some(()))
    })
    .await?;
    shows(&host, CHAT, |chat| {
        chat["archived"] == true && chat["mutedUntil"].is_string()
    })
    .await?;
    shop.owner()
        .sees_chat_settings(ADA, PATIENCE, |settings| {
            settings.archived && settings.muted.is_some()
        })
        .await?;
    shop.owner().archives(ADA, false).await?;
    shows(&host, CHAT, |chat| chat["archived"] == false).await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_call_is_refused_on_demand() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let call = ada.calls(OWNER)?;
    let calls = "/v1/sessions/shop/calls";
    shows(&host, calls, |page| page["items"][0]["state"] == "ringing").await?;
    let reject = format!("{calls}/{call}/reject");
    host.api().order(&reject).await?.expect(204)?;
    ada.sees_call(&call, CallStep::Rejected, PATIENCE).await?;
    shows(&host, calls, |page| page["items"][0]["state"] == "rejected").await?;
    let again = host.api().order(&reject).await?;
    assert_eq!(again.refusal(), (409, "call_over"));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn calls_are_refused_by_themselves_and_answered_in_writing() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let settings = json!({ "autoRejectCalls": true, "rejectedCallText": "Please write." });
    let path = "/v1/sessions/shop/settings";
    host.api().put(path, settings).await?.expect(200)?;
    let call = ada.calls(OWNER)?;
    ada.sees_call(&call, CallStep::Rejected, PATIENCE).await?;
    hears_text(&ada, "Please write.").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_is_said_is_found_and_counted_after_a_restart() -> Result<()> {
    let mut host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    ada.says(OWNER, "the quarterly figures").await?;
    shop.has_received("the quarterly figures").await?;
    host.restart().await?;
    let found = host
        .api()
        .get("/v1/sessions/shop/history?text=quarter")
        .await?
        .expect(200)?;
    assert_eq!(found.body["items"][0]["text"], "the quarterly figures");
    let stats = host
        .api()
        .get("/v1/sessions/shop/stats")
        .await?
        .expect(200)?;
    assert_eq!(stats.body["byType"]["text"], 1);
    host.stop().await;
    Ok(())
}
