//! Scripts that are broken, greedy or hostile: each ends in a named fault, and the rest runs on.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use warbler_app::fetch::{Fetcher, Outbound};
use warbler_domain::extension::Grants;

use crate::stage::{Stage, code, replies};

/// Nobody beside these scripts may notice them.
const NEIGHBOUR: &str = "fn on_message(message) { reply(\"still here\"); }";

async fn beside_a_neighbour(source: impl AsRef<[u8]>) -> Result<Stage> {
    let stage = Stage::start().await?;
    stage.put("scripts/neighbour.rhai", NEIGHBOUR)?;
    stage.put("scripts/hostile.rhai", source)?;
    stage.registry.rescan().await;
    Ok(stage)
}

#[tokio::test]
async fn whatever_a_script_does_in_a_call_has_a_name_and_harms_nobody() -> Result<()> {
    for (body, expected) in [
        ("loop { }", "script-operations"),
        ("while true { message.text.len(); }", "script-operations"),
        (
            "let f = |f, n| f.call(f, n + 1); f.call(f, 0);",
            "script-recursion",
        ),
        ("let s = \"x\"; loop { s += s; }", "script-memory"),
        ("let s = `x`; loop { s = `${s}${s}`; }", "script-memory"),
        ("let a = []; loop { a.push(\"x\"); }", "script-memory"),
        ("let a = [1]; loop { a = [a, a]; }", "script-memory"),
        (
            "let m = #{}; for i in 0..20_000 { m[`k${i}`] = i; } m.len();",
            "script-memory",
        ),
        ("let s = \"x\"; s.pad(1_000_000, \"y\");", "script-memory"),
        ("pad_left(\"x\", 1_000_000_000, \"y\");", "script-error"),
        (
            "join(range(0, 9_999).map(|n| \"0123456789\"), \"\");",
            "script-error",
        ),
        ("matches(message.text, `(\\w{50}){50}`);", "script-error"),
        (
            "matches(message.text, `((((((((((((((((((((((((((((((((((a))))))))))))))))))))))))))))))))))`);",
            "script-error",
        ),
        ("matches(message.text, `(unclosed`);", "script-error"),
        ("parse_json(`{\"a\":`);", "script-error"),
        ("parse_json(\"[\" * 1);", "script-error"),
        ("throw #{ code: 1 };", "script-error"),
        ("let x = 1 / 0;", "script-error"),
        ("let x = [1][5];", "script-error"),
        ("let x = 9_223_372_036_854_775_807 + 1;", "script-error"),
        ("kv_set(\"\", 1);", "script-error"),
        ("now(\"UTC\").add_days(9_000_000_000);", "script-error"),
        ("now(\"UTC\").format(\"%Q%\");", "script-error"),
        (
            "time_of(9_223_372_036_854_775_807, \"UTC\");",
            "script-error",
        ),
        ("http_get(\"https://example.com\");", "script-error"),
        ("http_get(\"file:///etc/passwd\");", "script-error"),
        ("history(5);", "script-error"),
        ("secret(\"token\");", "script-error"),
        ("send(\"+15550101\", \"x\");", "script-error"),
        ("loop { react(\"x\"); }", "too-many-actions"),
        ("loop { log(\"x\"); }", "log-limit"),
        ("exit();", ""),
    ] {
        let stage = beside_a_neighbour(format!("fn on_message(message) {{ {body} }}")).await?;
        let hook = stage.hook("hostile");
        let found = match hook {
            Ok(_) => {
                let outcome = stage
                    .says("hostile", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!")
                    .await?;
                code(&outcome).to_owned()
            }
            Err(_) => stage.fault("hostile")?.code,
        };
        assert_eq!(found, expected, "{body}");
        let outcome = stage.says("neighbour", "x").await?;
        assert_eq!(replies(&outcome), ["still here"], "{body}");
    }
    Ok(())
}

#[tokio::test]
async fn a_pattern_that_explodes_elsewhere_is_matched_at_once() -> Result<()> {
    let stage = beside_a_neighbour(
        "fn on_message(message) { let s = \"\"; s.pad(16_000, \"a\"); reply(matches(s, `^(a+)+$`)); \
         reply(matches(s + \"!\", `^(a|a)*$`)); reply(matches(s + \"!\", `(.*)(.*)(.*)(.*)(.*)x`)); }",
    )
    .await?;
    let outcome = stage.says("hostile", "x").await?;
    assert_eq!(outcome.fault, None);
    assert_eq!(replies(&outcome), ["true", "false", "false"]);
    Ok(())
}

#[tokio::test]
async fn a_server_that_never_answers_costs_a_script_its_request_and_the_others_nothing()
-> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let origin = format!("http://127.0.0.1:{port}");
    let grants = Grants {
        http: vec![origin.parse()?],
        ..Grants::default()
    };
    let fetcher = Fetcher::new(Outbound::try_from(vec!["127.0.0.1".to_owned()])?)?;
    let stage = Stage::start_with(|config| {
        config.fetcher = Some(fetcher);
        config.limits.effects.fetch_time = Duration::from_millis(600);
        config.default_grants = grants;
    })
    .await?;
    let waiting = "try { http_get(URL); reply(\"answered\"); } catch (error) { reply(error); }";
    let source = format!(
        "// http: {origin}\nconst URL = \"{origin}/\";\nfn on_message(message) {{ {waiting} {waiting} }}"
    );
    stage.put("scripts/hostile.rhai", source)?;
    stage.put(
        "scripts/neighbour.rhai",
        "fn on_message(message) { kv_set(\"a\", 1); reply(\"still here\"); }",
    )?;
    stage.registry.rescan().await;
    let began = Instant::now();
    let (slow, quick) = tokio::join!(stage.says("hostile", "x"), async {
        for _ in 0..20 {
            let outcome = stage.says("neighbour", "x").await?;
            assert_eq!(replies(&outcome), ["still here"]);
        }
        anyhow::Ok(began.elapsed())
    });
    let slow = slow?;
    assert_eq!(slow.fault, None);
    for said in replies(&slow) {
        assert!(said.starts_with("timeout"), "{said}");
    }
    assert_eq!(slow.cost.fetches, 2);
    // Twice the time of a request, which is not the script's own, went by for one of them only.
    let whole = began.elapsed();
    assert!(whole >= Duration::from_millis(1200), "{whole:?}");
    assert!(quick? < Duration::from_millis(1200));
    drop(listener);
    Ok(())
}

#[tokio::test]
async fn a_script_of_a_megabyte_is_too_large() -> Result<()> {
    let source = format!("fn on_message(message) {{}}\n{}", "// x\n".repeat(210_000));
    assert!(source.len() > 1_000_000);
    let stage = beside_a_neighbour(source).await?;
    assert_eq!(stage.fault("hostile")?.code, "too-large");
    assert_eq!(
        replies(&stage.says("neighbour", "x").await?),
        ["still here"]
    );
    // So are modules that are too large together.
    let stage = Stage::start().await?;
    stage.put("scripts/shop.rhai", "fn on_message(message) {}")?;
    for name in ["a", "b"] {
        stage.put(
            &format!("scripts/shop/{name}.rhai"),
            "// x\n".repeat(30_000),
        )?;
    }
    stage.registry.rescan().await;
    assert_eq!(stage.fault("shop")?.code, "too-large");
    Ok(())
}

#[tokio::test]
async fn a_script_that_is_no_text_is_a_fault() -> Result<()> {
    let stage = beside_a_neighbour([0xff, 0xfe, 0x00]).await?;
    assert_eq!(stage.fault("hostile")?.code, "script-syntax");
    Ok(())
}

#[tokio::test]
async fn a_file_that_is_replaced_while_it_runs_ends_as_it_began() -> Result<()> {
    let stage = Stage::start().await?;
    let long = |word: &str| {
        format!(
            "fn on_message(message) {{ let n = 0; while n < 30_000 {{ n += 1; }} kv_set(\"n\", n); reply(\"{word}\"); }}"
        )
    };
    stage.put("scripts/turns.rhai", long("old"))?;
    stage.registry.rescan().await;
    let hook = stage.hook("turns")?;
    let now = crate::stage::WEDNESDAY_MORNING;
    let call = stage.call(&*hook, stage.message("x")?, now)?;
    let running = tokio::spawn(async move { hook.handle(call).await });
    stage.put("scripts/turns.rhai", long("new"))?;
    stage.registry.rescan().await;
    assert_eq!(replies(&running.await?), ["old"]);
    assert_eq!(replies(&stage.says("turns", "x").await?), ["new"]);
    Ok(())
}

#[tokio::test]
async fn a_folder_that_is_removed_takes_its_scripts_along_and_gives_them_back() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put("scripts/a.rhai", NEIGHBOUR)?;
    stage.registry.rescan().await;
    stage.hook("a")?;
    std::fs::remove_dir_all(stage.path("scripts"))?;
    stage.registry.rescan().await;
    assert!(stage.hook("a").is_err());
    stage.put("scripts/a.rhai", NEIGHBOUR)?;
    stage.registry.rescan().await;
    let outcome = stage.says("a", "x").await.context("it is back")?;
    assert_eq!(replies(&outcome), ["still here"]);
    Ok(())
}
