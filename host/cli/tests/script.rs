//! `warbler script …` as authors run it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Result, ensure};
use serde_json::Value;

fn script(dir: &Path, args: &[&str]) -> Result<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_warbler"));
    command.arg("script").args(args).current_dir(dir);
    Ok(command.env_remove("WARBLER_LOG").output()?)
}

fn told(output: &Output) -> String {
    let out = String::from_utf8_lossy(&output.stdout);
    format!("{out}{}", String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_new_script_of_every_hook_can_be_loaded_and_passes_its_fixture() -> Result<()> {
    let dir = tempfile::tempdir()?;
    for hook in ["event", "template", "webhook"] {
        let name = format!("my_{hook}");
        let output = script(dir.path(), &["new", &name, "--hook", hook])?;
        ensure!(output.status.success(), "{}", told(&output));
        assert!(dir.path().join(format!("{name}.rhai")).is_file());
    }
    let output = script(dir.path(), &["check"])?;
    ensure!(output.status.success(), "{}", told(&output));
    for word in ["my_event", "my_template", "my_webhook", "hooks: webhook"] {
        assert!(told(&output).contains(word), "{}", told(&output));
    }
    let output = script(dir.path(), &["test"])?;
    ensure!(output.status.success(), "{}", told(&output));
    assert!(told(&output).contains("3 passed"), "{}", told(&output));

    let again = script(dir.path(), &["new", "my_event"])?;
    assert_eq!(again.status.code(), Some(2), "{}", told(&again));
    let bad = script(dir.path(), &["new", "no/name"])?;
    assert_eq!(bad.status.code(), Some(2), "{}", told(&bad));
    Ok(())
}

#[test]
fn a_mistake_is_shown_with_its_place_and_what_may_be_meant() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let source = "fn on_message(message) {\n    repyl(\"Hello\");\n}\n";
    fs::write(dir.path().join("greeter.rhai"), source)?;
    let output = script(dir.path(), &["check", "greeter.rhai"])?;
    assert_eq!(output.status.code(), Some(1));
    let text = told(&output);
    for part in [
        "script-unknown: there is no function `repyl`; did you mean `reply`?",
        "greeter.rhai:2:5",
        "    repyl(\"Hello\");",
        "        ^",
    ] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
    let output = script(dir.path(), &["check", "--json"])?;
    let json: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(json[0]["error"]["code"], "script-unknown");
    assert_eq!(json[0]["error"]["line"], 2);

    let empty = tempfile::tempdir()?;
    let output = script(empty.path(), &["check"])?;
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    Ok(())
}

#[test]
fn the_reference_and_the_definitions_are_printed() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let output = script(dir.path(), &["docs"])?;
    ensure!(output.status.success(), "{}", told(&output));
    assert!(told(&output).contains("| `reply(text)` | Writes into the chat. |"));
    let output = script(dir.path(), &["docs", "--definitions"])?;
    ensure!(output.status.success(), "{}", told(&output));
    assert!(told(&output).contains("fn reply(text: ?) -> ();"));
    Ok(())
}

#[test]
fn a_message_shows_which_rule_is_used_and_what_the_others_lack() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let rules = "rule(\"prices\").when(text.contains(\"price\")).between(\"09:00\", \"18:00\").reply(\"$10\");\n\
                 rule(\"pictures\").on_kind(\"image\").reply(\"Nice, {{name}}!\");\n\
                 rule(\"hello\").reply(\"Hello!\");\n";
    fs::write(dir.path().join("shop.rhai"), rules)?;
    let greeter = "fn on_message(message) { reply(\"Hi \" + message.sender_name); }\n";
    fs::write(dir.path().join("greeter.rhai"), greeter)?;
    let asked = [
        "test",
        "--text",
        "the price?",
        "--at",
        "2026-05-04T20:15:00Z",
    ];
    let output = script(dir.path(), &asked)?;
    ensure!(output.status.success(), "{}", told(&output));
    let text = told(&output);
    for part in [
        "greeter\n",
        "\"text\":\"Hi Ana\"",
        "shop\n",
        "· prices: it is mon 20:15 (UTC), and not between 09:00 and 18:00 (UTC)",
        "· pictures: it is of the kind text, and not image",
        "✓ hello",
        "\"text\":\"Hello!\"",
    ] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
    let picture = [
        "test",
        "shop.rhai",
        "--kind",
        "image",
        "--name",
        "Ada",
        "--json",
    ];
    let output = script(dir.path(), &picture)?;
    let json: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(json[0]["used"], serde_json::json!(["pictures"]));
    assert_eq!(json[0]["rules"][0]["whyNot"], "the message has no text");
    assert_eq!(json[0]["effects"][0]["text"], "Nice, Ada!");
    let wrong = script(dir.path(), &["test", "--text", "x", "--at", "soon"])?;
    assert_eq!(wrong.status.code(), Some(2), "{}", told(&wrong));

    // A fixture that fails says the same of the rules.
    let fixtures = dir.path().join("shop.fixtures");
    fs::create_dir(&fixtures)?;
    let night = "now = \"2026-05-04T20:15:00Z\"\n[event]\ntext = \"the price?\"\n\
                 [[expect.effects]]\ndo = \"reply\"\ntext = \"$10\"\nquote = false\n";
    fs::write(fixtures.join("night.toml"), night)?;
    let output = script(dir.path(), &["test", "shop.rhai"])?;
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(
        told(&output).contains("· prices: it is mon 20:15"),
        "{}",
        told(&output)
    );
    Ok(())
}

#[test]
fn a_message_is_tried_with_the_answers_that_are_given_and_nobody_is_asked() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let source = "// http: https://api.example.com\nfn on_message(message) {\n    \
                  let order = http_get(\"https://api.example.com/orders?id=4711\");\n    \
                  reply(if order.ok { \"It is \" + order.data.state } else { order.status });\n}\n";
    fs::write(dir.path().join("orders.rhai"), source)?;
    let tried = |answer: &[&str]| {
        script(
            dir.path(),
            &[&["test", "--text", "order 4711"], answer].concat(),
        )
    };
    let output = tried(&[])?;
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    let text = told(&output);
    for part in [
        "orders.rhai:3",
        "no server is asked while a message is tried",
        "--answer 'https://api.example.com/orders?id=4711'",
    ] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
    let url = "https://api.example.com/orders?id=4711";
    let output = tried(&["--answer", url, "{\"state\":\"shipped\"}"])?;
    ensure!(output.status.success(), "{}", told(&output));
    assert!(told(&output).contains("It is shipped"), "{}", told(&output));
    let output = tried(&["--answer", url, "404"])?;
    assert!(
        told(&output).contains("\"text\":\"404\""),
        "{}",
        told(&output)
    );
    let output = tried(&["--answer", url])?;
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    Ok(())
}

#[test]
fn a_place_that_nothing_will_ever_fill_is_a_warning() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let rules = "rule(\"size\").ask(\"Which size?\", \"size\").reply(\"{{size}} for {{name}}\");\n\
                 rule(\"hello\").reply(\"Hello {{nmae}}, {{ city.or('there') }}\");\n";
    fs::write(dir.path().join("shop.rhai"), rules)?;
    let output = script(dir.path(), &["check"])?;
    ensure!(output.status.success(), "{}", told(&output));
    let text = told(&output);
    for part in [
        "rule \"hello\" (line 2): no rule of this file remembers `nmae`, so nothing will stand there; did you mean `name`?",
        "remembers `city`",
    ] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
    assert!(!text.contains("`size`"), "{text}");
    Ok(())
}
