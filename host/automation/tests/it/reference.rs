//! The reference of scripts' functions: every example does what it says, and what is written down is
//! what the engine has.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context, Result};
use warbler_automation::fixture::Workshop;
use warbler_automation::{Limits, reference};
use warbler_domain::SystemClock;

use crate::stage::root;

/// What the examples are run with.
const FIXTURE: &str = r#"
[secrets]
crm_token = "s3cr3t"

[[history]]
text = "Is there parking?"

[[http]]
url = "https://api.example.com/orders/4711"
headers = { content-type = "application/json" }
body = '{"state": "shipped"}'

[[http]]
method = "POST"
url = "https://api.example.com/leads"
status = 201

[[http]]
method = "DELETE"
url = "https://api.example.com/leads/1"

[event]
text = "Hello"
"#;

const HEADER: &str = "// send: any\n// http: https://api.example.com\n// history: any\n// secrets: crm_token\n\
                      // config.city: Berlin\n";

/// An example as a script: what stands behind ` // ` is what comes of the line.
fn script(chapter: &str, example: &str) -> String {
    let mut body = String::new();
    for line in example.lines() {
        match line.split_once(" // ") {
            Some((call, answer)) => {
                let call = call.trim_end_matches(';');
                body += &format!(
                    "{{ let got = to_json([{call}]); let said = to_json([{answer}]); \
                     if got != said {{ throw got; }} }}\n"
                );
            }
            None => {
                body += line;
                body += "\n";
            }
        }
    }
    if chapter == "In `transform`" {
        format!("{HEADER}fn transform(delivery) {{\n{body}\ndelivery }}")
    } else {
        format!("{HEADER}fn on_message(message) {{\n{body}\n}}")
    }
}

#[tokio::test]
async fn every_example_of_the_reference_does_what_it_says() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut limits = Limits::default();
    limits.script.wall = std::time::Duration::from_secs(20);
    let workshop = Workshop::open(limits, None, Arc::new(SystemClock))?;
    let mut wrong = Vec::new();
    for entry in reference::functions() {
        assert!(!entry.example.is_empty(), "{}", entry.signature);
        let name = format!("example{}", entry.place);
        let path = dir.path().join(format!("{name}.rhai"));
        std::fs::write(&path, script(&entry.chapter, &entry.example))?;
        let fixtures = dir.path().join(format!("{name}.fixtures"));
        std::fs::create_dir(&fixtures)?;
        let hook = if entry.chapter == "In `transform`" {
            "hook = \"webhook\"\n"
        } else {
            ""
        };
        std::fs::write(fixtures.join("case.toml"), format!("{hook}{FIXTURE}"))?;
        let candidate = match workshop.load(&path).await {
            Ok(candidate) => candidate,
            Err(fault) => {
                wrong.push(format!("{}: {}", entry.signature, fault.message));
                continue;
            }
        };
        let reports = workshop.test(&candidate, |_| {}).await;
        let report = reports.first().context("one fixture")?;
        if let Some(fault) = &report.fault {
            wrong.push(format!("{}: {}", entry.signature, fault.message));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    Ok(())
}

#[test]
fn no_two_functions_are_told_alike() {
    let mut seen = BTreeSet::new();
    for entry in reference::functions() {
        assert!(seen.insert(entry.signature.clone()), "{}", entry.signature);
    }
    assert!(seen.len() > 60, "{}", seen.len());
}

#[test]
fn the_guide_and_the_definitions_say_what_the_engine_has() -> Result<()> {
    let guide = std::fs::read_to_string(root().join("host/docs/scripts.md"))?;
    let told = guide
        .split_once("<!-- begin: warbler script docs -->")
        .and_then(|(_, rest)| rest.split_once("<!-- end: warbler script docs -->"));
    let (told, _) = told.context("the guide has a place for the reference")?;
    assert_eq!(
        told.trim(),
        reference::markdown().trim(),
        "put the output of `warbler script docs` into host/docs/scripts.md"
    );
    let definitions = std::fs::read_to_string(root().join("scripts/warbler.d.rhai"))?;
    assert_eq!(
        definitions.trim(),
        reference::definitions().trim(),
        "put the output of `warbler script docs --definitions` into scripts/warbler.d.rhai"
    );
    Ok(())
}
