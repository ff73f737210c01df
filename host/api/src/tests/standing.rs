//! Messages as they stand now, and where they belong.

use std::time::Duration;

use anyhow::{Context as _, bail};
use http::StatusCode;
use serde_json::{Value, json};
use warbler_app::driver::{AckRefusal, Inbound, InboundMessage};
use warbler_domain::{Clock as _, Content, Direction, SystemClock, Timestamp};

use super::harness::TestApi;

const MESSAGES: &str = "/v1/sessions/shop/messages";
const LID: &str = "700000000000001@lid";
const ADA: &str = "15550123@s.whatsapp.net";

async fn sends(api: &TestApi, body: Value) -> anyhow::Result<Value> {
    let answer = api.call("POST", MESSAGES, Some(body)).await?;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    answer.json()
}

fn in_an_hour() -> Timestamp {
    SystemClock.now().plus(Duration::from_secs(3600))
}

fn word<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

/// Waits until a message has this status.
async fn stands(api: &TestApi, id: &str, status: &str) -> anyhow::Result<Value> {
    let waiting = async {
        loop {
            let message = api.get(&format!("/v1/messages/{id}")).await?.json()?;
            if message["status"] == status {
                return anyhow::Ok(message);
            }
            tokio::task::yield_now().await;
        }
    };
    match tokio::time::timeout(Duration::from_secs(20), waiting).await {
        Ok(message) => message,
        Err(_) => bail!("the message never became {status}"),
    }
}

#[tokio::test]
async fn a_message_alone_and_in_lists_is_shown_as_in_the_history() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    let written = api
        .customer_writes("TEXT1", Content::text("at nine"))
        .await?;
    let id = written.message().context("a message")?.id;
    let edit = Content::Edit {
        target: "TEXT1".parse()?,
        text: "at ten".to_owned(),
    };
    api.customer_writes("EDIT1", edit).await?;
    let reaction = Content::Reaction {
        target: "TEXT1".parse()?,
        target_sender: ADA.parse()?,
        emoji: "👍".to_owned(),
    };
    api.customer_writes("REACT1", reaction).await?;
    let alone = api.get(&format!("/v1/messages/{id}")).await?.json()?;
    assert_eq!(alone["text"], "at ten");
    assert!(alone["editedAt"].is_string(), "{alone}");
    assert_eq!(alone["reactions"][0]["emoji"], "👍");
    let history = api.get("/v1/sessions/shop/history").await?.json()?;
    assert_eq!(history["items"][0], alone);
    let list = api.get(MESSAGES).await?.json()?;
    assert_eq!(list["items"][2], alone, "{list}");

    let body = json!({ "to": "+15550124" });
    let path = format!("/v1/messages/{id}/forward");
    let sent_on = api.call("POST", &path, Some(body.clone())).await?.json()?;
    assert_eq!(
        sent_on["text"], "at ten",
        "what is sent on is the newest text"
    );
    let revoke = Content::Revoke {
        target: "TEXT1".parse()?,
        target_sender: None,
    };
    api.customer_writes("REVOKE1", revoke).await?;
    let alone = api.get(&format!("/v1/messages/{id}")).await?.json()?;
    assert!(alone["revokedAt"].is_string(), "{alone}");
    let refused = api.call("POST", &path, Some(body)).await?;
    assert_eq!(refused.problem()?, (409, "not_forwardable".to_owned()));
    Ok(())
}

#[tokio::test]
async fn whoever_is_written_to_by_either_address_has_one_chat() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    let (jid, hidden) = (ADA.parse()?, LID.parse()?);
    let hello = InboundMessage {
        whatsapp_id: "IN1".parse()?,
        chat: jid,
        sender: ADA.parse()?,
        sender_alt: Some(hidden),
        chat_alt: Some(LID.parse()?),
        forwarded: 0,
        sender_name: None,
        direction: Direction::Inbound,
        timestamp: Timestamp::from_millis(1_700_000_000_000),
        content: Content::text("hello"),
        quoted: None,
    };
    api.network_tells(vec![Inbound::Message(hello)]).await?;
    let one = sends(&api, json!({ "to": LID, "text": "one" })).await?;
    assert_eq!((word(&one, "chat"), word(&one, "chatAlt")), (ADA, LID));
    let later = json!({ "to": LID, "text": "later", "sendAt": in_an_hour() });
    assert_eq!(word(&sends(&api, later).await?, "chat"), ADA);
    let answer = json!({ "to": LID, "text": "two", "quote": "IN1" });
    let batch = json!({ "messages": [answer, { "to": "+15550123", "text": "three" }] });
    let batch = api
        .call("POST", &format!("{MESSAGES}/batch"), Some(batch))
        .await?
        .json()?;
    assert_eq!(batch["accepted"], 2, "{batch}");
    let path = format!("/v1/messages/{}/forward", word(&one, "id"));
    let sent_on = api
        .call("POST", &path, Some(json!({ "to": LID })))
        .await?
        .json()?;
    assert_eq!(word(&sent_on, "chat"), ADA);
    let chats = api.get("/v1/sessions/shop/chats").await?.json()?;
    let chats = chats["items"].as_array().context("chats")?;
    assert_eq!(chats.len(), 1, "{chats:?}");
    let found = api.get(&format!("{MESSAGES}?chat={LID}")).await?.json()?;
    assert_eq!(found["items"].as_array().map(Vec::len), Some(6), "{found}");
    // Whose number nobody knows is written to as asked.
    let hidden = json!({ "to": "700000000000009@lid", "text": "hello" });
    assert_eq!(
        word(&sends(&api, hidden).await?, "chat"),
        "700000000000009@lid"
    );
    Ok(())
}

#[tokio::test]
async fn a_reaction_that_is_given_up_is_not_shown_and_the_one_before_is() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    let written = api
        .customer_writes("TEXT1", Content::text("we won"))
        .await?;
    let target = written.message().context("a message")?.id;
    let shown = || async {
        let message = api.get(&format!("/v1/messages/{target}")).await?.json()?;
        let first = message["reactions"][0]["emoji"].as_str().map(str::to_owned);
        anyhow::Ok(first.unwrap_or_default())
    };
    let react = |emoji: &str| {
        let reaction = json!({ "message": "TEXT1", "emoji": emoji });
        sends(&api, json!({ "to": ADA, "reaction": reaction }))
    };
    let first = react("👍").await?;
    api.network_acks(word(&first, "whatsappId"), None).await?;
    stands(&api, word(&first, "id"), "sent").await?;
    let second = react("🎉").await?;
    assert_eq!(shown().await?, "🎉");
    let refusal = AckRefusal {
        code: "400".to_owned(),
        retryable: false,
    };
    let whatsapp_id = word(&second, "whatsappId");
    api.network_acks(whatsapp_id, Some(refusal.clone())).await?;
    stands(&api, word(&second, "id"), "failed").await?;
    assert_eq!(shown().await?, "👍");

    let retry = format!("/v1/messages/{}/retry", word(&second, "id"));
    let retried = api.call("POST", &retry, None).await?;
    assert_eq!(retried.status, StatusCode::ACCEPTED, "{retried:?}");
    assert_eq!(shown().await?, "🎉");
    Ok(())
}

#[tokio::test]
async fn an_edit_and_a_revocation_that_never_go_out_leave_the_message_as_it_was()
-> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    let text = sends(&api, json!({ "to": ADA, "text": "at nine" })).await?;
    let id = word(&text, "id").to_owned();
    api.network_acks(word(&text, "whatsappId"), None).await?;
    stands(&api, &id, "sent").await?;
    api.call("POST", "/v1/sessions/shop/outbox/pause", None)
        .await?;
    let one = format!("/v1/messages/{id}");
    let body = json!({ "text": "at ten" });
    let edit = api
        .call("POST", &format!("{one}/edit"), Some(body))
        .await?
        .json()?;
    let revoke = api.call("POST", &format!("{one}/revoke"), None).await?;
    let revoke = revoke.json()?;
    let shown = api.get(&one).await?.json()?;
    assert_eq!(shown["text"], "at ten");
    assert!(shown["revokedAt"].is_string());
    for unsent in [&edit, &revoke] {
        let path = format!("/v1/messages/{}/cancel", word(unsent, "id"));
        let cancelled = api.call("POST", &path, None).await?;
        assert_eq!(cancelled.status, StatusCode::OK, "{cancelled:?}");
    }
    let shown = api.get(&one).await?.json()?;
    assert_eq!(shown["text"], "at nine");
    assert!(shown["editedAt"].is_null() && shown["revokedAt"].is_null());
    let found = api.get("/v1/sessions/shop/history?text=nine").await?;
    assert_eq!(found.json()?["items"].as_array().map(Vec::len), Some(1));
    Ok(())
}

#[tokio::test]
async fn taking_a_message_out_of_the_outbox_is_an_event() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    let later = json!({ "to": ADA, "text": "later", "sendAt": in_an_hour() });
    let waiting = sends(&api, later).await?;
    let cancel = format!("/v1/messages/{}/cancel", word(&waiting, "id"));
    for _ in 0..2 {
        let cancelled = api.call("POST", &cancel, None).await?.json()?;
        assert_eq!(cancelled["status"], "cancelled");
    }
    let events = api.get("/v1/events?kind=message.cancelled").await?.json()?;
    let events = events["items"].as_array().context("events")?;
    assert_eq!(events.len(), 1, "cancelling twice is one event: {events:?}");
    let told = &events.first().context("an event")?["message"];
    assert_eq!(
        (&told["id"], &told["status"]),
        (&waiting["id"], &json!("cancelled"))
    );
    Ok(())
}
