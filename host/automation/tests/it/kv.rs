//! The key-value space of an extension.

use anyhow::Result;
use warbler_domain::{Random, SessionId};

use crate::stage::{Stage, WEDNESDAY_MORNING, code, replies};

#[tokio::test]
async fn a_plugins_count_survives_its_instance() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put_guest("counter")?;
    stage.registry.rescan().await;

    for count in ["1", "2", "3"] {
        let outcome = stage.says_and_keeps("counter", "hello").await?;
        assert_eq!(replies(&outcome), [count]);
    }
    let outcome = stage.says("counter", "hello").await?;
    assert_eq!(replies(&outcome), ["4"]);
    let outcome = stage.says("counter", "hello").await?;
    assert_eq!(
        replies(&outcome),
        ["4"],
        "what was not committed is not seen"
    );
    Ok(())
}

#[tokio::test]
async fn a_script_reads_what_it_wrote_in_this_call_and_before() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put(
        "scripts/memory.rhai",
        r#"
fn on_message(message) {
    let before = kv_get("last");
    kv_set("last", message.text);
    let count = kv_increment("count");
    kv_set("gone", 1);
    kv_delete("gone");
    reply(`${count}: ${before} -> ${kv_get("last")}, ${kv_get("gone")}`);
}"#,
    )?;
    stage.registry.rescan().await;

    let outcome = stage.says_and_keeps("memory", "a").await?;
    assert_eq!(replies(&outcome), ["1:  -> a, "]);
    let outcome = stage.says_and_keeps("memory", "b").await?;
    assert_eq!(replies(&outcome), ["2: a -> b, "]);
    Ok(())
}

#[tokio::test]
async fn a_key_value_space_has_limits() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put(
        "scripts/greedy.rhai",
        "fn on_message(message) { for i in 0..100 { kv_set(`key${i}`, i); } }",
    )?;
    stage.put(
        "scripts/long.rhai",
        "fn on_message(message) { kv_get(\"\"); }",
    )?;
    stage.registry.rescan().await;

    for (name, refusal) in [("greedy", "too-many-writes: "), ("long", "bad-key: ")] {
        let outcome = stage.says(name, "x").await?;
        assert_eq!(code(&outcome), "script-error");
        assert_eq!(outcome.kv_writes, []);
        let message = outcome.fault.map(|fault| fault.message).unwrap_or_default();
        assert!(message.starts_with(refusal), "{message}");
    }
    Ok(())
}

#[tokio::test]
async fn a_space_for_each_session_shows_none_of_them_anothers() -> Result<()> {
    let mut stage = Stage::start().await?;
    stage.put_guest_with("counter", "kv = \"session\"\n")?;
    let source =
        "// kv: session\nfn on_message(message) { kv_set(\"a\", 1); reply(kv_keys(\"\").len()); }";
    stage.put("scripts/keys.rhai", source)?;
    stage.registry.rescan().await;
    let shop = stage.session;
    for count in ["1", "2"] {
        assert_eq!(
            replies(&stage.says_and_keeps("counter", "x").await?),
            [count]
        );
    }
    stage.says_and_keeps("keys", "x").await?;
    stage.session = SessionId::new(WEDNESDAY_MORNING, &Random::seeded(42));
    assert_eq!(replies(&stage.says_and_keeps("counter", "x").await?), ["1"]);
    assert_eq!(replies(&stage.says_and_keeps("keys", "x").await?), ["1"]);
    stage.session = shop;
    assert_eq!(replies(&stage.says_and_keeps("counter", "x").await?), ["3"]);

    stage
        .store
        .write(move |tx| tx.sessions_mut().delete(shop))
        .await?;
    assert_eq!(
        replies(&stage.says_and_keeps("counter", "x").await?),
        ["1"],
        "it goes with its session"
    );
    Ok(())
}
