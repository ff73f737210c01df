//! Posting to a URL, and requests that come twice.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use warbler_app::Settings;
use warbler_tests::{KEY, TestHost, quick_settings};

use super::{ADA, OWNER, answer_to, grant, rule, step_of};
use crate::webhooks::receiver::{OK, Receiver, Reply};

/// Settings under which servers on this machine are reached.
fn reaching_here() -> Result<Settings> {
    Ok(Settings {
        outbound: vec!["127.0.0.1".to_owned()].try_into()?,
        ..quick_settings()
    })
}

#[tokio::test]
async fn a_rule_posts_what_it_knows_to_a_server_that_is_granted() -> Result<()> {
    let host = TestHost::start_with(reaching_here()?).await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada Lovelace")?;
    let crm = Receiver::start(|n| match n {
        0 => OK,
        _ => Reply::Head("503 Service Unavailable"),
    })
    .await?;
    rule(
        &host,
        json!({
            "name": "lead", "when": [{ "matches": "^offer for (.+)$" }],
            "then": [
                { "post": { "url": crm.url(), "data": { "what": "{{1}}", "who": "{{ first_name.upper() }}" } } },
                { "reply": "You will hear from us." },
            ],
        }),
    )
    .await?;
    ada.says(OWNER, "offer for a boat").await?;
    let refused = step_of(&host, &shop, "offer for a boat", "rules").await?;
    assert_eq!(refused["error"]["code"], "not-granted", "{refused}");
    let origin = crm.url();
    let origin = origin.split("/hook").next().context("an origin")?;
    let said = refused["error"]["message"].as_str().unwrap_or_default();
    ensure!(said.contains(origin), "the line to add is named: {said}");
    assert_eq!(crm.heard().len(), 0);

    grant(&host, json!({ "http": [origin] })).await?;
    let answer = answer_to(&ada, "offer for a boat").await?;
    assert_eq!(answer, "You will hear from us.");
    let heard = crm.hears(1).await?;
    assert_eq!(heard[0].header("content-type"), "application/json");
    let told = heard[0].json()?;
    assert_eq!(
        told,
        json!({
            "rule": "lead", "session": "shop", "chat": told["chat"], "sender": told["sender"],
            "name": "Ada Lovelace", "text": "offer for a boat", "what": "a boat", "who": "ADA",
        })
    );

    // What the server does not take is not answered as if it had.
    ada.says(OWNER, "offer for two").await?;
    let failed = step_of(&host, &shop, "offer for two", "rules").await?;
    assert_eq!(failed["error"]["code"], "bad-answer", "{failed}");
    assert_eq!(failed["actions"], json!([]));
    // A trial posts nothing.
    let before = crm.heard().len();
    let body = json!({ "session": "shop", "text": "offer for three", "from": ADA });
    let seen = super::tried(&host, body).await?;
    assert_eq!(seen["used"], json!(["lead"]));
    assert_eq!(crm.heard().len(), before);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_request_for_a_rule_that_comes_again_makes_no_second_one() -> Result<()> {
    let host = TestHost::start().await?;
    let body = json!({ "name": "prices", "then": [{ "reply": "$10" }] });
    let bearer = format!("Bearer {KEY}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("idempotency-key", "prices-1"),
    ];
    let send = |body| host.api().call("POST", "/v1/rules", &headers, Some(body));
    let first = send(body.clone()).await?.expect(201)?;
    let again = send(body).await?.expect(201)?;
    assert_eq!(first.text_at("/id")?, again.text_at("/id")?);
    let other = json!({ "name": "other", "then": ["stop"] });
    let refused = send(other).await?;
    assert_eq!(
        refused.refusal().1,
        "idempotency_key_reused",
        "{}",
        refused.body
    );
    let listed = host.api().get("/v1/rules").await?.expect(200)?;
    assert_eq!(listed.body["items"].as_array().map(Vec::len), Some(1));
    // A request that is refused has not used its key up.
    let headers = [
        ("authorization", bearer.as_str()),
        ("idempotency-key", "prices-2"),
    ];
    let bad = json!({ "name": "x", "then": [] });
    let refused = host
        .api()
        .call("POST", "/v1/rules", &headers, Some(bad))
        .await?;
    assert_eq!(refused.refusal(), (400, "bad_rule"));
    host.stop().await;
    Ok(())
}
