//! What scripts can do, and what they cannot.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use warbler_automation::Limits;
use warbler_automation::fixture::Workshop;
use warbler_domain::extension::{ExtensionFault, Hook, SendScope};
use warbler_domain::{Action, SystemClock, Verdict};

use crate::stage::{Stage, WEDNESDAY_MORNING, code, replies, root};

/// The fault of calling a script.
async fn call(source: &str) -> Result<ExtensionFault> {
    let stage = Stage::start().await?;
    stage.put("scripts/under_test.rhai", source)?;
    stage.registry.rescan().await;
    let outcome = stage.says("under_test", "hello").await?;
    assert_eq!(outcome.actions, []);
    Ok(outcome.fault.unwrap_or_else(|| panic!("a fault")))
}

/// The fault of loading a script.
async fn load(source: &str) -> Result<ExtensionFault> {
    let stage = Stage::start().await?;
    stage.put("scripts/under_test.rhai", source)?;
    stage.registry.rescan().await;
    stage.fault("under_test")
}

#[tokio::test]
async fn the_shipped_script_answers_by_the_clock() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put(
        "scripts/opening_hours.rhai",
        std::fs::read(root().join("scripts/opening_hours.rhai"))?,
    )?;
    stage.registry.rescan().await;
    let times = "Our opening hours: Monday to Friday, 09:00 to 18:00.";
    let night = WEDNESDAY_MORNING.plus(Duration::from_secs(12 * 3600));

    let outcome = stage.says("opening_hours", "When are you open?").await?;
    assert_eq!(replies(&outcome), [format!("We are open now. {times}")]);
    let outcome = stage.says("opening_hours", "what is the price?").await?;
    assert_eq!(replies(&outcome), Vec::<&str>::new());
    let outcome = stage
        .says_at("opening_hours", "What are your hours?", night)
        .await?;
    assert_eq!(replies(&outcome), [format!("We are closed now. {times}")]);
    let outcome = stage
        .says_at("opening_hours", "what is the price?", night)
        .await?;
    assert_eq!(
        replies(&outcome),
        [format!(
            "Thank you for your message! We are closed now and will answer when we open. {times}"
        )]
    );
    Ok(())
}

#[tokio::test]
async fn a_script_sees_the_message_and_asks_for_actions() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put(
        "scripts/all.rhai",
        r#"
fn on_message(message) {
    log("debug", message.kind);
    print(message.session);
    reply(`${message.sender_name} in ${message.chat}: ${message.text.to_lower()}`);
    reply_quoted(message.is_group);
    react("👍");
    let body = message.body;
    reply(body.content);
    stop();
}"#,
    )?;
    stage.registry.rescan().await;

    let outcome = stage.says("all", "HELLO").await?;
    assert_eq!(outcome.fault, None);
    assert_eq!(outcome.verdict, Verdict::Stop);
    assert_eq!(
        outcome.actions,
        [
            Action::Reply {
                text: "Ada in 15550100@s.whatsapp.net: hello".to_owned(),
                quote: false
            },
            Action::Reply {
                text: "false".to_owned(),
                quote: true
            },
            Action::React {
                target: None,
                emoji: "👍".to_owned()
            },
            Action::Reply {
                text: "text".to_owned(),
                quote: false
            },
        ]
    );
    let logs: Vec<(&str, &str)> = outcome
        .logs
        .iter()
        .map(|line| (line.level.as_str(), line.message.as_str()))
        .collect();
    assert_eq!(logs, [("debug", "message.received"), ("info", "shop")]);
    Ok(())
}

#[tokio::test]
async fn text_functions_ignore_case_and_change_nothing() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put(
        "scripts/text.rhai",
        r#"
fn on_message(message) {
    let text = "  Äpfel, und Hours? ";
    let parts = [
        text.trim(), text.trim().to_upper(), text.len(),
        text.contains_any(["our", "x"]), text.has_any_word(["our"]),
        text.has_any_word(["HOURS"]), text.has_any_word(["äpfel"]), text.contains_any([]),
    ];
    for part in parts { reply(part); }
}"#,
    )?;
    stage.registry.rescan().await;
    let outcome = stage.says("text", "x").await?;
    assert_eq!(
        replies(&outcome),
        [
            "Äpfel, und Hours?",
            "ÄPFEL, UND HOURS?",
            "20",
            "true",
            "false",
            "true",
            "true",
            "false"
        ]
    );
    Ok(())
}

#[tokio::test]
async fn a_syntax_error_is_shown_with_its_place() -> Result<()> {
    let fault = load("fn on_message(message) {\n    let answer = ;\n}\n").await?;
    assert_eq!(fault.code, "script-syntax");
    assert_eq!((fault.line, fault.column), (Some(2), Some(18)));
    assert_eq!(
        fault.excerpt.as_deref(),
        Some("    let answer = ;\n                 ^")
    );
    assert!(fault.file.unwrap_or_default().ends_with("under_test.rhai"));
    Ok(())
}

#[tokio::test]
async fn a_script_without_handler_is_told_what_to_write() -> Result<()> {
    let fault = load("fn on_mesage(message) {}").await?;
    assert_eq!(fault.code, "script-missing-handler");
    assert!(
        fault.message.contains("on_message(message)"),
        "{}",
        fault.message
    );
    Ok(())
}

#[tokio::test]
async fn a_misspelt_function_is_found_before_it_runs() -> Result<()> {
    for (line, message) in [
        (
            "    repyl(\"x\");",
            "there is no function `repyl`; did you mean `reply`?",
        ),
        (
            "    message.text.has_any_wrod([\"x\"]);",
            "there is no function `has_any_wrod`; did you mean `has_any_word`?",
        ),
        (
            "    reply(\"x\", 1, 2);",
            "`reply` takes 1 argument, and here are 3",
        ),
        (
            "    reply(mesage.text);",
            "there is no `mesage`; did you mean `message`?",
        ),
        (
            "    reply(WORD);",
            "there is no `WORD`; did you mean `WORDS`?",
        ),
    ] {
        let fault = load(&format!(
            "const WORDS = [];\nfn on_message(message) {{\n{line}\n}}"
        ))
        .await?;
        assert_eq!(
            (fault.code.as_str(), fault.line),
            ("script-unknown", Some(3))
        );
        assert_eq!(fault.message, message);
        let excerpt = fault.excerpt.unwrap_or_default();
        assert!(
            excerpt.starts_with(line) && excerpt.ends_with('^'),
            "{excerpt}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn what_can_only_be_known_at_the_run_is_left_to_it() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put(
        "scripts/late.rhai",
        r#"
const GREETINGS = #{ hello: |name| "Hello " + name };
const LIMIT = 2;
fn on_message(message) {
    let shout = |text| text.to_upper();
    reply(GREETINGS.hello("Ada"));
    reply(shout.call("hi"));
    reply([1, 2, 3].filter(|n| n >= LIMIT).len());
    let own = #{ twice: |n| n * 2 };
    reply(own.twice(4));
    try { throw "x"; } catch (error) { reply(error); }
    for (part, index) in ["a"] { reply(part + index); }
    switch message.text { "x" => reply("an x"), _ => reply("none") }
}"#,
    )?;
    stage.registry.rescan().await;
    let outcome = stage.says("late", "x").await?;
    assert_eq!(outcome.fault, None);
    assert_eq!(
        replies(&outcome),
        ["Hello Ada", "HI", "2", "8", "x", "a0", "an x"]
    );
    Ok(())
}

#[tokio::test]
async fn a_misspelt_field_is_shown_with_its_place() -> Result<()> {
    let fault = call("fn on_message(message) {\n    reply(message.txt);\n}").await?;
    assert_eq!((fault.code.as_str(), fault.line), ("script-error", Some(2)));
    assert_eq!(
        fault.message,
        "`txt` is not a field of an event; did you mean `text`?"
    );
    Ok(())
}

#[tokio::test]
async fn what_a_script_throws_is_shown_and_nothing_happens() -> Result<()> {
    let fault =
        call("fn on_message(message) {\n    reply(\"x\");\n    throw \"sold out\";\n}").await?;
    assert_eq!((fault.code.as_str(), fault.line), ("script-error", Some(3)));
    assert_eq!(fault.message, "sold out");
    Ok(())
}

#[tokio::test]
async fn an_endless_loop_is_stopped() -> Result<()> {
    let fault = call("fn on_message(message) { loop { } }").await?;
    assert_eq!(fault.code, "script-operations");
    let fault = load("loop { }\nfn on_message(message) { }").await?;
    assert_eq!(fault.code, "script-operations");
    Ok(())
}

#[tokio::test]
async fn a_script_that_is_begun_again_for_want_of_time_acts_once() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put(
        "scripts/long.rhai",
        "fn on_message(message) { reply(\"begun\"); let sum = 0; for i in 0..9000 { sum += i; } reply(sum); }",
    )?;
    stage.registry.rescan().await;
    for _ in 0..5 {
        assert_eq!(
            replies(&stage.says("long", "x").await?),
            ["begun", "40495500"]
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_slow_script_is_stopped() -> Result<()> {
    let stage = Stage::start_with(|config| {
        config.limits.script.wall = Limits::default().script.wall;
        config.limits.script.operations = 0;
    })
    .await?;
    stage.put("scripts/slow.rhai", "fn on_message(message) { loop { } }")?;
    stage.registry.rescan().await;
    assert_eq!(code(&stage.says("slow", "x").await?), "script-deadline");
    Ok(())
}

#[tokio::test]
async fn deep_recursion_is_stopped() -> Result<()> {
    let fault =
        call("fn deeper(n) { deeper(n + 1) }\nfn on_message(message) { deeper(0); }").await?;
    assert_eq!(fault.code, "script-recursion");
    Ok(())
}

#[tokio::test]
async fn a_string_and_an_array_that_grow_are_stopped() -> Result<()> {
    let fault = call("fn on_message(message) { let s = \"x\"; loop { s += s; } }").await?;
    assert_eq!(fault.code, "script-memory");
    let fault = call("fn on_message(message) { let a = [1]; loop { a += a; } }").await?;
    assert_eq!(fault.code, "script-memory");
    Ok(())
}

#[tokio::test]
async fn going_over_a_limit_cannot_be_caught() -> Result<()> {
    let fault = call("fn on_message(message) { loop { try { reply(\"x\"); } catch { } } }").await?;
    assert_eq!(fault.code, "too-many-actions");
    let fault = call("fn on_message(message) { for i in 0..200 { print(i); } }").await?;
    assert_eq!(fault.code, "log-limit");
    Ok(())
}

#[tokio::test]
async fn a_rule_that_stops_the_others_stops_them_beside_its_questions_as_well() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put(
        "scripts/order.rhai",
        "rule(\"order\").when(text.contains(\"order\")).ask(\"How many?\", \"many\", #{ expect: \"^\\\\d+$\" })\
         .reply(\"{{many}} it is\").stop();",
    )?;
    stage.registry.rescan().await;
    for (said, answer) in [
        ("I order", "How many?"),
        ("some", "How many?"),
        ("2", "2 it is"),
    ] {
        let outcome = stage.says_and_keeps("order", said).await?;
        assert_eq!(replies(&outcome), [answer], "{said}: {:?}", outcome.fault);
        assert_eq!(outcome.verdict, Verdict::Stop, "{said}");
    }
    Ok(())
}

#[tokio::test]
async fn a_refusal_can_be_caught() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put(
        "scripts/caught.rhai",
        "fn on_message(message) { try { reply(\"\"); } catch (error) { reply(error); } }",
    )?;
    stage.registry.rescan().await;
    let outcome = stage.says("caught", "x").await?;
    assert_eq!(replies(&outcome), ["empty-text: a message needs a text"]);
    Ok(())
}

#[tokio::test]
async fn other_files_and_sleep_are_out_of_reach() -> Result<()> {
    let fault = load("fn on_message(message) { eval(\"1\"); }").await?;
    assert_eq!(fault.code, "script-syntax");
    for source in [
        "fn on_message(message) { sleep(1); }",
        "fn on_message(message) { sleep(0.5); }",
    ] {
        let fault = call(source).await?;
        let said = "a script cannot sleep; `set_timer(name, seconds)` calls its `on_event` later";
        assert_eq!(fault.message, said, "{source}");
    }
    Ok(())
}

#[tokio::test]
async fn the_top_level_cannot_act() -> Result<()> {
    let fault = load("reply(\"hello\");\nfn on_message(message) {}").await?;
    assert_eq!((fault.code.as_str(), fault.line), ("script-error", Some(1)));
    assert!(fault.message.starts_with("not-here"), "{}", fault.message);
    Ok(())
}

#[tokio::test]
async fn an_unknown_time_zone_is_named() -> Result<()> {
    let fault = call("fn on_message(message) { local_time(\"Mars/Olympus\"); }").await?;
    assert!(fault.message.contains("Mars/Olympus"), "{}", fault.message);
    Ok(())
}

#[tokio::test]
async fn calls_share_nothing_but_constants() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put(
        "scripts/state.rhai",
        "let seen = [];\nfn on_message(message) { try { seen.push(1); } catch { } reply(seen.len()); }",
    )?;
    stage.registry.rescan().await;
    for _ in 0..2 {
        assert_eq!(replies(&stage.says("state", "x").await?), ["0"]);
    }
    Ok(())
}

#[tokio::test]
async fn a_script_nested_without_end_is_refused_and_the_host_lives() -> Result<()> {
    let handler = "fn on_message(message) {}\n";
    let many = |text: &str| text.repeat(10_000);
    let sources = [
        format!("let x = {}1{};", many("("), many(")")),
        format!("let x = {}1{};", many("["), many("]")),
        format!("let x = {}1{};", many("#{a:"), many("}")),
        format!("{}{}", many("{"), many("}")),
        format!("let a = 1; let x = {}a;", many("!")),
        format!("let a = 1; let x = {}a;", many("- ")),
        format!("let a = 1; let x = a{};", many(" + a")),
        format!("let a = 1; let x = a{};", many(" && a")),
        format!("let a = 1; let x = a{};", many(".b")),
        format!("let a = 1; let x = a{};", many("[0]")),
        format!("let a = 1; let x = a{};", many(".b()")),
        format!("if false {{}}{}", many(" else if false {}")),
        format!("let a = 1; let x = {};", many("if a { a } else ")),
        many("while true "),
        many("|x| "),
        format!("let x = {}", many("`${")),
        format!("let a = 1; let x = a{};", many(" ?? a")),
        format!("let x = {}1{};", many("f("), many(")")),
        format!("switch 1 {{ {} }}", many("1 => switch 1 { ")),
        many("fn f() { "),
    ];
    let stage = Stage::start().await?;
    for (index, source) in sources.iter().enumerate() {
        stage.put(
            &format!("scripts/nested{index}.rhai"),
            format!("{handler}{source}"),
        )?;
        stage.registry.rescan().await;
        let fault = stage.fault(&format!("nested{index}"))?;
        assert_eq!(fault.code, "script-syntax", "{index}");
    }
    Ok(())
}

/// What a guide says of a script below it: `- "message" → "answer"`, or `→ nothing`.
fn conversations(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let after = text.split_once("```").map_or("", |(_, after)| after);
    let lines = after.lines().take_while(|line| !line.starts_with('#'));
    lines.filter_map(|line| {
        let (message, answer) = line.strip_prefix("- \"")?.split_once("\" → ")?;
        let answer = answer
            .strip_prefix('"')
            .and_then(|answer| answer.strip_suffix('"'));
        Some((message, answer))
    })
}

#[tokio::test]
async fn every_script_in_the_guides_loads_and_does_what_is_said_of_it() -> Result<()> {
    let stage = Stage::start_with(|config| {
        config.default_grants.send = SendScope::Any;
    })
    .await?;
    let (mut count, mut said) = (0, 0);
    for guide in [
        "scripts/README.md",
        "host/docs/scripts.md",
        "host/docs/scripts-cookbook.md",
    ] {
        let text = std::fs::read_to_string(root().join(guide))?;
        for block in text.split("```rhai\n").skip(1) {
            let source = block.split("```").next().unwrap_or_default();
            let name = format!("example{count}");
            stage.put(&format!("scripts/{name}.rhai"), source)?;
            stage.registry.rescan().await;
            assert_eq!(stage.status(&name)?.last_error, None, "{guide}: {source}");
            count += 1;
            for (message, answer) in conversations(block) {
                let outcome = stage.says_and_keeps(&name, message).await?;
                assert_eq!(outcome.fault, None, "{guide}: {source}");
                assert_eq!(
                    replies(&outcome).first().copied(),
                    answer,
                    "{guide}: {message}: {source}"
                );
                said += 1;
            }
        }
    }
    assert!(
        count >= 15 && said >= 20,
        "{count} scripts, {said} messages"
    );
    Ok(())
}

#[tokio::test]
async fn every_shipped_script_passes_its_fixtures_and_is_off_where_it_would_answer_all()
-> Result<()> {
    let mut limits = Limits::default();
    limits.script.wall = Duration::from_secs(20);
    let workshop = Workshop::open(limits, None, Arc::new(SystemClock))?;
    let mut count = 0;
    for entry in std::fs::read_dir(root().join("scripts"))? {
        let path = entry?.path();
        if !Workshop::is_extension(&path) {
            continue;
        }
        let candidate = workshop.load(&path).await;
        let candidate =
            candidate.map_err(|fault| anyhow::anyhow!("{}: {}", path.display(), fault.message))?;
        let reports = workshop.test(&candidate, |_| {}).await;
        assert!(!reports.is_empty(), "{}", path.display());
        for report in reports {
            assert!(
                report.passed(),
                "{}/{}: {:?}",
                candidate.name,
                report.name,
                report.differences
            );
        }
        let is_off = std::fs::read_to_string(&path)?.contains("// config.enabled: false");
        let answers = candidate.hooks.contains(&Hook::Event);
        assert!(
            is_off || !answers || candidate.name.as_str() == "opening_hours",
            "{}",
            candidate.name
        );
        count += 1;
    }
    assert!(count >= 10, "{count}");
    Ok(())
}

#[tokio::test]
async fn the_deepest_script_that_loads_has_room_on_the_stack() -> Result<()> {
    let stage = Stage::start().await?;
    let wraps = [
        ("[", "]"),
        ("g(", ")"),
        ("!", ""),
        ("-(", ")"),
        ("if true { ", " }"),
        ("`${", "}`"),
        ("#{a: ", "}"),
        ("[n].map(|n| ", ")"),
    ];
    for (index, (open, close)) in wraps.iter().enumerate() {
        let mut loaded = 0;
        for depth in (1..40).rev() {
            let name = format!("deep{index}");
            let source = format!(
                "fn g(x) {{ x }}\nfn deeper(n) {{ let x = {}deeper(n + 1){}; x }}\nfn on_message(message) {{ deeper(0); }}",
                open.repeat(depth),
                close.repeat(depth)
            );
            stage.put(&format!("scripts/{name}.rhai"), source)?;
            stage.registry.rescan().await;
            if stage.hook(&name).is_err() {
                continue;
            }
            loaded = depth;
            let outcome = stage.says(&name, "x").await?;
            assert_eq!(code(&outcome), "script-recursion", "{open} {depth}");
            break;
        }
        assert!(loaded > 2, "{open} {loaded}");
    }
    Ok(())
}
