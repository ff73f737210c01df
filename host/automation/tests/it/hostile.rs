//! Plugins that are broken or mean harm: each is named, and harms nobody.

use anyhow::Result;
use warbler_app::hook::Extensions as _;
use warbler_automation::Limits;
use warbler_domain::extension::ExtensionState;

use crate::stage::{Stage, code, replies};

/// The fault of a call of this guest; the shipped plugin must answer before and after.
async fn call(guest: &str) -> Result<(String, String)> {
    call_on(Stage::start().await?, guest).await
}

async fn call_on(stage: Stage, guest: &str) -> Result<(String, String)> {
    stage.put_auto_reply()?;
    stage.put_guest(guest)?;
    stage.registry.rescan().await;

    let outcome = stage.says(guest, "hello").await?;
    assert_eq!(outcome.actions, [], "{guest}");
    assert_eq!(outcome.kv_writes, [], "{guest}");
    let answer = stage.says("auto-reply", "what is the price?").await?;
    assert_eq!(replies(&answer), ["Our prices start at $10"], "{guest}");
    let code = code(&outcome).to_owned();
    Ok((
        code,
        outcome.fault.map(|fault| fault.message).unwrap_or_default(),
    ))
}

/// The fault of loading this guest; the shipped plugin must be there all the same.
async fn load(guest: &str) -> Result<(String, String)> {
    let stage = Stage::start().await?;
    stage.put_auto_reply()?;
    stage.put_guest(guest)?;
    stage.registry.rescan().await;

    let status = stage.status(guest)?;
    assert_eq!(status.state, ExtensionState::Broken, "{guest}");
    assert!(stage.hook(guest).is_err(), "{guest}");
    let answer = stage.says("auto-reply", "what is the price?").await?;
    assert_eq!(replies(&answer), ["Our prices start at $10"], "{guest}");
    let fault = stage.fault(guest)?;
    Ok((fault.code, fault.message))
}

#[tokio::test]
async fn a_guest_that_computes_for_ever_is_stopped() -> Result<()> {
    assert_eq!(call("spin").await?.0, "cpu");
    Ok(())
}

#[tokio::test]
async fn a_guest_that_waits_for_ever_is_stopped() -> Result<()> {
    let wall = Limits::default().plugin.wall;
    let stage = Stage::start_with(|config| config.limits.plugin.wall = wall).await?;
    assert_eq!(call_on(stage, "sleep").await?.0, "deadline");
    Ok(())
}

#[tokio::test]
async fn a_guest_that_takes_all_memory_is_stopped() -> Result<()> {
    let (code, message) = call("memory").await?;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("memory", "more than 32 MiB of memory")
    );
    Ok(())
}

#[tokio::test]
async fn a_guest_that_grows_a_table_is_stopped() -> Result<()> {
    assert_eq!(call("table").await?.0, "memory");
    Ok(())
}

#[tokio::test]
async fn a_crash_names_the_functions_that_were_running() -> Result<()> {
    let (code, message) = call("trap").await?;
    assert_eq!(code, "trap");
    assert!(message.contains("unreachable"), "{message}");
    assert!(message.contains("crash < "), "{message}");
    Ok(())
}

#[tokio::test]
async fn a_guest_without_end_of_recursion_is_stopped() -> Result<()> {
    let (code, message) = call("recursion").await?;
    assert_eq!(code, "trap");
    assert!(message.contains("stack"), "{message}");
    Ok(())
}

#[tokio::test]
async fn a_flood_of_actions_ends_the_call_and_none_happens() -> Result<()> {
    assert_eq!(call("flood").await?.0, "too-many-actions");
    Ok(())
}

#[tokio::test]
async fn a_flood_of_log_lines_ends_the_call_and_is_kept_up_to_the_limit() -> Result<()> {
    assert_eq!(call("chatty").await?.0, "log-limit");

    let stage = Stage::start().await?;
    stage.put_guest("chatty")?;
    stage.registry.rescan().await;
    assert_eq!(stage.says("chatty", "hello").await?.logs.len(), 100);
    Ok(())
}

#[tokio::test]
async fn a_guests_own_error_is_shown() -> Result<()> {
    let (code, message) = call("error").await?;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("guest-error", "the shop is closed for good")
    );
    Ok(())
}

#[tokio::test]
async fn what_is_no_component_is_not_loaded() -> Result<()> {
    assert_eq!(load("garbage").await?.0, "not-a-component");
    let (code, message) = load("core-module").await?;
    assert_eq!(code, "not-a-component");
    assert!(message.contains("core"), "{message}");
    Ok(())
}

#[tokio::test]
async fn a_component_without_the_export_is_told_which_one() -> Result<()> {
    let (code, message) = load("no-export").await?;
    assert_eq!(code, "missing-export");
    assert!(
        message.contains("warbler:plugin/event-handler"),
        "{message}"
    );
    assert!(message.contains("0.1.0"), "{message}");

    let (code, message) = load("old-export").await?;
    assert_eq!(code, "missing-export");
    assert!(message.contains("9.0.0"), "{message}");
    Ok(())
}

#[tokio::test]
async fn a_component_that_wants_too_much_is_told_what() -> Result<()> {
    let (code, message) = load("unknown-import").await?;
    assert_eq!(code, "unknown-import");
    assert!(message.contains("acme:bank/transfers"), "{message}");
    Ok(())
}

#[tokio::test]
async fn a_component_that_starts_too_large_is_not_loaded() -> Result<()> {
    let (code, message) = load("huge").await?;
    assert_eq!(code, "memory", "{message}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_are_answered_while_a_guest_computes() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put_auto_reply()?;
    stage.put_guest("spin")?;
    stage.registry.rescan().await;

    let (spinning, answer) = tokio::join!(
        spin_four_times(&stage),
        stage.says("auto-reply", "what is the price?"),
    );
    assert_eq!(spinning?, ["cpu"; 4]);
    assert_eq!(replies(&answer?), ["Our prices start at $10"]);
    Ok(())
}

async fn spin_four_times(stage: &Stage) -> Result<Vec<String>> {
    let (a, b, c, d) = tokio::join!(
        stage.says("spin", "a"),
        stage.says("spin", "b"),
        stage.says("spin", "c"),
        stage.says("spin", "d"),
    );
    [a, b, c, d]
        .into_iter()
        .map(|outcome| Ok(code(&outcome?).to_owned()))
        .collect()
}

#[tokio::test]
async fn a_guest_that_hands_over_too_much_at_once_is_stopped() -> Result<()> {
    let (code, message) = call("bulk").await?;
    assert_eq!(code, "host-memory", "{message}");
    Ok(())
}

#[tokio::test]
async fn a_guest_that_waits_in_drips_is_stopped() -> Result<()> {
    let wall = Limits::default().plugin.wall;
    let stage = Stage::start_with(|config| config.limits.plugin.wall = wall).await?;
    // Waiting is not computing, however often it is done.
    assert_eq!(call_on(stage, "drip").await?.0, "deadline");
    Ok(())
}

#[tokio::test]
async fn a_guest_that_keeps_the_host_busy_is_stopped() -> Result<()> {
    let wall = Limits::default().plugin.wall;
    let stage = Stage::start_with(|config| config.limits.plugin.wall = wall).await?;
    let code = call_on(stage, "host-flood").await?.0;
    assert!(["deadline", "cpu"].contains(&code.as_str()), "{code}");
    Ok(())
}

#[tokio::test]
async fn a_guest_that_hoards_handles_is_stopped() -> Result<()> {
    let (code, message) = call("handles").await?;
    assert_eq!(code, "host-memory", "{message}");
    Ok(())
}

#[tokio::test]
async fn a_flood_of_requests_ends_the_call_before_one_is_made() -> Result<()> {
    assert_eq!(call("fetch-flood").await?.0, "too-many-fetches");
    Ok(())
}

#[tokio::test]
async fn a_component_that_was_cut_off_is_not_loaded() -> Result<()> {
    let stage = Stage::start().await?;
    let whole = std::fs::read(crate::stage::root().join("plugins/auto-reply/auto-reply.wasm"))?;
    for share in [1, 2, 3] {
        let cut = whole.get(..whole.len() * share / 4).unwrap_or_default();
        stage.put("plugins/cut.wasm", cut)?;
        stage.registry.rescan().await;
        assert_eq!(stage.fault("cut")?.code, "not-a-component", "{share}/4");
    }
    Ok(())
}

#[tokio::test]
async fn a_manifest_cannot_name_a_file_elsewhere() -> Result<()> {
    let stage = Stage::start().await?;
    for name in ["../secret.wasm", "/etc/passwd", "..", ".hidden", "a\\\\b"] {
        stage.put("plugins/x/plugin.toml", format!("component = \"{name}\"\n"))?;
        stage.registry.rescan().await;
        assert_eq!(stage.fault("x")?.code, "manifest", "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn a_component_of_ten_thousand_functions_loads_and_answers() -> Result<()> {
    let stage = Stage::start().await?;
    let guest = std::fs::read_to_string(crate::stage::root().join("tests/guests/error.wat"))?;
    let functions =
        "(func (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))".repeat(10_000);
    let many = guest.replacen(
        "(import \"libc\" \"memory\" (memory 1))",
        &format!("(import \"libc\" \"memory\" (memory 1)) {functions}"),
        1,
    );
    assert!(many.len() > 500_000, "{}", many.len());
    stage.put("plugins/many.wasm", many)?;
    stage.registry.rescan().await;
    assert_eq!(code(&stage.says("many", "hello").await?), "guest-error");
    Ok(())
}

#[tokio::test]
async fn calls_beyond_the_queue_of_a_plugin_are_refused_by_name() -> Result<()> {
    let stage = Stage::start_with(|config| {
        config.limits.plugin.concurrent_of_one = 1;
        config.limits.plugin.waiting = 1;
    })
    .await?;
    stage.put_guest("spin")?;
    stage.registry.rescan().await;
    let (a, b, c) = tokio::join!(
        stage.says("spin", "a"),
        stage.says("spin", "b"),
        stage.says("spin", "c"),
    );
    let codes = [
        code(&a?).to_owned(),
        code(&b?).to_owned(),
        code(&c?).to_owned(),
    ];
    assert_eq!(codes, ["cpu", "cpu", "busy"]);
    Ok(())
}

#[tokio::test]
async fn what_passes_to_the_host_in_many_calls_is_counted_together() -> Result<()> {
    let (code, message) = call("hoard").await?;
    assert_eq!(
        (code.as_str(), message.as_str()),
        (
            "host-memory",
            "more than 8 MiB passed between the plugin and the host"
        )
    );
    Ok(())
}

#[tokio::test]
async fn a_component_that_crashes_while_it_starts_is_not_loaded() -> Result<()> {
    let (code, message) = load("trap-in-init").await?;
    assert_eq!(code, "trap", "{message}");
    assert!(message.contains("unreachable"), "{message}");
    Ok(())
}

#[tokio::test]
async fn a_malformed_component_is_not_loaded_wherever_it_is_broken() -> Result<()> {
    let stage = Stage::start().await?;
    let mut bytes = std::fs::read(crate::stage::root().join("plugins/auto-reply/auto-reply.wasm"))?;
    let length = bytes.len();
    for at in [9, length / 3, length / 2] {
        for byte in bytes.iter_mut().skip(at).take(64) {
            *byte ^= 0xa5;
        }
        stage.put("plugins/bent.wasm", &bytes)?;
        stage.registry.rescan().await;
        let status = stage.status("bent")?;
        assert_eq!(status.state, ExtensionState::Broken, "{at}");
        let code = stage.fault("bent")?.code;
        let named = [
            "not-a-component",
            "missing-export",
            "unknown-import",
            "trap",
        ];
        assert!(named.contains(&code.as_str()), "{at}: {code}");
    }
    Ok(())
}

#[tokio::test]
async fn a_name_with_dots_and_slashes_is_no_name() -> Result<()> {
    let stage = Stage::start().await?;
    for name in ["..hidden", "a b", "-x"] {
        stage.put(&format!("plugins/{name}/plugin.toml"), "")?;
    }
    assert!("../x".parse::<warbler_domain::ExtensionName>().is_err());
    stage.registry.rescan().await;
    let faults = stage.registry.statuses();
    let codes: Vec<_> = faults
        .iter()
        .filter_map(|status| status.last_error.as_ref())
        .map(|fault| fault.code.as_str())
        .collect();
    // What begins with a dot is hidden.
    assert_eq!(codes, ["name", "name"], "{faults:?}");
    Ok(())
}

/// Counts, not times: the machine that runs this may be slow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_of_the_others_is_answered_while_a_guest_spins_on_each() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put_auto_reply()?;
    stage.put_guest("spin")?;
    stage.registry.rescan().await;

    let mut answered = 0;
    for round in 0..8 {
        let question = format!("what is the price? {round}");
        let (spun, answer, again) = tokio::join!(
            stage.says("spin", &question),
            stage.says("auto-reply", &question),
            stage.says("auto-reply", &question),
        );
        assert_eq!(code(&spun?), "cpu");
        for outcome in [answer?, again?] {
            assert_eq!(replies(&outcome), ["Our prices start at $10"]);
            assert_eq!(
                outcome.cost.queue.as_secs(),
                0,
                "it did not wait for a turn"
            );
            answered += 1;
        }
    }
    assert_eq!(answered, 16);
    Ok(())
}
