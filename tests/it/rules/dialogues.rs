//! Questions and their answers, and leaving a chat to a human.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use warbler_tests::{PATIENCE, TestHost};

use super::{ADA, BOB, OWNER, answer_to, answering, grant, rule, step_of, tried};

#[tokio::test]
async fn a_dialogue_asks_remembers_and_answers() -> Result<()> {
    let mut host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let (ada, bob) = (host.person(ADA, "Ada")?, host.person(BOB, "Bob")?);
    rule(&host, json!({
        "name": "booking", "when": [{ "contains": "book" }],
        "then": [
            { "ask": { "question": "For how many?", "remember": "seats", "expect": "^(\\d+)$", "retry": "A number, please.",
                       "cancel": ["never mind"], "cancelled": "All right." } },
            { "ask": { "question": "{{seats}} seats. When?", "remember": "day" } },
            { "tag": "booked" },
            { "reply": "{{seats}} seats on {{day}}, {{name}}." },
        ],
    })).await?;
    rule(&host, answering("rest", json!([]), "?")).await?;
    assert_eq!(answer_to(&ada, "book a table").await?, "For how many?");
    // Nobody else is asked.
    assert_eq!(answer_to(&bob, "4").await?, "?");
    assert_eq!(answer_to(&ada, "a few").await?, "A number, please.");
    let seen = tried(
        &host,
        json!({ "session": "shop", "text": "4", "from": ADA }),
    )
    .await?;
    assert_eq!(seen["answers"], "booking");
    assert_eq!(answer_to(&ada, "4").await?, "4 seats. When?");
    // It goes on after a restart.
    host.restart().await?;
    host.is_connected("shop").await?;
    assert_eq!(answer_to(&ada, "Friday").await?, "4 seats on Friday, Ada.");
    assert_eq!(answer_to(&ada, "Friday").await?, "?");

    assert_eq!(answer_to(&bob, "book").await?, "For how many?");
    assert_eq!(answer_to(&bob, "Never  Mind").await?, "All right.");
    assert_eq!(answer_to(&bob, "4").await?, "?");
    // Whoever never answers as wanted is asked no more.
    assert_eq!(answer_to(&bob, "book").await?, "For how many?");
    for _ in 0..2 {
        assert_eq!(answer_to(&bob, "dunno").await?, "A number, please.");
    }
    bob.says(OWNER, "dunno!").await?;
    assert_eq!(answer_to(&bob, "4").await?, "?");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_chat_that_is_left_to_a_human_is_not_answered() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let (ada, bob) = (host.person(ADA, "Ada")?, host.person(BOB, "Bob")?);
    grant(&host, json!({ "send": "any" })).await?;
    rule(
        &host,
        json!({
            "name": "human", "when": [{ "hasWord": "human" }],
            "then": [{ "reply": "One moment" }, { "handOver": { "for": "2h", "to": BOB } }],
        }),
    )
    .await?;
    rule(&host, answering("rest", json!([]), "?")).await?;
    assert_eq!(answer_to(&ada, "a human, please").await?, "One moment");
    assert_eq!(
        bob.hears_within(PATIENCE).await?.text(),
        format!("Ada ({ADA}): a human, please")
    );
    ada.says(OWNER, "are you there?").await?;
    let step = step_of(&host, &shop, "are you there?", "rules").await?;
    assert_eq!(step["actions"], json!([]));
    let line = step["logs"][0]["message"].as_str().context("a line")?;
    ensure!(
        line.starts_with("the chat is left to a human until"),
        "{line}"
    );
    let seen = tried(
        &host,
        json!({ "session": "shop", "text": "x", "from": ADA }),
    )
    .await?;
    ensure!(
        seen["pausedUntil"].is_string() && seen["used"] == json!([]),
        "{seen}"
    );
    assert_eq!(answer_to(&bob, "and me?").await?, "?");

    // Whoever is done earlier gives the chat back.
    let list = "/v1/sessions/shop/handovers";
    let left = host.api().get(list).await?.expect(200)?.body;
    assert_eq!(left["items"][0]["extension"], "rules");
    assert_eq!(left["items"][0]["chat"], "15550100@s.whatsapp.net");
    assert_eq!(left["items"][1], json!(null));
    let path = format!("{list}/{ADA}");
    host.api().delete(&path).await?.expect(204)?;
    assert_eq!(answer_to(&ada, "hello again").await?, "?");
    let again = host.api().delete(&path).await?;
    assert_eq!(again.refusal(), (404, "not_handed_over"));
    let left = host.api().get(list).await?.expect(200)?.body;
    assert_eq!(left["items"], json!([]));
    host.stop().await;
    Ok(())
}
