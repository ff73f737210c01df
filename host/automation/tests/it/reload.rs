//! Files that come, change, break and go while the host runs.

use anyhow::Result;
use warbler_app::hook::Extensions;
use warbler_automation::NoticeKind;
use warbler_domain::extension::ExtensionState;

use crate::stage::{Stage, replies};

fn answers(text: &str) -> String {
    format!("fn on_message(message) {{ reply(\"{text}\"); }}")
}

#[tokio::test]
async fn a_script_put_into_the_folder_answers_and_an_edit_changes_the_answer() -> Result<()> {
    let mut stage = Stage::start().await?;
    stage.put("scripts/hello.rhai", answers("one"))?;
    let notice = stage.notice().await?;
    assert_eq!(notice.to_string(), "hello loaded");
    assert_eq!(replies(&stage.says("hello", "x").await?), ["one"]);

    stage.put("scripts/hello.rhai", answers("two"))?;
    let notice = stage.notice().await?;
    assert_eq!(notice.to_string(), "hello reloaded");
    assert_eq!(replies(&stage.says("hello", "x").await?), ["two"]);
    Ok(())
}

#[tokio::test]
async fn a_plugins_manifest_is_part_of_its_generation() -> Result<()> {
    let mut stage = Stage::start().await?;
    stage.put_auto_reply()?;
    stage.registry.rescan().await;
    let before = stage.hook("auto-reply")?;
    while !matches!(stage.notice().await?.what, NoticeKind::Loaded(_)) {}

    stage.put(
        "plugins/auto-reply/plugin.toml",
        "component = \"auto-reply.wasm\"\n[[config.answers]]\nkeywords = [\"price\"]\nreply = \"Free today\"\n",
    )?;
    assert!(matches!(
        stage.notice().await?.what,
        NoticeKind::Reloaded(_)
    ));
    assert_eq!(
        replies(&stage.says("auto-reply", "price").await?),
        ["Free today"]
    );

    let event = stage.message("price")?;
    let call = stage.call(&*before, event, crate::stage::WEDNESDAY_MORNING)?;
    let outcome = before.handle(call).await;
    assert_eq!(
        replies(&outcome),
        ["Our prices start at $10"],
        "an event in flight ends on what it began with"
    );
    Ok(())
}

#[tokio::test]
async fn a_broken_save_keeps_the_old_answer_and_shows_why() -> Result<()> {
    let mut stage = Stage::start().await?;
    stage.put("scripts/hello.rhai", answers("one"))?;
    stage.notice().await?;

    stage.put(
        "scripts/hello.rhai",
        "fn on_message(message) {\n    reply(\n",
    )?;
    let notice = stage.notice().await?;
    assert!(
        matches!(
            notice.what,
            NoticeKind::Failed {
                running: Some(_),
                ..
            }
        ),
        "{notice}"
    );
    let status = stage.status("hello")?;
    assert_eq!(status.state, ExtensionState::LastGood);
    assert_eq!(stage.fault("hello")?.code, "script-syntax");
    assert_eq!(replies(&stage.says("hello", "x").await?), ["one"]);

    stage.put("scripts/hello.rhai", answers("one"))?;
    stage.notice().await?;
    let status = stage.status("hello")?;
    assert_eq!(
        (status.state, status.last_error),
        (ExtensionState::Active, None)
    );
    Ok(())
}

#[tokio::test]
async fn a_restart_with_a_broken_file_runs_the_last_good_version() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put("scripts/hello.rhai", answers("one"))?;
    stage.put_auto_reply()?;
    stage.registry.rescan().await;
    stage.registry.stop().await;
    stage.put("scripts/hello.rhai", "fn on_message(")?;
    stage.put("plugins/auto-reply/auto-reply.wasm", "cut off")?;

    let stage = stage.restart().await?;
    for name in ["hello", "auto-reply"] {
        assert_eq!(
            stage.status(name)?.state,
            ExtensionState::LastGood,
            "{name}"
        );
    }
    assert_eq!(stage.fault("hello")?.code, "script-syntax");
    assert_eq!(stage.fault("auto-reply")?.code, "not-a-component");
    assert_eq!(replies(&stage.says("hello", "x").await?), ["one"]);
    assert_eq!(
        replies(&stage.says("auto-reply", "price").await?),
        ["Our prices start at $10"]
    );
    Ok(())
}

#[tokio::test]
async fn a_deleted_file_leaves_the_chain_and_a_renamed_one_changes_its_name() -> Result<()> {
    let mut stage = Stage::start().await?;
    stage.put("scripts/hello.rhai", answers("one"))?;
    stage.notice().await?;

    std::fs::rename(
        stage.path("scripts/hello.rhai"),
        stage.path("scripts/welcome.rhai"),
    )?;
    let mut told = [
        stage.notice().await?.to_string(),
        stage.notice().await?.to_string(),
    ];
    told.sort();
    assert_eq!(told, ["hello removed", "welcome loaded"]);
    assert!(stage.hook("hello").is_err());
    assert_eq!(replies(&stage.says("welcome", "x").await?), ["one"]);

    std::fs::remove_file(stage.path("scripts/welcome.rhai"))?;
    assert_eq!(stage.notice().await?.to_string(), "welcome removed");
    assert_eq!(stage.registry.chain().len(), 0);
    assert_eq!(stage.registry.statuses(), []);
    Ok(())
}

#[tokio::test]
async fn the_same_bytes_are_not_loaded_again() -> Result<()> {
    let mut stage = Stage::start().await?;
    stage.put("scripts/hello.rhai", answers("one"))?;
    stage.notice().await?;
    let before = stage.hook("hello")?;

    stage.put("scripts/hello.rhai", answers("one"))?;
    stage.registry.rescan().await;
    stage.put("scripts/other.rhai", answers("two"))?;
    assert_eq!(
        stage.notice().await?.to_string(),
        "other loaded",
        "no notice about hello"
    );
    assert!(std::sync::Arc::ptr_eq(&before, &stage.hook("hello")?));
    Ok(())
}

#[tokio::test]
async fn a_name_belongs_to_one_extension() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put_auto_reply()?;
    stage.put("scripts/auto-reply.rhai", answers("one"))?;
    stage.put("scripts/bad name.rhai", answers("one"))?;
    stage.registry.rescan().await;

    let codes: Vec<String> = stage
        .registry
        .statuses()
        .into_iter()
        .filter_map(|status| status.last_error)
        .map(|fault| fault.code)
        .collect();
    assert_eq!(codes, ["name-taken", "name"]);
    assert_eq!(stage.registry.chain().len(), 1);

    std::fs::remove_dir_all(stage.path("plugins/auto-reply"))?;
    stage.registry.rescan().await;
    stage.registry.rescan().await;
    assert_eq!(
        replies(&stage.says("auto-reply", "x").await?),
        ["one"],
        "the name is free"
    );
    Ok(())
}

#[tokio::test]
async fn temporary_and_hidden_files_are_not_seen() -> Result<()> {
    let stage = Stage::start().await?;
    for name in [
        ".hello.rhai",
        "hello.rhai~",
        "hello.rhai.swp",
        "#hello.rhai#",
        "hello.txt",
    ] {
        std::fs::write(stage.path("scripts").join(name), answers("one"))?;
    }
    stage.registry.rescan().await;
    assert_eq!(stage.registry.statuses(), []);
    Ok(())
}

#[tokio::test]
async fn a_folder_that_appears_later_is_found() -> Result<()> {
    let mut stage = Stage::start().await?;
    std::fs::remove_dir(stage.path("scripts"))?;
    stage.registry.rescan().await;
    stage.put("scripts/hello.rhai", answers("one"))?;
    assert_eq!(stage.notice().await?.to_string(), "hello loaded");
    Ok(())
}
