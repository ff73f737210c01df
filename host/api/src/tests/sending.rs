//! What is done once, later, together, or not after all.

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use warbler_domain::Content;

use super::harness::{Answer, KEY, TestApi};

const MESSAGES: &str = "/v1/sessions/shop/messages";

async fn keyed(api: &TestApi, path: &str, key: &str, body: &Value) -> anyhow::Result<Answer> {
    let request = Request::post(path)
        .header("authorization", format!("Bearer {KEY}"))
        .header("content-type", "application/json")
        .header("idempotency-key", key)
        .body(Body::from(body.to_string()))?;
    api.send(request).await
}

async fn count(api: &TestApi) -> anyhow::Result<usize> {
    let page = api.get(MESSAGES).await?.json()?;
    Ok(page["items"].as_array().map_or(0, Vec::len))
}

#[tokio::test]
async fn the_same_request_under_the_same_key_is_answered_the_same_and_done_once()
-> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    let body = json!({ "to": "+15550123", "text": "once" });
    let first = keyed(&api, MESSAGES, "order-1", &body).await?;
    let again = keyed(&api, MESSAGES, "order-1", &body).await?;
    assert_eq!(first.status, StatusCode::ACCEPTED);
    assert_eq!((first.status, &first.bytes), (again.status, &again.bytes));
    assert_eq!(first.header("location"), again.header("location"));
    assert_eq!(count(&api).await?, 1);

    let other = json!({ "to": "+15550123", "text": "twice" });
    let other = keyed(&api, MESSAGES, "order-1", &other).await?;
    assert_eq!(other.problem()?, (409, "idempotency_key_reused".to_owned()));
    let bad = keyed(&api, MESSAGES, "a key", &body).await?;
    assert_eq!(bad.problem()?, (400, "bad_idempotency_key".to_owned()));
    keyed(&api, MESSAGES, "order-2", &body).await?;
    assert_eq!(count(&api).await?, 2);
    Ok(())
}

#[tokio::test]
async fn a_request_that_was_refused_can_be_made_again_under_its_key() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    let body = json!({ "to": "+15550123", "text": "Six.", "quote": "QUESTION1" });
    let refused = keyed(&api, MESSAGES, "answer", &body).await?;
    assert_eq!(refused.problem()?, (404, "unknown_target".to_owned()));
    api.customer_writes("QUESTION1", Content::text("Until when?"))
        .await?;
    let accepted = keyed(&api, MESSAGES, "answer", &body).await?;
    assert_eq!(accepted.status, StatusCode::ACCEPTED);
    Ok(())
}

#[tokio::test]
async fn a_batch_says_of_each_message_what_became_of_it() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    let path = "/v1/sessions/shop/messages/batch";
    let body = json!({ "messages": [
        { "to": "+15550123", "text": "one" },
        { "to": "nobody", "text": "two" },
        { "to": "+15550123", "text": " " },
        { "to": "+15550124", "text": "four" },
        { "to": "+15550123", "reaction": { "message": "NOWHERE", "emoji": "👍" } },
    ] });
    let answer = keyed(&api, path, "mailing", &body).await?;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    let shown = answer.json()?;
    assert_eq!(
        (&shown["accepted"], &shown["refused"]),
        (&json!(2), &json!(3))
    );
    let items = shown["items"].as_array().cloned().unwrap_or_default();
    let said: Vec<_> = items
        .iter()
        .map(|item| item["code"].as_str().or(item["message"]["text"].as_str()))
        .collect();
    let expected = [
        "one",
        "bad_recipient",
        "empty_text",
        "four",
        "unknown_target",
    ];
    assert_eq!(said, expected.map(Some));
    let again = keyed(&api, path, "mailing", &body).await?;
    assert_eq!((again.json()?, count(&api).await?), (shown, 2));
    for body in [
        json!({ "messages": [] }),
        json!({ "messages": vec![json!({ "to": "+15550123", "text": "x" }); 1001] }),
    ] {
        let refused = api.call("POST", path, Some(body)).await?;
        assert_eq!(refused.problem()?, (400, "bad_batch".to_owned()));
    }
    Ok(())
}

#[tokio::test]
async fn a_scheduled_message_waits_and_can_be_cancelled() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    let tomorrow = in_a_day()?;
    let body = json!({ "to": "+15550123", "text": "later", "sendAt": tomorrow });
    let sent = api.call("POST", MESSAGES, Some(body)).await?.json()?;
    assert_eq!(sent["status"], "queued");
    assert!(sent["scheduledFor"].is_string(), "{sent}");
    let status = api.get("/v1/sessions/shop/outbox").await?.json()?;
    assert_eq!(
        (&status["scheduled"], &status["queued"]),
        (&json!(1), &json!(0))
    );
    let waiting = api.get("/v1/sessions/shop/outbox/messages").await?.json()?;
    assert_eq!(waiting["items"][0]["standing"], "scheduled");
    let id = sent["id"].as_str().unwrap_or_default();
    let early = api
        .call("DELETE", &format!("/v1/messages/{id}"), None)
        .await?;
    assert_eq!(early.problem()?, (409, "message_still_waiting".to_owned()));
    for _ in 0..2 {
        let cancelled = api
            .call("POST", &format!("/v1/messages/{id}/cancel"), None)
            .await?;
        assert_eq!(cancelled.json()?["status"], "cancelled");
    }
    let retried = api
        .call("POST", &format!("/v1/messages/{id}/retry"), None)
        .await?;
    assert_eq!(retried.problem()?, (409, "message_not_failed".to_owned()));
    let deleted = api
        .call("DELETE", &format!("/v1/messages/{id}"), None)
        .await?;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    let gone = api.get(&format!("/v1/messages/{id}")).await?;
    assert_eq!(gone.problem()?, (404, "unknown_message".to_owned()));
    Ok(())
}

fn in_a_day() -> anyhow::Result<String> {
    use warbler_domain::{Clock as _, SystemClock};
    let day = std::time::Duration::from_secs(24 * 3600);
    Ok(SystemClock.now().plus(day).to_string())
}

#[tokio::test]
async fn an_outbox_that_rests_keeps_what_is_accepted() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    let paused = api
        .call("POST", "/v1/sessions/shop/outbox/pause", None)
        .await?
        .json()?;
    assert!(paused["pausedAt"].is_string(), "{paused}");
    let body = json!({ "to": "+15550123", "text": "wait" });
    let sent = api.call("POST", MESSAGES, Some(body)).await?.json()?;
    let status = api.get("/v1/sessions/shop/outbox").await?.json()?;
    assert_eq!(
        (&status["queued"], &status["underWay"]),
        (&json!(1), &json!(0))
    );
    let id = sent["id"].as_str().unwrap_or_default();
    let cancelled = api
        .call("POST", &format!("/v1/messages/{id}/cancel"), None)
        .await?;
    assert_eq!(cancelled.status, StatusCode::OK);
    let resumed = api
        .call("POST", "/v1/sessions/shop/outbox/resume", None)
        .await?
        .json()?;
    assert!(resumed.get("pausedAt").is_none(), "{resumed}");
    Ok(())
}

#[tokio::test]
async fn rules_for_sending_are_set_shown_and_taken_back() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    let path = "/v1/sessions/shop/sending";
    let host = api.get(path).await?.json()?;
    assert_eq!(
        (&host["own"], &host["perMinute"]),
        (&json!(false), &json!(0))
    );
    let quiet = json!({ "from": "22:00", "to": "08:00", "zone": "Europe/Berlin", "answerWithinMinutes": 60 });
    let rules = json!({ "perMinute": 20, "jitterPercent": 30, "quiet": quiet });
    let set = api.call("PUT", path, Some(rules)).await?.json()?;
    assert_eq!(
        (&set["own"], &set["perMinute"], &set["quiet"]),
        (&json!(true), &json!(20), &quiet)
    );
    let status = api.get("/v1/sessions/shop/outbox").await?.json()?;
    assert_eq!(status["rules"]["perMinute"], 20);
    for bad in [
        json!({ "quiet": { "from": "22:00", "to": "22:00", "zone": "UTC" } }),
        json!({ "quiet": { "from": "25:00", "to": "22:00", "zone": "UTC" } }),
        json!({ "quiet": { "from": "21:00", "to": "22:00", "zone": "Mars" } }),
        json!({ "jitterPercent": 101 }),
        json!({ "warmUp": { "firstDay": 0, "growthPercent": 1, "days": 1 } }),
    ] {
        let refused = api.call("PUT", path, Some(bad.clone())).await?;
        assert_eq!(refused.problem()?, (400, "bad_pacing".to_owned()), "{bad}");
    }
    let reset = api.call("DELETE", path, None).await?.json()?;
    assert_eq!(reset["own"], false);
    Ok(())
}
