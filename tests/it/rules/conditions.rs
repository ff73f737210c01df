//! Every condition, on what it is about.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use warbler_simulator::Outgoing;
use warbler_tests::{PATIENCE, TestHost};

use super::{ADA, BOB, OWNER, answer_to, answering, rule, tried};

/// Whether a rule with this condition is used for a message.
async fn is_used(host: &TestHost, condition: &Value, message: &Value) -> Result<bool> {
    let mut body = message.clone();
    body["session"] = json!("shop");
    body["rule"] = json!({ "name": "tried", "when": [condition], "then": ["stop"] });
    let seen = tried(host, body).await?;
    Ok(seen["used"] == json!(["tried"]))
}

#[tokio::test]
async fn every_condition_holds_where_it_should_and_nowhere_else() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let group = "120363000000000001@g.us";
    // A Monday, noon in Berlin.
    let noon = "2026-05-04T10:00:00Z";
    let hours =
        json!({ "from": "09:00", "to": "18:00", "zone": "Europe/Berlin", "days": "mon-fri" });
    for (condition, holds, fails) in [
        (
            json!({ "is": "Price list" }),
            json!({ "text": " PRICE  LIST" }),
            json!({ "text": "price lists" }),
        ),
        (
            json!({ "containsAny": ["cost", "größe"] }),
            json!({ "text": "Welche GROSSE?" }),
            json!({ "text": "cos t" }),
        ),
        (
            json!({ "containsAll": ["a", "b"] }),
            json!({ "text": "b a" }),
            json!({ "text": "a" }),
        ),
        (
            json!({ "hasWord": "help" }),
            json!({ "text": "Help!" }),
            json!({ "text": "helpless" }),
        ),
        (
            json!({ "startsWith": ["hi", "hello"] }),
            json!({ "text": "Hello you" }),
            json!({ "text": "oh hello" }),
        ),
        (
            json!({ "endsWith": "?" }),
            json!({ "text": "well?" }),
            json!({ "text": "well? no" }),
        ),
        (
            json!({ "matches": "^order \\d+$" }),
            json!({ "text": "Order 12" }),
            json!({ "text": "order x" }),
        ),
        (
            json!({ "kind": "media" }),
            json!({ "kind": "voice" }),
            json!({ "kind": "text", "text": "x" }),
        ),
        (
            json!({ "kind": ["location"] }),
            json!({ "kind": "location" }),
            json!({ "kind": "image" }),
        ),
        (
            json!({ "kind": "contact" }),
            json!({ "kind": "contacts" }),
            json!({ "kind": "poll" }),
        ),
        (
            json!("direct"),
            json!({ "text": "x" }),
            json!({ "text": "x", "chat": group }),
        ),
        (
            json!("group"),
            json!({ "text": "x", "chat": group }),
            json!({ "text": "x" }),
        ),
        (
            json!({ "from": [BOB, "+1 555 0100"] }),
            json!({ "text": "x", "from": ADA }),
            json!({ "text": "x", "from": "+15550199" }),
        ),
        (
            json!({ "in": group }),
            json!({ "text": "x", "chat": group }),
            json!({ "text": "x" }),
        ),
        (
            json!({ "between": hours }),
            json!({ "text": "x", "at": noon }),
            json!({ "text": "x", "at": "2026-05-04T17:00:00Z" }),
        ),
        (
            json!({ "not": { "between": hours } }),
            json!({ "text": "x", "at": "2026-05-03T10:00:00Z" }),
            json!({ "text": "x", "at": noon }),
        ),
        (
            json!({ "onDays": "mon" }),
            json!({ "text": "x", "at": noon }),
            json!({ "text": "x", "at": "2026-05-05T10:00:00Z" }),
        ),
        (
            json!("newMember"),
            json!({ "newMember": true }),
            json!({ "text": "x" }),
        ),
        (
            json!({ "chance": 100 }),
            json!({ "text": "x" }),
            json!({ "newMember": true }),
        ),
        (
            json!({ "any": [{ "is": "a" }, { "is": "b" }] }),
            json!({ "text": "b" }),
            json!({ "text": "c" }),
        ),
        (
            json!({ "all": [{ "contains": "a" }, { "contains": "b" }] }),
            json!({ "text": "ab" }),
            json!({ "text": "a" }),
        ),
        (
            json!({ "not": { "state": "waiting" } }),
            json!({ "text": "x" }),
            json!({ "newMember": true }),
        ),
    ] {
        assert!(
            is_used(&host, &condition, &holds).await?,
            "{condition} {holds}"
        );
        assert!(
            !is_used(&host, &condition, &fails).await?,
            "{condition} {fails}"
        );
    }
    for (condition, message) in [
        (json!({ "state": "waiting" }), json!({ "text": "x" })),
        (json!({ "tagged": "vip" }), json!({ "text": "x" })),
        (json!({ "contains": "x" }), json!({ "kind": "image" })),
    ] {
        assert!(!is_used(&host, &condition, &message).await?, "{condition}");
    }
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_comes_over_the_network_is_told_apart() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let (ada, bob) = (host.person(ADA, "Ada")?, host.person(BOB, "Bob")?);
    rule(
        &host,
        answering("welcome", json!(["firstContact", "direct"]), "Welcome!"),
    )
    .await?;
    rule(
        &host,
        answering("picture", json!([{ "kind": "image" }]), "Nice picture"),
    )
    .await?;
    rule(
        &host,
        answering(
            "group",
            json!(["group", { "contains": "shop" }]),
            "In the group",
        ),
    )
    .await?;
    rule(
        &host,
        answering("member", json!(["newMember"]), "Hello {{phone}}"),
    )
    .await?;
    assert_eq!(answer_to(&ada, "hi").await?, "Welcome!");
    ada.says(OWNER, "hi again").await?;
    shop.has_received("hi again").await?;
    ada.sends(OWNER, Outgoing::image(warbler_tests_png(), "image/png"))
        .await?;
    assert_eq!(ada.hears_within(PATIENCE).await?.text(), "Nice picture");
    let group = shop.owner().creates_group("Friends", &[&ada]).await?;
    ada.says(&group, "is the shop open?").await?;
    let heard = ada.hears_within(PATIENCE).await?;
    assert_eq!(
        (heard.text(), heard.group.as_deref()),
        ("In the group", Some(group.as_str()))
    );
    shop.owner().adds(&group, &[&bob]).await?;
    let heard = bob.hears_within(PATIENCE).await?;
    assert_eq!(heard.text(), format!("Hello {BOB}"));
    // What the account writes itself is never answered.
    let own = shop
        .owner()
        .says(ADA, "picture of the shop")
        .await
        .context("the owner writes")?;
    assert!(!own.is_empty());
    host.stop().await;
    Ok(())
}

/// The smallest picture.
fn warbler_tests_png() -> Vec<u8> {
    const PNG: &str = "89504e470d0a1a0a0000000d4948445200000001000000010806000000\
        1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082";
    (0..PNG.len() / 2)
        .filter_map(|at| PNG.get(at * 2..at * 2 + 2))
        .filter_map(|byte| u8::from_str_radix(byte, 16).ok())
        .collect()
}
