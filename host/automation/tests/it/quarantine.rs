//! An extension that fails again and again is left out for a while, and then tried again.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use warbler_app::hook::Extensions;
use warbler_domain::extension::ExtensionState;
use warbler_domain::{Clock, ManualClock};

use crate::stage::{Stage, WEDNESDAY_MORNING, replies};

/// Calls an extension as the pipeline does.
async fn fails(stage: &Stage, name: &str) -> Result<()> {
    let outcome = stage.says(name, "hello").await?;
    if let Some(fault) = &outcome.fault {
        stage.registry.note_fault(&name.parse()?, fault);
    }
    Ok(())
}

#[tokio::test]
async fn a_plugin_that_crashes_five_times_is_left_out_until_its_pause_is_over() -> Result<()> {
    let clock = Arc::new(ManualClock::new(WEDNESDAY_MORNING));
    let of = Arc::clone(&clock) as Arc<dyn Clock>;
    let stage = Stage::start_with(|config| config.clock = of).await?;
    stage.put_guest("trap")?;
    stage.put_auto_reply()?;
    stage.registry.rescan().await;

    for _ in 0..5 {
        assert!(stage.hook("trap")?.wants(&stage.message("hello")?));
        fails(&stage, "trap").await?;
    }
    assert!(
        !stage.hook("trap")?.wants(&stage.message("hello")?),
        "events flow past it"
    );
    let status = stage.status("trap")?;
    assert_eq!(status.state, ExtensionState::Quarantined);
    let until = WEDNESDAY_MORNING.plus(Duration::from_secs(30));
    assert_eq!(status.quarantined_until, Some(until));
    assert_eq!(
        status.last_error.map(|fault| fault.code),
        Some("trap".to_owned())
    );
    let answer = stage.says("auto-reply", "what is the price?").await?;
    assert_eq!(
        replies(&answer),
        ["Our prices start at $10"],
        "others are not concerned"
    );

    clock.advance(Duration::from_secs(30));
    assert_eq!(stage.status("trap")?.state, ExtensionState::Active);
    fails(&stage, "trap").await?;
    let until = clock.now().plus(Duration::from_secs(60));
    assert_eq!(
        stage.status("trap")?.quarantined_until,
        Some(until),
        "twice as long"
    );
    Ok(())
}

#[tokio::test]
async fn a_new_version_begins_anew() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put("scripts/a.rhai", "fn on_message(message) { throw \"no\"; }")?;
    stage.registry.rescan().await;
    for _ in 0..5 {
        fails(&stage, "a").await?;
    }
    assert_eq!(stage.status("a")?.state, ExtensionState::Quarantined);

    stage.put(
        "scripts/a.rhai",
        "fn on_message(message) { reply(\"yes\"); }",
    )?;
    stage.registry.rescan().await;
    assert_eq!(stage.status("a")?.state, ExtensionState::Active);
    assert_eq!(replies(&stage.says("a", "hello").await?), ["yes"]);
    Ok(())
}
