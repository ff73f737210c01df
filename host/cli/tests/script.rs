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
