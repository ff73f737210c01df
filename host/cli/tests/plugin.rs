//! `warbler plugin …` as authors run it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

fn plugin(dir: &Path, args: &[&str]) -> Result<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_warbler"));
    command.arg("plugin").args(args).current_dir(dir);
    Ok(command.env_remove("WARBLER_LOG").output()?)
}

fn told(output: &Output) -> String {
    let out = String::from_utf8_lossy(&output.stdout);
    format!("{out}{}", String::from_utf8_lossy(&output.stderr))
}

/// A folder with the shipped plugin and one fixture of it.
fn shipped(fixture: &str) -> Result<(TempDir, PathBuf)> {
    let dir = tempfile::tempdir()?;
    let plugin = dir.path().join("auto-reply");
    fs::create_dir_all(plugin.join("fixtures"))?;
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/guests/print.wat");
    fs::copy(from, plugin.join("auto-reply.wasm"))?;
    fs::write(plugin.join("plugin.toml"), "")?;
    fs::write(plugin.join("fixtures/case.toml"), fixture)?;
    Ok((dir, plugin))
}

#[test]
fn a_new_plugin_is_a_folder_with_everything_it_needs() -> Result<()> {
    let dir = tempfile::tempdir()?;
    for hook in ["event", "template", "webhook"] {
        let name = format!("my-{hook}");
        let output = plugin(dir.path(), &["new", &name, "--hook", hook])?;
        ensure!(output.status.success(), "{}", told(&output));
        let made = dir.path().join(&name);
        for file in [
            "Cargo.toml",
            "plugin.toml",
            "src/lib.rs",
            ".gitignore",
            "wit/world.wit",
        ] {
            assert!(made.join(file).is_file(), "{file} is missing");
        }
        assert!(fs::read_dir(made.join("fixtures"))?.count() > 0);
        let crate_file = fs::read_to_string(made.join("Cargo.toml"))?;
        assert!(
            crate_file.contains(&format!("name = \"{name}\"")),
            "{crate_file}"
        );
    }
    Ok(())
}

#[test]
fn a_folder_that_is_there_and_a_bad_name_are_refused() -> Result<()> {
    let dir = tempfile::tempdir()?;
    fs::create_dir(dir.path().join("there"))?;
    for name in ["there", "../up", "Big", "a b", "test"] {
        let output = plugin(dir.path(), &["new", name])?;
        assert_eq!(output.status.code(), Some(2), "{name}: {}", told(&output));
    }
    assert_eq!(fs::read_dir(dir.path())?.count(), 1);
    Ok(())
}

#[test]
fn fixtures_that_fail_are_told_and_end_with_1_until_they_are_blessed() -> Result<()> {
    let (dir, made) = shipped("# Kept.\n[event]\ntext = \"hi\"\n\n[expect]\nverdict = \"stop\"\n")?;
    let output = plugin(&made, &["test"])?;
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    let text = told(&output);
    assert!(text.contains("✗ case"), "{text}");
    assert!(text.contains("fixtures/case.toml:5"), "{text}");
    assert!(text.contains("expected  stop"), "{text}");

    let output = plugin(dir.path(), &["test", ".", "--bless"])?;
    ensure!(output.status.success(), "{}", told(&output));
    assert!(fs::read_to_string(made.join("fixtures/case.toml"))?.starts_with("# Kept.\n"));
    let output = plugin(dir.path(), &["test", "auto-reply", "--json"])?;
    ensure!(output.status.success(), "{}", told(&output));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(json["passed"], 1);
    assert_eq!(json["extensions"][0]["fixtures"][0]["name"], "case");
    Ok(())
}

#[test]
fn a_component_is_inspected_and_what_is_none_is_refused() -> Result<()> {
    let (dir, made) = shipped("")?;
    let output = plugin(dir.path(), &["inspect", "auto-reply"])?;
    ensure!(output.status.success(), "{}", told(&output));
    let text = told(&output);
    assert!(text.contains("warbler:plugin/event-handler@0.1."), "{text}");
    assert!(text.contains("the host loads it"), "{text}");
    fs::write(made.join("auto-reply.wasm"), b"\0asm\x01\0\0\0")?;
    let output = plugin(dir.path(), &["inspect", "auto-reply", "--json"])?;
    assert_eq!(output.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let code = json["fault"]["code"].as_str().context("a code")?;
    assert_eq!(code, "not-a-component");
    Ok(())
}

#[test]
fn a_folder_that_cannot_be_built_says_what_to_do() -> Result<()> {
    let (dir, _made) = shipped("")?;
    let output = plugin(dir.path(), &["build", "auto-reply"])?;
    assert_eq!(output.status.code(), Some(2));
    assert!(
        told(&output).contains("warbler plugin new"),
        "{}",
        told(&output)
    );
    Ok(())
}

#[test]
fn the_contract_to_read_is_that_of_wit() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let output = plugin(dir.path(), &["contract"])?;
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/wit.md");
    let kept = fs::read_to_string(docs)?;
    assert!(
        String::from_utf8(output.stdout)? == kept,
        "write host/docs/wit.md anew: cargo run -- plugin contract > host/docs/wit.md"
    );
    Ok(())
}
