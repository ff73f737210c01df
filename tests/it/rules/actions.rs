//! Every action, at those it is for.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use warbler_simulator::HeardContent;
use warbler_tests::{PATIENCE, TestHost, eventually};

use super::{ADA, BOB, OWNER, answer_to, grant, rule, step_of};

/// A rule that does something at a word.
fn doing(word: &str, then: Value) -> Value {
    json!({ "name": word, "when": [{ "is": word }], "then": then })
}

#[tokio::test]
async fn media_contacts_places_and_reactions_are_sent() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let upload = host
        .api()
        .upload("/v1/media", b"%PDF-1.4 our menu".to_vec())
        .await?;
    let upload = upload.expect(201)?.text_at("/id")?.to_owned();
    let menu = json!([{ "media": { "kind": "document", "source": upload, "caption": "for {{name}}", "fileName": "menu.pdf" } }]);
    rule(&host, doing("menu", menu)).await?;
    let who = json!([{ "contact": { "name": "Grace", "phones": ["+15550150"] } }]);
    rule(&host, doing("who", who)).await?;
    let place = json!([{ "location": { "latitude": 52.5, "longitude": 13.4, "name": "Shop" } }]);
    rule(&host, doing("where", place)).await?;
    rule(
        &host,
        doing("thanks", json!(["markRead", "typing", { "react": "👍" }])),
    )
    .await?;
    let quote = json!([{ "reply": { "texts": ["quoted"], "quote": true } }]);
    rule(&host, doing("quote", quote)).await?;

    ada.says(OWNER, "menu").await?;
    let heard = ada.hears_within(PATIENCE).await?;
    ensure!(
        matches!(&heard.content, HeardContent::Document { file_name, .. } if file_name.as_deref() == Some("menu.pdf")),
        "{heard:?}"
    );
    assert_eq!(heard.text(), "for Ada");
    ada.says(OWNER, "who").await?;
    let heard = ada.hears_within(PATIENCE).await?;
    ensure!(
        matches!(heard.content, HeardContent::Contacts { .. }),
        "{heard:?}"
    );
    ada.says(OWNER, "where").await?;
    let heard = ada.hears_within(PATIENCE).await?;
    ensure!(
        matches!(heard.content, HeardContent::Location(_)),
        "{heard:?}"
    );
    ada.says(OWNER, "thanks").await?;
    assert_eq!(ada.hears_within(PATIENCE).await?.text(), "👍");
    let step = step_of(&host, &shop, "thanks", "rules").await?;
    assert_eq!(step["actions"][0]["action"], "mark-read");
    assert_eq!(step["actions"][1]["action"], "set-typing");
    let asked = ada.says(OWNER, "quote").await?;
    let heard = ada.hears_within(PATIENCE).await?;
    ensure!(
        matches!(&heard.content, HeardContent::Text { quoted, .. } if quoted.as_deref() == Some(&asked)),
        "{heard:?}"
    );
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn writing_to_others_needs_a_grant_that_is_named() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let (ada, bob) = (host.person(ADA, "Ada")?, host.person(BOB, "Bob")?);
    let then = json!([
        { "forward": { "to": BOB, "note": "from {{name}}:" } },
        { "send": { "to": BOB, "text": "{{phone}} wants you" } },
        { "reply": "told Bob" },
    ]);
    rule(&host, doing("boss", then)).await?;
    ada.says(OWNER, "boss").await?;
    let step = step_of(&host, &shop, "boss", "rules").await?;
    let said = step["error"]["message"].as_str().context("an error")?;
    assert_eq!(step["error"]["code"], "not-granted");
    ensure!(
        said.starts_with("rule \"boss\", `forward`:") && said.contains("[extensions.grants.rules]"),
        "{said}"
    );
    let shown = host.extension("rules").await?.context("the rules")?;
    assert_eq!(shown["lastError"]["code"], "not-granted");
    grant(&host, json!({ "send": "any" })).await?;
    assert_eq!(answer_to(&ada, "boss").await?, "told Bob");
    let mut heard = Vec::new();
    for _ in 0..3 {
        heard.push(bob.hears_within(PATIENCE).await?.text().to_owned());
    }
    assert_eq!(heard, ["from Ada:", "boss", &format!("{ADA} wants you")]);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_is_known_of_a_chat_is_kept_and_used() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let (ada, bob) = (host.person(ADA, "Ada")?, host.person(BOB, "Bob")?);
    let join = json!([{ "tag": "club" }, { "reply": "joined" }]);
    rule(&host, doing("join", join)).await?;
    let leave = json!([{ "untag": "club" }, { "reply": "left" }]);
    rule(&host, doing("leave", leave)).await?;
    rule(&host, json!({ "name": "club", "when": [{ "is": "rebate" }, { "tagged": "club" }], "then": [{ "reply": "10 %" }] })).await?;
    rule(&host, doing("rebate", json!([{ "reply": "none" }]))).await?;
    let city = json!([{ "remember": { "name": "city", "value": "{{1}}" } }, { "reply": "ok" }]);
    rule(
        &host,
        json!({ "name": "city", "when": [{ "matches": "^i live in (.+)$" }], "then": city }),
    )
    .await?;
    rule(
        &host,
        doing(
            "where",
            json!([{ "reply": "in {{ city.or(\"nowhere\") }}" }]),
        ),
    )
    .await?;
    rule(
        &host,
        doing("forget", json!([{ "forget": "city" }, { "reply": "gone" }])),
    )
    .await?;
    rule(&host, doing("order", json!([{ "setState": { "name": "number", "for": "1h" } }, { "reply": "Which number?" }]))).await?;
    rule(
        &host,
        json!({
            "name": "number", "when": [{ "state": "number" }, { "matches": "^\\d+$" }],
            "then": ["clearState", { "reply": "{{text}} is on its way" }],
        }),
    )
    .await?;
    rule(
        &host,
        json!({ "name": "rest", "order": 900, "then": [{ "reply": "?" }] }),
    )
    .await?;

    for (said, heard) in [
        ("rebate", "none"),
        ("join", "joined"),
        ("rebate", "10 %"),
        ("leave", "left"),
        ("rebate", "none"),
        ("where", "in nowhere"),
        ("I live in Łódź", "ok"),
        ("where", "in Łódź"),
        ("forget", "gone"),
        ("where", "in nowhere"),
        ("4711", "?"),
        ("order", "Which number?"),
        ("4711", "4711 is on its way"),
        ("4711", "?"),
    ] {
        assert_eq!(answer_to(&ada, said).await?, heard, "{said}");
    }
    // What is kept of one chat is nothing to another.
    assert_eq!(answer_to(&ada, "I live in Rome").await?, "ok");
    assert_eq!(answer_to(&bob, "where").await?, "in nowhere");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_rule_rests_in_a_chat_after_it_was_used() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let (ada, bob) = (host.person(ADA, "Ada")?, host.person(BOB, "Bob")?);
    rule(
        &host,
        json!({
            "name": "hello", "cooldown": "1h", "when": [{ "contains": "hello" }],
            "then": [{ "reply": ["Hi there"] }],
        }),
    )
    .await?;
    assert_eq!(answer_to(&ada, "hello").await?, "Hi there");
    ada.says(OWNER, "hello again").await?;
    let step = step_of(&host, &shop, "hello again", "rules").await?;
    assert_eq!(step["actions"], json!([]));
    assert_eq!(answer_to(&bob, "hello").await?, "Hi there");
    let body = json!({ "session": "shop", "text": "hello", "from": ADA });
    let seen = super::tried(&host, body).await?;
    let why = seen["rules"][0]["whyNot"].as_str().unwrap_or_default();
    ensure!(why.starts_with("it rests in this chat until 20"), "{why}");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn whoever_listens_is_told_and_the_chain_can_be_stopped() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    // It comes after the rules, by its order.
    let script = "// order: 200\nfn on_message(message) { reply(\"script\"); }";
    host.put_script("later", script).await?;
    let lead = json!([{ "webhook": { "event": "lead", "data": { "city": "of {{name}}" } } }, { "reply": "noted" }, "stop"]);
    rule(&host, doing("lead", lead)).await?;
    assert_eq!(answer_to(&ada, "lead").await?, "noted");
    let told = eventually("the event", || async {
        Ok(shop.events("custom.lead").await?.into_iter().next())
    })
    .await?;
    let data = &told["custom"]["data"];
    assert_eq!(
        (&data["rule"], &data["city"], &data["text"]),
        (&json!("lead"), &json!("of Ada"), &json!("lead"))
    );
    assert_eq!(told["custom"]["by"], "rules");
    let step = step_of(&host, &shop, "lead", "rules").await?;
    assert_eq!(step["verdict"], "stop");
    assert_eq!(answer_to(&ada, "something else").await?, "script");
    host.stop().await;
    Ok(())
}
