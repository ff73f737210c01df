//! A version that fails on its first events makes room for the one before it.

use anyhow::{Context, Result};
use warbler_app::hook::Extensions;
use warbler_automation::NoticeKind;
use warbler_domain::extension::ExtensionState;

use crate::stage::{Stage, replies};

const GOOD: &str = "fn on_message(message) { reply(\"good\"); }";
const BAD: &str = "fn on_message(message) { throw \"bad\"; }";

/// Calls an extension as the pipeline does, five times.
async fn fails(stage: &Stage, name: &str) -> Result<()> {
    for _ in 0..5 {
        let outcome = stage.says(name, "hello").await?;
        if let Some(fault) = &outcome.fault {
            stage.registry.note_fault(&name.parse()?, fault);
        }
    }
    Ok(())
}

async fn good_then_bad() -> Result<Stage> {
    let stage = Stage::start().await?;
    stage.put("scripts/a.rhai", GOOD)?;
    stage.registry.rescan().await;
    stage.says("a", "hello").await?;
    stage.put("scripts/a.rhai", BAD)?;
    stage.registry.rescan().await;
    Ok(stage)
}

#[tokio::test]
async fn the_version_before_returns_and_the_fault_says_so() -> Result<()> {
    let mut stage = good_then_bad().await?;
    let good = stage.registry.statuses();
    let bad = good.first().and_then(|status| status.generation.clone());
    fails(&stage, "a").await?;
    let notice = loop {
        let notice = stage.notice().await?;
        if let NoticeKind::Returned { .. } = notice.what {
            break notice;
        }
    };
    assert!(notice.to_string().contains("a is back at"), "{notice}");
    let status = stage.status("a")?;
    assert_eq!(status.state, ExtensionState::LastGood);
    assert_ne!(status.generation, bad);
    assert_eq!(stage.fault("a")?.code, "failed-trial");
    assert_eq!(status.usage.quarantines, 1);
    assert_eq!(replies(&stage.says("a", "hello").await?), ["good"]);
    Ok(())
}

#[tokio::test]
async fn a_version_that_failed_is_not_tried_again_by_a_restart_but_a_changed_one_is() -> Result<()>
{
    let stage = good_then_bad().await?;
    fails(&stage, "a").await?;
    stage.registry.rescan().await;
    let stage = stage.restart().await?;
    assert_eq!(stage.fault("a")?.code, "failed-trial");
    assert_eq!(replies(&stage.says("a", "hello").await?), ["good"]);

    stage.put("scripts/a.rhai", GOOD.replace("good", "better"))?;
    stage.registry.rescan().await;
    assert_eq!(stage.status("a")?.state, ExtensionState::Active);
    assert_eq!(replies(&stage.says("a", "hello").await?), ["better"]);
    Ok(())
}

#[tokio::test]
async fn a_first_version_has_nothing_to_return_to() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put("scripts/a.rhai", BAD)?;
    stage.registry.rescan().await;
    fails(&stage, "a").await?;
    stage.registry.rescan().await;
    assert_eq!(stage.status("a")?.state, ExtensionState::Quarantined);
    Ok(())
}

#[tokio::test]
async fn a_version_that_has_proven_itself_stays_when_it_fails_later() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put("scripts/a.rhai", GOOD)?;
    stage.registry.rescan().await;
    stage.says("a", "hello").await?;
    let later = "fn on_message(message) { if message.text == \"hello\" { throw \"late\"; } }";
    stage.put("scripts/a.rhai", later)?;
    stage.registry.rescan().await;
    for _ in 0..50 {
        stage.says("a", "fine").await?;
    }
    fails(&stage, "a").await?;
    stage.registry.rescan().await;
    assert_eq!(stage.status("a")?.state, ExtensionState::Quarantined);
    Ok(())
}

#[tokio::test]
async fn two_versions_can_be_compared_without_anything_happening() -> Result<()> {
    let stage = good_then_bad().await?;
    let versions = stage.registry.versions(&"a".parse()?).await;
    let (before, after) = (
        versions.before.context("one before")?,
        versions.after.context("one after")?,
    );
    let usage = stage.status("a")?.usage;
    let event = stage.message("hello")?;
    let now = crate::stage::WEDNESDAY_MORNING;
    let outcome = before
        .handle(stage.call(&*before, event.clone(), now)?)
        .await;
    assert_eq!(replies(&outcome), ["good"]);
    let outcome = after.handle(stage.call(&*after, event, now)?).await;
    assert_eq!(
        outcome.fault.map(|fault| fault.code).as_deref(),
        Some("script-error")
    );
    assert_eq!(stage.status("a")?.usage, usage, "nobody counted it");

    // One that does not load is named; what runs is the older one then.
    stage.put("scripts/a.rhai", "fn on_message(")?;
    stage.registry.rescan().await;
    let versions = stage.registry.versions(&"a".parse()?).await;
    assert!(versions.before.is_some() && versions.after.is_none());
    let fault = versions.fault.context("why not")?;
    assert_eq!(fault.code, "script-syntax");
    Ok(())
}
