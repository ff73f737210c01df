//! Whatever goes wrong in a script is told with its file, its line, and what to do about it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use warbler_automation::Limits;
use warbler_domain::extension::{ExtensionFault, Grants};

use crate::stage::Stage;

/// A fault that is expected: its code, its line, and a part of what is said.
type Expected = (&'static str, u32, &'static str);

/// Whether a fault is told as it has to be.
fn check(fault: &ExtensionFault, (code, line, said): Expected, of: &str) -> Result<()> {
    let told = format!("{of}: {fault:?}");
    ensure!(fault.code == code, "{told}");
    ensure!(fault.line == Some(line), "{told}");
    ensure!(fault.message.contains(said), "{told}");
    let file = fault.file.as_deref().unwrap_or_default();
    ensure!(file.ends_with("under_test.rhai"), "{told}");
    let excerpt = fault.excerpt.as_deref().unwrap_or_default();
    ensure!(!excerpt.trim().is_empty(), "{told}");
    Ok(())
}

async fn fault_of(stage: &Stage, source: &str) -> Result<ExtensionFault> {
    stage.put("scripts/under_test.rhai", source)?;
    stage.registry.rescan().await;
    if let Some(fault) = stage.status("under_test")?.last_error {
        return Ok(fault);
    }
    let outcome = stage.says("under_test", "hello").await?;
    ensure!(outcome.actions.is_empty(), "{source}");
    outcome.fault.with_context(|| source.to_owned())
}

#[tokio::test]
async fn a_limit_says_in_which_line_it_ended_a_call() -> Result<()> {
    let stage = Stage::start().await?;
    // Each stands in line 4, within a function that the handler calls.
    for (body, code, said) in [
        (
            "loop { }",
            "script-operations",
            "more than 200000 operations",
        ),
        (
            "let a = [1]; loop { a[0]; }",
            "script-operations",
            "a loop that does not end",
        ),
        ("deeper(n + 1);", "script-recursion", "more than 32 deep"),
        (
            "let f = |f, n| f.call(f, n); f.call(f, 0);",
            "script-recursion",
            "A loop does the same",
        ),
        (
            "let s = \"x\"; loop { s += s; }",
            "script-memory",
            "a text is longer than 65536 bytes",
        ),
        (
            "let s = `x`; loop { s = `${s}${s}`; }",
            "script-memory",
            "send it in parts",
        ),
        (
            "let s = \"x\"; s.pad(1_000_000, \"y\");",
            "script-memory",
            "a text is longer",
        ),
        (
            "let a = []; loop { a.push(1); }",
            "script-memory",
            "more than 10000 elements",
        ),
        (
            "let m = #{}; for i in 0..20_000 { m[`k${i}`] = i; } m.len();",
            "script-memory",
            "more than 10000 entries",
        ),
        (
            "loop { react(\"x\"); }",
            "too-many-actions",
            "leave the rest to a timer",
        ),
        (
            "loop { try { react(\"x\"); } catch { } }",
            "too-many-actions",
            "more than 32 actions",
        ),
        ("loop { log(\"x\"); }", "log-limit", "behind the loop"),
        (
            "for i in 0..200 { print(i); }",
            "log-limit",
            "more than 100 log lines",
        ),
        (
            "for i in 0..200 { [i].map(|n| debug(n)); }",
            "log-limit",
            "more than 100 log lines",
        ),
        (
            "loop { kv_set(\"a\", 1); react(\"x\"); }",
            "too-many-actions",
            "more than 32 actions",
        ),
    ] {
        let source = format!(
            "// a comment\nfn on_message(message) {{\n    deeper(0); }}\nfn deeper(n) {{ {body} }}\n"
        );
        let fault = fault_of(&stage, &source).await?;
        check(&fault, (code, 4, said), body)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_script_that_takes_too_long_says_where() -> Result<()> {
    let stage = Stage::start_with(|config| {
        config.limits.script.wall = Limits::default().script.wall;
        config.limits.script.operations = 0;
    })
    .await?;
    let source = "fn on_message(message) {\n    let n = 0;\n    loop { n += 1; }\n}";
    let fault = fault_of(&stage, source).await?;
    check(&fault, ("script-deadline", 3, "longer than 100 ms"), source)
}

#[tokio::test]
async fn a_limit_in_a_module_says_in_which_line_of_it() -> Result<()> {
    let stage = Stage::start().await?;
    let module = "fn quiet() {}\n\nfn endless() {\n    loop { }\n}\n";
    stage.put("scripts/under_test/words.rhai", module)?;
    let source = "import \"words\" as words;\nfn on_message(message) { words::endless(); }";
    let fault = fault_of(&stage, source).await?;
    assert_eq!(fault.code, "script-operations");
    assert_eq!(fault.line, Some(4), "{fault:?}");
    let file = fault.file.unwrap_or_default();
    assert!(file.ends_with("words.rhai"), "{file}");
    Ok(())
}

#[tokio::test]
async fn what_the_host_refuses_says_in_which_line_and_what_to_do() -> Result<()> {
    let stage = Stage::start().await?;
    let grant = "warbler extensions grant under_test";
    for (line, said) in [
        (
            "http_get(\"https://api.example.com/x\");",
            "`// http: https://api.example.com` at the top of the script",
        ),
        ("http_get(\"https://api.example.com/x\");", grant),
        ("http_post(\"file:///etc/passwd\", \"x\");", "bad-url"),
        (
            "http(\"NO WAY\", \"https://api.example.com\", (), #{});",
            "not-granted",
        ),
        ("secret(\"token\");", "`// secrets: token`"),
        ("send(\"+15550101\", \"x\");", "`// send: any`"),
        ("history(5);", "`// history: chat`"),
        (
            "send_media(\"image\", \"https://example.com/a\", #{ to: \"+15550101\" });",
            grant,
        ),
        ("reply(\"\");", "a message needs a text"),
        (
            "send_media(\"image\", \"nowhere\");",
            "an http or https URL",
        ),
        ("kv_set(\"\", 1);", "bad-key"),
        ("kv_set(\"a\", \"x\"); kv_increment(\"a\");", "not-a-number"),
        ("set_timer(\"later\", -5);", "1 to"),
        (
            "config(\"colour\");",
            "write `// config.colour: value` at the top",
        ),
        ("now(\"Mars/Olympus\");", "Mars/Olympus"),
        ("matches(message.text, `(unclosed`);", "unclosed"),
        ("parse_json(\"{\");", "is no JSON"),
        ("header(\"x\", \"y\");", "only `transform` makes a payload"),
        ("sleep(1);", "`set_timer(name, seconds)`"),
        (
            "kv_set(1, 2);",
            "`kv_set` cannot be used with (a number, a number); there is `kv_set(key, value)`",
        ),
        ("log();", "`log` takes 1 or 2 arguments"),
        (
            "upper_case(message.text);",
            "there is no function `upper_case`",
        ),
        ("let x = message.txt;", "did you mean `text`?"),
        ("let x = 1 / 0;", "zero"),
        ("throw \"sold out\";", "sold out"),
    ] {
        let source = format!("fn on_message(message) {{\n    {line}\n}}\n");
        let fault = fault_of(&stage, &source).await?;
        let early = stage.status("under_test")?.last_error.is_some();
        let code = if early {
            "script-unknown"
        } else {
            "script-error"
        };
        check(&fault, (code, 2, said), line)?;
    }
    Ok(())
}

#[tokio::test]
async fn more_requests_than_allowed_say_where_the_handler_begins() -> Result<()> {
    let grants = Grants {
        http: vec!["https://api.example.com".parse()?],
        ..Grants::default()
    };
    let stage = Stage::start_with(|config| config.default_grants = grants).await?;
    let ask = "    try { http_get(\"https://api.example.com\"); } catch { }\n".repeat(5);
    let source =
        format!("// http: https://api.example.com\n\nfn on_message(message) {{\n{ask}}}\n");
    let fault = fault_of(&stage, &source).await?;
    // Nobody is asked again to find the line.
    check(
        &fault,
        ("too-many-fetches", 3, "more than 4 requests"),
        &source,
    )
}

#[tokio::test]
async fn what_cannot_be_loaded_says_in_which_line_and_what_to_do() -> Result<()> {
    let stage = Stage::start().await?;
    for (source, code, line, said) in [
        (
            "import \"../other\" as other;\nfn on_message(m) {}",
            "script-unknown",
            1,
            "without a path",
        ),
        (
            "import \"/etc/passwd\" as other;\nfn on_message(m) {}",
            "script-unknown",
            1,
            "script's own folder",
        ),
        (
            "\nimport \"words\" as words;\nfn on_message(m) {}",
            "script-unknown",
            2,
            "put words.rhai into a folder",
        ),
        (
            "fn on_message(m) {\n    import \"words\" as words;\n}",
            "script-unknown",
            2,
            "there is no module `words`",
        ),
        (
            "let name = \"words\";\nimport name as words;\nfn on_message(m) {}",
            "script-unknown",
            2,
            "text in quotes",
        ),
        (
            "fn on_message(m) {\n    eval(\"1\");\n}",
            "script-syntax",
            2,
            "eval",
        ),
        (
            "fn on_message(m) {\n    let x = ;\n}",
            "script-syntax",
            2,
            "",
        ),
        (
            "// a\n// order: first\nfn on_message(m) {}",
            "manifest",
            2,
            "a whole number",
        ),
        (
            "// a\n// send: everyone\nfn on_message(m) {}",
            "manifest",
            2,
            "any",
        ),
        (
            "\nfn on_mesage(message) {}",
            "script-missing-handler",
            2,
            "did you mean `on_message`?",
        ),
        (
            "\n\nfn on_message() {}",
            "script-missing-handler",
            3,
            "has one parameter, and this one has 0",
        ),
        (
            "let n = 0;\nloop { n += 1; }\nfn on_message(m) {}",
            "script-operations",
            2,
            "does not end",
        ),
        (
            "fn on_message(m) {}\nreply(\"x\");",
            "script-error",
            2,
            "`on_message` and `on_event`",
        ),
        (
            "rule(\"a\").reply(\"x\");\nrule(\"b\");",
            "script-rule",
            2,
            "",
        ),
        (
            "rule(\"a\").reply(\"x\")\nrule(\"b\").stop();",
            "script-syntax",
            2,
            "a `;` is missing at the end of the line before",
        ),
        (
            "rule(\"a\").reply('hello');",
            "script-syntax",
            1,
            "between double quotes",
        ),
        (
            "rule(\"a\").when(\"price\").reply(\"x\");",
            "script-error",
            1,
            "`when` cannot be used with (a text); it takes a condition",
        ),
        (
            "rule(\"a\").when(text.contains(5)).reply(\"x\");",
            "script-error",
            1,
            "not a number",
        ),
        (
            "rule(\"a\").when(text.contains(\"x\") && direct).stop();",
            "script-error",
            1,
            "joined by all_of([…])",
        ),
        (
            "rule(\"a\").when(any_of([\"x\"])).stop();",
            "script-error",
            1,
            "a condition belongs here, not a text",
        ),
        (
            "rule(\"a\").cooldown(\"10 minutes\").stop();",
            "script-error",
            1,
            "like 30s, 10m, 2h",
        ),
        (
            "rule(\"a\")\n  .wehn(text.contains(\"x\"))\n  .reply(\"x\");",
            "script-unknown",
            2,
            "did you mean `when`?",
        ),
    ] {
        let fault = fault_of(&stage, source).await?;
        check(&fault, (code, line, said), source)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_rule_of_a_script_that_fails_says_in_which_line_it_stands() -> Result<()> {
    let stage = Stage::start().await?;
    let source = "// a comment\n\nrule(\"lead\")\n    .when(text.contains(\"hello\"))\n    .forward_to(\"+15550101\");\n";
    let fault = fault_of(&stage, source).await?;
    check(
        &fault,
        ("not-granted", 3, "rule \"lead\", `forward"),
        source,
    )?;
    ensure!(
        fault
            .message
            .contains("`// send: any` at the top of the script"),
        "{fault:?}"
    );
    Ok(())
}

#[tokio::test]
async fn the_second_look_at_a_call_that_fails_is_short_and_changes_nothing() -> Result<()> {
    let stage = Stage::start_with(|config| {
        config.default_grants.rate = Some(3);
        config.limits.script.wall = Duration::from_secs(20);
    })
    .await?;
    let fails = "// rate: 3\nfn on_message(message) { reply(\"a\"); kv_increment(\"n\"); for i in 0..200 { print(i); } }";
    for _ in 0..4 {
        let fault = fault_of(&stage, fails).await?;
        assert_eq!(fault.code, "log-limit", "{fault:?}");
    }
    let works = "// rate: 3\nfn on_message(message) { reply(kv_get(\"n\") ?? \"none\"); }";
    stage.put("scripts/under_test.rhai", works)?;
    stage.registry.rescan().await;
    let outcome = stage.says("under_test", "hello").await?;
    assert_eq!(crate::stage::replies(&outcome), ["none"]);
    Ok(())
}
