//! Instances that are kept between calls.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use warbler_app::hook::HookOutcome;
use warbler_automation::RegistryConfig;
use warbler_domain::extension::OperatorGrants;
use warbler_domain::{Clock, ManualClock, Random, SessionId};

use crate::stage::{Stage, WEDNESDAY_MORNING, code, replies};

const ASKING: &str = "[capabilities]\nwarm = true\n";

fn granting(config: &mut RegistryConfig) {
    let warm = OperatorGrants {
        warm: Some(true),
        ..OperatorGrants::default()
    };
    config
        .grants
        .extend("warm".parse().map(|name| (name, warm)));
}

async fn granted(clock: Option<Arc<dyn Clock>>) -> Result<Stage> {
    let stage = Stage::start_with(|config| {
        granting(config);
        if let Some(clock) = clock {
            config.clock = clock;
        }
    });
    let stage = stage.await?;
    stage.put_guest_with("warm", ASKING)?;
    stage.registry.rescan().await;
    Ok(stage)
}

/// Calls it for another session.
async fn says_in(stage: &Stage, session: SessionId, text: &str) -> Result<HookOutcome> {
    let hook = stage.hook("warm")?;
    let mut event = stage.message(text)?;
    event.session = session;
    Ok(hook
        .handle(stage.call(&*hook, event, WEDNESDAY_MORNING)?)
        .await)
}

#[tokio::test]
async fn an_instance_is_kept_for_its_session_and_for_no_other() -> Result<()> {
    let stage = granted(None).await?;
    for count in ["1", "2", "3"] {
        assert_eq!(replies(&stage.says("warm", "hello").await?), [count]);
    }
    let other = SessionId::new(WEDNESDAY_MORNING, &Random::seeded(99));
    assert_eq!(replies(&says_in(&stage, other, "hello").await?), ["1"]);
    assert_eq!(replies(&stage.says("warm", "hello").await?), ["4"]);
    assert_eq!(stage.status("warm")?.usage.warm, 2);
    assert_eq!(stage.status("warm")?.usage.succeeded, 5);
    Ok(())
}

#[tokio::test]
async fn without_the_grant_every_call_has_a_fresh_instance() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put_guest_with("warm", ASKING)?;
    stage.registry.rescan().await;
    assert!(stage.status("warm")?.withheld.warm);
    for _ in 0..2 {
        assert_eq!(replies(&stage.says("warm", "hello").await?), ["1"]);
    }
    Ok(())
}

#[tokio::test]
async fn an_instance_that_failed_is_not_used_again() -> Result<()> {
    let stage = granted(None).await?;
    stage.says("warm", "hello").await?;
    assert_eq!(code(&stage.says("warm", "x").await?), "trap");
    assert_eq!(replies(&stage.says("warm", "hello").await?), ["1"]);
    Ok(())
}

#[tokio::test]
async fn a_new_version_begins_with_new_instances() -> Result<()> {
    let stage = granted(None).await?;
    stage.says("warm", "hello").await?;
    stage.put("plugins/warm/plugin.toml", format!("order = 7\n{ASKING}"))?;
    stage.registry.rescan().await;
    assert_eq!(replies(&stage.says("warm", "hello").await?), ["1"]);
    assert_eq!(stage.status("warm")?.usage.reloads, 1);
    Ok(())
}

#[tokio::test]
async fn an_instance_that_nobody_calls_is_dropped() -> Result<()> {
    let clock = Arc::new(ManualClock::new(WEDNESDAY_MORNING));
    let stage = granted(Some(Arc::clone(&clock) as Arc<dyn Clock>)).await?;
    stage.says("warm", "hello").await?;
    clock.advance(Duration::from_secs(59));
    stage.registry.rescan().await;
    assert_eq!(stage.status("warm")?.usage.warm, 1);
    clock.advance(Duration::from_secs(1));
    stage.registry.rescan().await;
    assert_eq!(stage.status("warm")?.usage.warm, 0);
    assert_eq!(replies(&stage.says("warm", "hello").await?), ["1"]);
    Ok(())
}

#[tokio::test]
async fn kept_instances_are_bounded_in_number_and_in_calls() -> Result<()> {
    let stage = Stage::start_with(|config| {
        granting(config);
        config.limits.plugin.warm.of_one = 2;
        config.limits.plugin.warm.calls = 3;
    })
    .await?;
    stage.put_guest_with("warm", ASKING)?;
    stage.registry.rescan().await;
    for count in ["1", "2", "3", "1"] {
        assert_eq!(replies(&stage.says("warm", "hello").await?), [count]);
    }
    let random = Random::seeded(5);
    for _ in 0..4 {
        let session = SessionId::new(WEDNESDAY_MORNING, &random);
        says_in(&stage, session, "hello").await?;
    }
    assert_eq!(stage.status("warm")?.usage.warm, 2);
    Ok(())
}

#[tokio::test]
async fn what_is_not_kept_at_all_is_still_answered() -> Result<()> {
    let stage = Stage::start_with(|config| {
        granting(config);
        config.limits.plugin.warm.of_all = 0;
    })
    .await?;
    stage.put_guest_with("warm", ASKING)?;
    stage.registry.rescan().await;
    for _ in 0..2 {
        assert_eq!(replies(&stage.says("warm", "hello").await?), ["1"]);
    }
    Ok(())
}
