//! What plugins can do.

use anyhow::Result;
use warbler_app::hook::Extensions;
use warbler_domain::extension::{ExtensionState, Grants, SendScope};
use warbler_domain::message::Direction;
use warbler_domain::{EventBody, Verdict};

use crate::stage::{Stage, WEDNESDAY_MORNING, code, replies, root};

#[tokio::test]
async fn the_shipped_plugin_answers_a_keyword() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put_auto_reply()?;
    stage.registry.rescan().await;

    let outcome = stage
        .says("auto-reply", "Hello, what is the price?")
        .await?;
    assert_eq!(replies(&outcome), ["Our prices start at $10"]);
    assert_eq!(
        outcome.verdict,
        Verdict::Stop,
        "its manifest says `stop = true`"
    );
    assert_eq!(outcome.fault, None);

    let outcome = stage.says("auto-reply", "priceless").await?;
    assert_eq!(outcome.verdict, Verdict::Next);
    assert_eq!(replies(&outcome), Vec::<&str>::new());
    Ok(())
}

#[tokio::test]
async fn two_answers_of_one_rule_come_in_order() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put_auto_reply()?;
    stage.registry.rescan().await;

    let outcome = stage.says("auto-reply", "DELIVERY?").await?;
    assert_eq!(
        replies(&outcome),
        [
            "Yes, we deliver.",
            "Orders before noon arrive the next day."
        ]
    );
    Ok(())
}

#[tokio::test]
async fn a_bare_component_loads_with_defaults_and_says_what_its_config_lacks() -> Result<()> {
    let stage = Stage::start().await?;
    let component = std::fs::read(root().join("plugins/auto-reply/auto-reply.wasm"))?;
    stage.put("plugins/bare.wasm", component)?;
    stage.registry.rescan().await;

    let status = stage.status("bare")?;
    assert_eq!(status.state, ExtensionState::Active);
    assert_eq!(status.order, 100);
    assert_eq!(status.events, ["message.received"]);
    let outcome = stage.says("bare", "price").await?;
    assert_eq!(replies(&outcome), Vec::<&str>::new());
    Ok(())
}

#[tokio::test]
async fn a_config_the_plugin_cannot_use_is_its_own_error() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put_auto_reply()?;
    stage.put(
        "plugins/auto-reply/plugin.toml",
        "component = \"auto-reply.wasm\"\n[config]\nanswer = []\n",
    )?;
    stage.registry.rescan().await;

    let outcome = stage.says("auto-reply", "price").await?;
    assert_eq!(code(&outcome), "guest-error");
    let fault = outcome.fault.unwrap_or_else(|| panic!("a fault"));
    assert!(
        fault.message.contains("unknown field `answer`"),
        "{}",
        fault.message
    );

    stage
        .registry
        .note_fault(&stage.status("auto-reply")?.name, &fault);
    assert_eq!(stage.fault("auto-reply")?.code, "guest-error");
    Ok(())
}

#[tokio::test]
async fn the_chain_is_in_order_and_then_by_name() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put_auto_reply()?;
    stage.put("scripts/b.rhai", "// order: 50\nfn on_message(message) {}")?;
    stage.put("scripts/a.rhai", "// order: 50\nfn on_message(message) {}")?;
    stage.put("scripts/last.rhai", "fn on_message(message) {}")?;
    stage.put(
        "scripts/first.rhai",
        "// order: -1\nfn on_message(message) {}",
    )?;
    stage.registry.rescan().await;

    let chain = stage.registry.chain();
    let names: Vec<&str> = chain.iter().map(|hook| hook.name().as_str()).collect();
    assert_eq!(names, ["first", "a", "auto-reply", "b", "last"]);
    Ok(())
}

#[tokio::test]
async fn own_messages_and_other_chats_do_not_pass_the_filter() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put(
        "scripts/groups.rhai",
        "// chats: group\n// events: message.*\nfn on_event(event) {}",
    )?;
    stage.put(
        "scripts/all.rhai",
        "// events: message.*\nfn on_event(event) {}",
    )?;
    stage.put(
        "scripts/price.rhai",
        "// text: Price, cost\nfn on_message(message) {}",
    )?;
    stage.put(
        "scripts/other.rhai",
        "// sessions: other\nfn on_message(message) { reply(\"no\"); }",
    )?;
    stage.registry.rescan().await;

    let theirs = stage.message("what does it COST?")?;
    let mut ours = theirs.clone();
    if let EventBody::Message { message } = &mut ours.body {
        message.direction = Direction::Outbound;
    }
    assert!(stage.hook("all")?.wants(&theirs));
    assert!(!stage.hook("all")?.wants(&ours));
    assert!(!stage.hook("groups")?.wants(&theirs));
    assert!(stage.hook("price")?.wants(&theirs));
    assert!(!stage.hook("price")?.wants(&stage.message("hello")?));
    let other = stage.hook("other")?;
    let outcome = other
        .handle(stage.call(&*other, theirs, WEDNESDAY_MORNING)?)
        .await;
    assert_eq!(replies(&outcome), Vec::<&str>::new());
    Ok(())
}

#[tokio::test]
async fn writing_to_anybody_needs_the_wish_and_the_grant() -> Result<()> {
    let send = "fn on_message(message) { send(\"+15550199\", \"hi\"); }";
    let stage = Stage::start_with(|config| {
        let granted = Grants {
            send: SendScope::Any,
            ..Grants::default()
        };
        config
            .grants
            .insert("asked_and_granted".parse().unwrap(), granted.clone().into());
        config
            .grants
            .insert("granted".parse().unwrap(), granted.into());
    })
    .await?;
    stage.put(
        "scripts/asked_and_granted.rhai",
        format!("// send: any\n{send}"),
    )?;
    stage.put("scripts/asked.rhai", format!("// send: any\n{send}"))?;
    stage.put("scripts/granted.rhai", send)?;
    stage.registry.rescan().await;

    let outcome = stage.says("asked_and_granted", "x").await?;
    assert_eq!(outcome.fault, None);
    assert_eq!(outcome.actions.len(), 1);
    for name in ["asked", "granted"] {
        let outcome = stage.says(name, "x").await?;
        assert_eq!(code(&outcome), "script-error", "{name}");
        assert_eq!(outcome.actions, [], "{name}");
        let message = outcome.fault.map(|fault| fault.message).unwrap_or_default();
        assert!(message.starts_with("not-granted: "), "{message}");
    }
    Ok(())
}

#[tokio::test]
async fn standard_output_is_the_plugins_log() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put_guest("print")?;
    stage.registry.rescan().await;

    let outcome = stage.says("print", "hello").await?;
    assert_eq!(outcome.fault, None);
    let lines: Vec<&str> = outcome
        .logs
        .iter()
        .map(|line| line.message.as_str())
        .collect();
    assert_eq!(lines, ["first line", "second"]);
    Ok(())
}

#[tokio::test]
async fn the_manifest_in_the_guide_is_one_without_warnings() -> Result<()> {
    let mut stage = Stage::start().await?;
    let component = std::fs::read(root().join("plugins/auto-reply/auto-reply.wasm"))?;
    stage.put("plugins/auto-reply/auto-reply.wasm", component)?;
    let guide = std::fs::read_to_string(root().join("host/docs/plugins.md"))?;
    let block = guide.split("```toml\n").nth(1).unwrap_or_default();
    let manifest = block.split("```").next().unwrap_or_default();
    stage.put("plugins/auto-reply/plugin.toml", manifest)?;
    stage.registry.rescan().await;

    let mut notice = stage.notice().await?;
    while notice.to_string() != "auto-reply loaded" && notice.to_string() != "auto-reply reloaded" {
        notice = stage.notice().await?;
    }
    assert_eq!(notice.warnings, Vec::<String>::new());
    assert_eq!(stage.status("auto-reply")?.order, 50);
    Ok(())
}

#[test]
fn every_fault_is_explained_in_a_guide() -> Result<()> {
    let source = std::fs::read_to_string(root().join("host/automation/src/fault.rs"))?;
    let mut guides = std::fs::read_to_string(root().join("host/docs/plugins.md"))?;
    for guide in ["host/docs/scripts.md", "host/docs/rules.md"] {
        guides.push_str(&std::fs::read_to_string(root().join(guide))?);
    }
    let codes: Vec<&str> = source
        .lines()
        .filter_map(|line| line.strip_prefix("//! | `")?.split('`').next())
        .collect();
    assert!(codes.len() > 20, "{codes:?}");
    for code in codes {
        assert!(guides.contains(&format!("`{code}`")), "{code}");
    }
    Ok(())
}

/// The text of a guest, with `from` changed `to`.
fn guest_with(name: &str, from: &str, to: &str) -> Result<String> {
    let text = std::fs::read_to_string(root().join(format!("tests/guests/{name}.wat")))?;
    anyhow::ensure!(text.contains(from), "{name} does not say {from}");
    Ok(text.replace(from, to))
}

#[tokio::test]
async fn a_plugin_built_for_an_older_or_a_slightly_newer_version_runs() -> Result<()> {
    let stage = Stage::start().await?;
    for (name, version) in [("older", "@0.1.0"), ("newer", "@0.1.9")] {
        let guest = guest_with("counter", "@0.1.0", version)?;
        stage.put(&format!("plugins/{name}.wasm"), guest)?;
        stage.registry.rescan().await;
        assert_eq!(replies(&stage.says(name, "x").await?), ["1"], "{version}");
    }
    Ok(())
}

#[tokio::test]
async fn a_refusal_to_link_says_what_is_wanted_and_which_versions_there_are() -> Result<()> {
    let stage = Stage::start().await?;
    for (from, to, said) in [
        (
            "plugin/kv@0.1.0",
            "plugin/kv@0.9.0",
            "version 0.9.0 of warbler:plugin/kv",
        ),
        (
            "plugin/kv@0.1.0",
            "plugin/teleport@0.1.1",
            "warbler:plugin/teleport@0.1.1",
        ),
        (
            "\"increment\" (func (param",
            "\"explode\" (func (param",
            "explode",
        ),
    ] {
        let mut guest = guest_with("counter", from, to)?;
        if said == "explode" {
            guest = guest.replace("(func $kv \"increment\")", "(func $kv \"explode\")");
        }
        stage.put("plugins/guest.wasm", guest)?;
        stage.registry.rescan().await;
        let fault = stage.fault("guest")?;
        assert_eq!(fault.code, "unknown-import", "{to}: {}", fault.message);
        assert!(fault.message.contains(said), "{}", fault.message);
        assert!(fault.message.contains("0.1.1"), "{}", fault.message);
    }
    Ok(())
}
