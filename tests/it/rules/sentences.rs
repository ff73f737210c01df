//! Rules as sentences of a script.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use warbler_tests::{PATIENCE, TestHost};

use super::{ADA, BOB, OWNER, answer_to, step_of};

const SHOP: &str = r#"
time_zone("Europe/Berlin");

rule("prices").when(text.contains_any(["price", "cost"])).reply("Our prices start at $10");

rule("order")
    .when(text.matches("order (\\d+)"))
    .unless(group)
    .remember("order", "{{1}}")
    .reply("Order {{order}} is on its way");

rule("always open").when(any_of([text.has_word("open"), text.has_word("closed")]))
    .between("00:00", "23:59").reply(["open"]);

rule("never").when(text.contains("never")).between("10:00", "10:01").outside("10:00", "10:01").reply("never");

rule("name").when(text.equals("name")).ask("What is your name?", "who", #{ within: "5m" }).reply("Hello {{who}}");

fn on_message(message) {
    reply("handler: " + message.text);
}
"#;

#[tokio::test]
async fn sentences_answer_before_the_handler_of_their_file() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    host.put_script("shop", SHOP).await?;
    for (said, heard) in [
        ("what does it cost?", "Our prices start at $10"),
        ("where is order 4711?", "Order 4711 is on its way"),
        ("are you open?", "open"),
        ("never", "handler: never"),
        ("name", "What is your name?"),
        ("Grace", "Hello Grace"),
        ("Grace", "handler: Grace"),
    ] {
        assert_eq!(answer_to(&ada, said).await?, heard, "{said}");
    }
    let step = step_of(&host, &shop, "what does it cost?", "shop").await?;
    assert_eq!(step["logs"][0]["message"], "rule \"prices\" was used");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_file_of_rules_needs_no_handler_and_greets_new_members() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let (ada, bob) = (host.person(ADA, "Ada")?, host.person(BOB, "Bob")?);
    host.put_script(
        "welcome",
        r#"rule("welcome").on_new_member().reply("Welcome {{phone}}!");"#,
    )
    .await?;
    let group = shop.owner().creates_group("Friends", &[&ada]).await?;
    shop.owner().adds(&group, &[&bob]).await?;
    let heard = bob.hears_within(PATIENCE).await?;
    assert_eq!(heard.text(), format!("Welcome {BOB}!"));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_mistake_in_a_sentence_is_shown_with_its_place_and_what_was_meant() -> Result<()> {
    let host = TestHost::start().await?;
    for (name, source, line, column, said) in [
        (
            "misspelt",
            "rule(\"x\")\n  .when(text.contain_any([\"a\"])).reply(\"b\");",
            2,
            Some(14),
            "there is no function `contain_any`; did you mean `contains_any`?",
        ),
        (
            "unknown-word",
            "rule(\"x\").when(text.contains(\"a\")).replay(\"b\");",
            1,
            None,
            "there is no function `replay`; did you mean `reply`?",
        ),
        (
            "idle",
            "\nrule(\"x\").when(text.contains(\"a\"));",
            2,
            Some(1),
            "rule \"x\" does nothing: give it at least one action",
        ),
        (
            "twice",
            "rule(\"x\").reply(\"a\");\nrule(\"x\").reply(\"b\");",
            2,
            Some(1),
            "there are two rules \"x\"; the other one is in line 1",
        ),
        (
            "time",
            "rule(\"x\").between(\"9 o'clock\", \"18:00\").reply(\"a\");",
            1,
            None,
            "`9 o'clock` is not a time of day",
        ),
        (
            "zone",
            "rule(\"x\").in_zone(\"Europe/Atlantis\").reply(\"a\");",
            1,
            None,
            "`Europe/Atlantis` is not a time zone",
        ),
        (
            "regex",
            "rule(\"x\").when(text.matches(\"(a\")).reply(\"a\");",
            1,
            None,
            "not a regular expression: unclosed group",
        ),
        (
            "argument",
            "rule(\"x\").when(text.contains(5)).reply(\"a\");",
            1,
            None,
            "a text or a list of texts belongs here, not a number",
        ),
        (
            "group",
            "rule(\"x\").when(text.contains(\"a\")).reply(\"{{1}}\");",
            1,
            Some(1),
            "`{{1}}` stands for a group",
        ),
    ] {
        let shown = host.put_broken_script(name, source).await?;
        let error = &shown["lastError"];
        let message = error["message"].as_str().context("a message")?;
        ensure!(message.contains(said), "{name}: {error}");
        assert_eq!(error["line"], json!(line), "{name}: {error}");
        if let Some(column) = column {
            assert_eq!(error["column"], json!(column), "{name}: {error}");
        }
        let excerpt = error["excerpt"].as_str().context("an excerpt")?;
        ensure!(excerpt.contains('^'), "{name}: {excerpt}");
    }
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_file_may_not_take_the_name_of_the_rules() -> Result<()> {
    let host = TestHost::start().await?;
    std::fs::write(host.script_path("rules"), "rule(\"x\").reply(\"a\");")?;
    let shown = warbler_tests::eventually("it is refused", || async {
        let all = host.api().get("/v1/extensions").await?.expect(200)?;
        let items = all.body["items"].as_array().cloned().unwrap_or_default();
        let files = items.into_iter().find(|one| one["kind"] == "script");
        Ok(files.filter(|one| !one["lastError"].is_null()))
    })
    .await?;
    assert_eq!(shown["lastError"]["code"], "name-taken");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn every_rule_of_the_guide_is_one() -> Result<()> {
    let host = TestHost::start().await?;
    let guide = warbler_tests::project_root()?.join("host/docs/rules.md");
    let guide = std::fs::read_to_string(guide)?;
    let blocks = guide.split("```rust\n").skip(1);
    let mut many = 0;
    for block in blocks {
        let rules = block.split("```").next().unwrap_or_default();
        host.put_script(&format!("guide-{many}"), rules).await?;
        many += 1;
    }
    ensure!(many >= 10, "{many} examples");
    host.stop().await;
    Ok(())
}
