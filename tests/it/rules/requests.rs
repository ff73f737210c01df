//! `/v1/rules`: made, listed, put in order, switched off, changed, taken away.

use anyhow::{Result, ensure};
use serde_json::json;
use warbler_tests::TestHost;

use super::{ADA, OWNER, answer_to, answering, rule, step_of, tried};

#[tokio::test]
async fn a_rule_holds_for_the_next_message_and_its_name_stands_in_the_trace() -> Result<()> {
    let mut host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada Lovelace")?;
    let price = answering(
        "prices",
        json!([{ "containsAny": ["price", "cost"] }]),
        "From $10, {{first_name|friend}}",
    );
    let id = rule(&host, price).await?;
    assert_eq!(
        answer_to(&ada, "What is the PRÍCE?").await?,
        "From $10, Ada"
    );
    let step = step_of(&host, &shop, "What is the PRÍCE?", "rules").await?;
    assert_eq!(step["kind"], "rules");
    assert_eq!(step["logs"][0]["message"], "rule \"prices\" was used");
    assert_eq!(step["actions"][0]["action"], "reply");
    let shown = host.extension("rules").await?;
    ensure!(
        shown.is_some_and(|shown| shown["path"] == "/v1/rules" && shown["state"] == "active"),
        "the extension of the rules is listed"
    );

    // What it said changes at once, and stays over a restart.
    let path = format!("/v1/rules/{id}");
    let change = json!({ "then": [{ "reply": "From $12" }], "cooldown": null });
    host.api().patch(&path, change).await?.expect(200)?;
    assert_eq!(answer_to(&ada, "price?").await?, "From $12");
    host.restart().await?;
    host.is_connected("shop").await?;
    assert_eq!(answer_to(&ada, "the cost?").await?, "From $12");
    host.api().delete(&path).await?.expect(204)?;
    let gone = host.api().get(&path).await?;
    assert_eq!(gone.refusal(), (404, "unknown_rule"));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn the_first_rule_in_order_answers_until_it_is_switched_off() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let any = |name: &str| answering(name, json!([{ "contains": "hi" }]), name);
    let one = rule(&host, any("one")).await?;
    let two = rule(&host, any("two")).await?;
    let three = rule(&host, any("three")).await?;
    assert_eq!(answer_to(&ada, "hi").await?, "one");
    let order = json!({ "rules": [three, two] });
    let ordered = host
        .api()
        .post("/v1/rules/order", order)
        .await?
        .expect(200)?;
    assert_eq!(ordered.body["items"][0]["order"], 1);
    assert_eq!(answer_to(&ada, "hi").await?, "three");
    let path = format!("/v1/rules/{three}");
    let off = json!({ "enabled": false });
    host.api().patch(&path, off).await?.expect(200)?;
    assert_eq!(answer_to(&ada, "hi").await?, "two");
    let listed = host.api().get("/v1/rules?limit=2").await?.expect(200)?;
    assert_eq!(listed.body["items"][1]["name"], "two");
    let next = listed.text_at("/next")?;
    let rest = host
        .api()
        .get(&format!("/v1/rules?cursor={next}"))
        .await?
        .expect(200)?;
    assert_eq!(rest.body["items"][0]["id"], json!(one));
    assert_eq!(rest.body["next"], json!(null));

    // A rule that says so lets those after it answer as well.
    let go_on = json!({ "continue": true });
    host.api()
        .patch(&format!("/v1/rules/{two}"), go_on)
        .await?
        .expect(200)?;
    assert_eq!(answer_to(&ada, "hi").await?, "two");
    let heard = ada.hears_within(warbler_tests::PATIENCE).await?;
    assert_eq!(heard.text(), "one");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_trial_says_which_rule_is_used_and_what_the_others_lack() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    rule(
        &host,
        answering("prices", json!([{ "contains": "price" }, "group"]), "x"),
    )
    .await?;
    rule(
        &host,
        answering("open", json!([{ "hasWord": "open" }]), "yes, {{name}}"),
    )
    .await?;
    rule(&host, answering("rest", json!([]), "hello")).await?;
    let mut off = answering("off", json!([]), "never");
    off["enabled"] = json!(false);
    rule(&host, off).await?;
    let message =
        json!({ "session": "shop", "text": "open? what price?", "from": ADA, "name": "Ada" });
    let seen = tried(&host, message).await?;
    assert_eq!(seen["used"], json!(["open"]));
    assert_eq!(
        seen["actions"],
        json!([{ "action": "reply", "text": "yes, Ada", "quote": false }])
    );
    let why: Vec<_> = (0..4)
        .map(|at| seen["rules"][at]["whyNot"].clone())
        .collect();
    assert_eq!(
        why,
        [
            json!("it does not hold that it was written in a group"),
            json!(null),
            json!("rule \"open\" comes before it and was used"),
            json!("it is switched off"),
        ]
    );
    let alone = json!({
        "session": "shop", "kind": "image",
        "rule": { "name": "new", "when": [{ "kind": "voice" }], "then": ["stop"] },
    });
    let seen = tried(&host, alone).await?;
    assert_eq!(
        seen["rules"][0]["whyNot"],
        "it is of the kind image, and not voice"
    );
    ensure!(
        shop.events("message.sent").await?.is_empty(),
        "nothing was sent"
    );
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_is_no_rule_is_refused_with_its_field() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    for (body, code, field) in [
        (json!({ "name": "x", "then": [] }), "bad_rule", "then"),
        (
            json!({ "name": "x", "then": [{ "reply": "{{1}}" }] }),
            "bad_rule",
            "then",
        ),
        (
            json!({ "name": "x", "then": ["stop"], "when": [{ "contain": "y" }] }),
            "invalid_body",
            "when[0]",
        ),
        (
            json!({ "name": "x", "then": ["stop"], "when": [{ "matches": "(" }] }),
            "invalid_body",
            "when[0].matches",
        ),
        (
            json!({ "name": "x", "then": ["stop"], "when": [{ "between": { "from": "9", "to": "18:00" } }] }),
            "invalid_body",
            "when[0].between.from",
        ),
        (
            json!({ "name": "x", "then": ["stop"], "colour": "red" }),
            "unknown_field",
            "colour",
        ),
        (
            json!({ "name": "x", "then": ["stop"], "session": "!" }),
            "bad_session_name",
            "session",
        ),
    ] {
        let answer = host.api().post("/v1/rules", body.clone()).await?;
        assert_eq!(answer.refusal(), (400, code), "{body}");
        assert_eq!(answer.body["field"], field, "{body}: {}", answer.body);
    }
    rule(&host, answering("x", json!([]), "x")).await?;
    let again = host
        .api()
        .post("/v1/rules", answering("x", json!([]), "y"))
        .await?;
    assert_eq!(again.refusal(), (409, "rule_name_taken"));
    // For one session alone the name is free.
    let mut own = answering("x", json!([]), "y");
    own["session"] = json!("shop");
    rule(&host, own).await?;
    for (body, code) in [
        (
            json!({ "session": "shop", "kind": "smell" }),
            "bad_rule_trial",
        ),
        (
            json!({ "session": "shop", "from": "nobody" }),
            "bad_recipient",
        ),
    ] {
        let answer = host.api().post("/v1/rules/test", body).await?;
        assert_eq!(answer.refusal(), (400, code));
    }
    let order = json!({ "rules": [] });
    let answer = host.api().post("/v1/rules/order", order).await?;
    assert_eq!(answer.refusal(), (400, "bad_rule_order"));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn rules_are_for_the_sessions_of_their_owner() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    host.connected_session("office", "+15550002").await?;
    let ada = host.person(ADA, "Ada")?;
    let user = json!({ "name": "bob", "password": "correct horse battery staple" });
    host.api().post("/v1/users", user).await?.expect(201)?;
    let give = json!({ "owner": "bob" });
    let key = json!({ "name": "bob's", "scopes": ["manage"], "owner": "bob" });
    let made = host.api().post("/v1/keys", key).await?.expect(201)?;
    host.api()
        .put("/v1/sessions/shop/owner", give)
        .await?
        .expect(200)?;
    let bob = host.api().with_key(made.text_at("/secret")?);
    let mine = answering("mine", json!([]), "bob answers");
    let made = bob.post("/v1/rules", mine).await?.expect(201)?;
    let id = made.text_at("/id")?.to_owned();
    let taken = bob
        .post(
            "/v1/rules",
            json!({ "name": "y", "then": ["stop"], "session": "office" }),
        )
        .await?;
    assert_eq!(taken.refusal(), (404, "unknown_session"));
    assert_eq!(answer_to(&ada, "hello").await?, "bob answers");
    let others = tried(&host, json!({ "session": "office", "text": "hello" })).await?;
    assert_eq!(others["rules"], json!([]));
    // A rule for every session is the host's, and not for bob to see.
    let all = rule(&host, answering("all", json!([]), "x")).await?;
    let seen = bob.get(&format!("/v1/rules/{all}")).await?;
    assert_eq!(seen.refusal(), (404, "unknown_rule"));
    let seen = bob.get("/v1/rules").await?.expect(200)?;
    assert_eq!(seen.body["items"][0]["id"], json!(id));
    assert_eq!(seen.body["items"][1], json!(null));
    host.stop().await;
    Ok(())
}
