//! Fixtures: what an extension is given and what must come of it, on the real engine.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;
use warbler_automation::Limits;
use warbler_automation::fixture::{Candidate, Report, Workshop};
use warbler_domain::SystemClock;
use warbler_domain::extension::ExtensionState;

use crate::stage::{Stage, replies, root};

/// A folder for extensions, and the engines.
struct Bench {
    dir: TempDir,
    workshop: Workshop,
}

impl Bench {
    fn new() -> Result<Self> {
        let mut limits = Limits::default();
        limits.plugin.wall = Duration::from_secs(20);
        limits.script.wall = Duration::from_secs(20);
        Ok(Self {
            dir: tempfile::tempdir()?,
            workshop: Workshop::open(limits, None, Arc::new(SystemClock))?,
        })
    }

    fn put(&self, path: &str, content: impl AsRef<[u8]>) -> Result<PathBuf> {
        let path = self.dir.path().join(path);
        std::fs::create_dir_all(path.parent().context("a folder")?)?;
        std::fs::write(&path, content)?;
        Ok(path)
    }

    /// One of the guests of the hostile suite as a plugin's folder.
    fn put_guest(&self, name: &str, manifest: &str) -> Result<PathBuf> {
        let text = std::fs::read(root().join(format!("tests/guests/{name}.wat")))?;
        self.put(&format!("{name}/{name}.wasm"), text)?;
        self.put(&format!("{name}/plugin.toml"), manifest)?;
        Ok(self.dir.path().join(name))
    }

    async fn load(&self, path: &str) -> Result<Candidate> {
        let loaded = self.workshop.load(&self.dir.path().join(path)).await;
        loaded.map_err(|fault| anyhow::anyhow!("{}: {}", fault.code, fault.message))
    }

    async fn reports(&self, path: &str) -> Result<Vec<Report>> {
        let candidate = self.load(path).await?;
        Ok(self.workshop.test(&candidate, |_| {}).await)
    }

    /// The report of the one fixture of a script.
    async fn script(&self, script: &str, fixture: &str) -> Result<Report> {
        self.put("rule.rhai", script)?;
        self.put("rule.fixtures/case.toml", fixture)?;
        let mut reports = self.reports("rule.rhai").await?;
        reports.pop().context("a report")
    }
}

/// The differences on one line each.
fn told(report: &Report) -> Vec<String> {
    let lines = report.differences.iter();
    lines
        .map(|one| format!("{} | {} | {}", one.what, one.expected, one.got))
        .collect()
}

#[tokio::test]
async fn a_script_that_does_what_is_expected_passes() -> Result<()> {
    let bench = Bench::new()?;
    let report = bench
        .script(
            r#"fn on_message(message) {
                let times = kv_increment("seen:" + message.chat);
                kv_set("last", message.text, 60);
                reply(`${message.sender_name}, ${times} at ${local_time("UTC").time}`);
                log("told");
                stop();
            }"#,
            r#"
now = "2026-01-05T10:30:00Z"
[kv]
"seen:15550100@s.whatsapp.net" = 4
[event]
text = "price?"
[expect]
verdict = "stop"
logs = ["info: told"]
[[expect.effects]]
do = "reply"
text = "Ana, 5 at 10:30"
[expect.kv]
"seen:15550100@s.whatsapp.net" = { add = 1 }
last = { value = "price?", ttl-seconds = 60 }
"#,
        )
        .await?;
    assert_eq!(told(&report), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn what_is_not_as_expected_is_told_one_by_one() -> Result<()> {
    let bench = Bench::new()?;
    let report = bench
        .script(
            r#"fn on_message(message) { reply("b"); react("👍"); kv_set("k", "1"); }"#,
            "[expect]\nverdict = \"stop\"\n[[expect.effects]]\ndo = \"reply\"\ntext = \"a\"\n",
        )
        .await?;
    assert_eq!(
        told(&report),
        [
            "verdict | stop | next",
            "effect 1: text | \"a\" | \"b\"",
            "effect 2 | nothing | react emoji = \"👍\"",
            "kv \"k\" | nothing | \"1\"",
        ]
    );
    assert_eq!(report.line, Some(1));
    Ok(())
}

#[tokio::test]
async fn a_misspelt_key_is_refused_with_its_place_and_what_was_meant() -> Result<()> {
    let bench = Bench::new()?;
    let script = "fn on_message(message) {}";
    let report = bench
        .script(script, "[event]\ntext = \"a\"\nsender_name = \"x\"\n")
        .await?;
    let fault = report.fault.context("a fault")?;
    assert_eq!(
        fault.message,
        "a fixture has no `event.sender_name`; did you mean `event.sender-name`?"
    );
    assert_eq!((fault.line, fault.column), (Some(3), Some(1)));

    let report = bench.script(script, "now = \"yesterday\"\n").await?;
    let fault = report.fault.context("a fault")?;
    assert!(fault.message.contains("a time is expected"), "{fault:?}");
    assert_eq!(fault.line, Some(1));

    let report = bench
        .script(script, "[event]\nkind = \"group.updated\"\n")
        .await?;
    let fault = report.fault.context("a fault")?;
    assert!(
        fault.message.contains("event.change is missing"),
        "{fault:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_filter_that_lets_nothing_through_is_an_outcome() -> Result<()> {
    let bench = Bench::new()?;
    let report = bench
        .script(
            "// text: price\nfn on_message(message) { reply(\"x\"); }",
            "[event]\ntext = \"hello\"\n[expect]\nverdict = \"not-called\"\n",
        )
        .await?;
    assert_eq!(told(&report), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_fault_can_be_what_is_expected() -> Result<()> {
    let bench = Bench::new()?;
    let script = "fn on_message(message) { throw \"no price\"; }";
    let expected = "[expect]\nfault = \"script-error\"\nmessage = \"no price\"\n";
    assert!(bench.script(script, expected).await?.passed());
    let report = bench
        .script(script, "[expect]\nverdict = \"next\"\n")
        .await?;
    let lines = told(&report);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines
            .concat()
            .starts_with("outcome | next | the fault script-error")
    );
    Ok(())
}

#[tokio::test]
async fn blessing_writes_what_happened_and_keeps_what_the_author_wrote() -> Result<()> {
    let bench = Bench::new()?;
    bench.put(
        "rule.rhai",
        r#"fn on_message(message) { reply("b"); emit("custom.sold", #{ count: 2 }); kv_set("k", "1"); }"#,
    )?;
    let before = "# Why this case is here.\n[event] # the message\ntext = \"a\"\n\n# What comes of it.\n[expect]\nverdict = \"stop\"\n";
    let path = bench.put("rule.fixtures/case.toml", before)?;
    let candidate = bench.load("rule.rhai").await?;
    let reports = bench.workshop.test(&candidate, |_| {}).await;
    let report = reports.first().context("a report")?;
    let fixture = candidate.fixtures().next().context("a fixture")?;
    let blessed = fixture.blessed(report).context("it did not pass")?;
    assert!(blessed.starts_with("# Why this case is here.\n[event] # the message\ntext = \"a\"\n\n# What comes of it.\n[expect]\n"), "{blessed}");
    std::fs::write(&path, &blessed)?;

    let reports = bench.reports("rule.rhai").await?;
    let report = reports.first().context("a report")?;
    assert_eq!(told(report), Vec::<String>::new(), "{blessed}");
    let candidate = bench.load("rule.rhai").await?;
    let fixture = candidate.fixtures().next().context("a fixture")?;
    assert_eq!(fixture.blessed(report), None, "it says so already");
    Ok(())
}

#[tokio::test]
async fn a_plugin_is_run_with_what_it_asks_for_and_answers_from_the_fixture() -> Result<()> {
    let bench = Bench::new()?;
    bench.put_guest(
        "granted",
        "[capabilities]\nhttp = [\"https://api.example.com\"]\nsecrets = [\"token\"]\nhistory = \"chat\"\n",
    )?;
    let put =
        |name: &str, fixture: &str| bench.put(&format!("granted/fixtures/{name}.toml"), fixture);
    put(
        "fetches",
        r#"
[[http]]
url = "https://api.example.com/price"
body = "12 EUR"
[event]
text = "fhttps://api.example.com/price"
[expect]
fetches = [{ url = "https://api.example.com/price" }]
[[expect.effects]]
do = "reply"
text = "12 EUR"
"#,
    )?;
    put(
        "not-there",
        r#"
[event]
text = "fhttps://api.example.com/other"
[expect]
[[expect.effects]]
do = "reply"
text = "unreachable"
[[expect.effects]]
do = "reply"
text = "the fixture has no [[http]] for GET https://api.example.com/other"
"#,
    )?;
    put(
        "secret",
        r#"
secrets = { token = "t0k3n" }
[event]
text = "stoken"
[expect]
logs = ["info: ***"]
[[expect.effects]]
do = "reply"
text = "t0k3n"
"#,
    )?;
    put(
        "history",
        r#"
[[history]]
text = "earlier"
[[history]]
text = "of somebody else"
sender = "+15550177"
[event]
text = "h"
[expect]
[[expect.effects]]
do = "reply"
text = "1"
"#,
    )?;
    put(
        "not-granted",
        "grants = {}\n[event]\ntext = \"stoken\"\n[expect]\n[[expect.effects]]\ndo = \"reply\"\ntext = \"not-granted\"\n",
    )?;
    for report in bench.reports("granted").await? {
        let lines = told(&report);
        if report.name == "not-granted" {
            // The second reply says what to add.
            assert_eq!(lines.len(), 1, "{lines:?}");
            assert!(lines.concat().contains("token"), "{lines:?}");
        } else {
            assert_eq!(lines, Vec::<String>::new(), "{}", report.name);
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_guests_standard_library_has_the_fixtures_clock_and_chance() -> Result<()> {
    let bench = Bench::new()?;
    bench.put_guest("clock", "")?;
    let fixture = bench.put(
        "clock/fixtures/a.toml",
        "now = 1970-01-01T00:00:05Z\nseed = 7\n",
    )?;
    let candidate = bench.load("clock").await?;
    let reports = bench.workshop.test(&candidate, |_| {}).await;
    let report = reports.first().context("a report")?;
    let first = candidate.fixtures().next().context("a fixture")?;
    let blessed = first.blessed(report).context("blessed")?;
    assert!(blessed.contains(r#"now = "\u0005\u0000"#), "{blessed}");
    std::fs::write(&fixture, &blessed)?;
    let again = bench.reports("clock").await?;
    assert!(again.iter().all(Report::passed), "the same every time");
    std::fs::write(&fixture, blessed.replace("seed = 7", "seed = 8"))?;
    let other = bench.reports("clock").await?;
    let differences = other.iter().flat_map(told).collect::<Vec<_>>();
    assert_eq!(differences.len(), 1, "{differences:?}");
    assert!(differences.concat().starts_with("kv \"random\""));
    Ok(())
}

#[tokio::test]
async fn every_effect_is_written_as_its_function_is_called() -> Result<()> {
    let bench = Bench::new()?;
    let dir = bench.put_guest("effects", "")?;
    let fixture = bench.put("effects/fixtures/all.toml", "[event]\ntext = \"hello\"\n")?;
    let candidate = bench.load("effects").await?;
    let reports = bench.workshop.test(&candidate, |_| {}).await;
    let report = reports.first().context("a report")?;
    let all = candidate.fixtures().next().context("a fixture")?;
    let blessed = all.blessed(report).context("blessed")?;
    std::fs::write(fixture, &blessed)?;
    for line in [
        "do = \"send-media\"\ncaption = \"look\"\nform = \"image\"",
        "do = \"set-timer\"\nafter-seconds = 60",
        "do = \"emit\"\nkind = \"custom.order\"",
        "do = \"mark-read\"\n",
    ] {
        assert!(blessed.contains(line), "{line} is not in\n{blessed}");
    }
    let again = bench.workshop.load(&dir).await;
    let again = again.map_err(|fault| anyhow::anyhow!("{}", fault.message))?;
    let reports = bench.workshop.test(&again, |_| {}).await;
    assert!(
        reports.iter().all(Report::passed),
        "{:?}",
        reports.iter().map(told).collect::<Vec<_>>()
    );
    Ok(())
}

#[tokio::test]
async fn the_hooks_that_make_text_have_fixtures_too() -> Result<()> {
    let bench = Bench::new()?;
    bench.put_guest("template", "")?;
    bench.put(
        "template/fixtures/a.toml",
        "hook = \"template\"\n[template]\ntext = \"Hello\"\n[expect]\ntext = \"Hello\"\n",
    )?;
    bench.put(
        "template/fixtures/b.toml",
        "hook = \"template\"\n[expect]\nfault = \"bad-text\"\n",
    )?;
    bench.put(
        "template/fixtures/c.toml",
        "[expect]\nfault = \"missing-export\"\n",
    )?;
    bench.put_guest("webhook", "")?;
    bench.put(
        "webhook/fixtures/a.toml",
        "hook = \"webhook\"\n[webhook]\npayload = { a = 1 }\n[expect]\nmethod = \"PUT\"\npath = \"/crm?by=plugin\"\ncontent-type = \"text/plain\"\npayload = '{ \"a\": 1 }'\n[expect.headers]\nx-shaped = \"1\"\n",
    )?;
    for plugin in ["template", "webhook"] {
        for report in bench.reports(plugin).await? {
            assert_eq!(told(&report), Vec::<String>::new(), "{}", report.name);
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_workshop_says_what_a_component_is() -> Result<()> {
    let bench = Bench::new()?;
    bench.put_guest("effects", "ordr = 1\n")?;
    let candidate = bench.load("effects").await?;
    assert_eq!(candidate.name.as_str(), "effects");
    assert_eq!(candidate.digest.len(), 64);
    assert!(
        candidate
            .imports
            .iter()
            .any(|name| name.starts_with("warbler:plugin/outbox@"))
    );
    assert!(
        candidate
            .exports
            .iter()
            .any(|name| name.starts_with("warbler:plugin/event-handler@"))
    );
    assert_eq!(candidate.warnings.len(), 1);
    let missing = bench.workshop.load(&bench.dir.path().join("none")).await;
    assert_eq!(
        missing.err().map(|fault| fault.code),
        Some("unreadable".to_owned())
    );
    Ok(())
}

const SAYS_A: &str = "fn on_message(message) { reply(\"a\"); }";
const SAYS_B: &str = "fn on_message(message) { reply(\"b\"); }";
const EXPECTS_A: &str = "[expect]\n[[expect.effects]]\ndo = \"reply\"\ntext = \"a\"\n";
const EXPECTS_B: &str = "[expect]\n[[expect.effects]]\ndo = \"reply\"\ntext = \"b\"\n";

#[tokio::test]
async fn a_version_that_fails_its_fixtures_does_not_take_over() -> Result<()> {
    let mut stage = Stage::start().await?;
    stage.put("scripts/rule.fixtures/case.toml", EXPECTS_A)?;
    stage.put("scripts/rule.rhai", SAYS_A)?;
    stage.registry.rescan().await;
    assert_eq!(replies(&stage.says("rule", "hello").await?), ["a"]);
    assert_eq!(stage.notice().await?.to_string(), "rule loaded");

    stage.put("scripts/rule.rhai", SAYS_B)?;
    stage.registry.rescan().await;
    let fault = stage.fault("rule")?;
    assert_eq!(fault.code, "fixture-failed");
    assert_eq!(fault.line, Some(1));
    assert!(fault.file.is_some_and(|file| file.ends_with("case.toml")));
    assert_eq!(
        fault.message,
        "case: effect 1: text\n  expected  \"a\"\n  got       \"b\""
    );
    assert_eq!(stage.status("rule")?.state, ExtensionState::LastGood);
    assert_eq!(replies(&stage.says("rule", "hello").await?), ["a"]);

    stage.put("scripts/rule.fixtures/case.toml", EXPECTS_B)?;
    stage.registry.rescan().await;
    assert_eq!(stage.status("rule")?.state, ExtensionState::Active);
    assert_eq!(replies(&stage.says("rule", "hello").await?), ["b"]);
    Ok(())
}

#[tokio::test]
async fn a_fixture_that_changes_under_a_version_that_runs_changes_nothing() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put("scripts/rule.fixtures/case.toml", EXPECTS_A)?;
    stage.put("scripts/rule.rhai", SAYS_A)?;
    stage.registry.rescan().await;
    let before = stage.status("rule")?;
    stage.put("scripts/rule.fixtures/case.toml", EXPECTS_B)?;
    stage.registry.rescan().await;
    let after = stage.status("rule")?;
    assert_eq!(after.state, ExtensionState::Active);
    assert_eq!(after.loaded_at, before.loaded_at);
    Ok(())
}

#[tokio::test]
async fn settings_change_without_fixtures_and_code_does_not() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put_guest_with("error", "order = 1\n")?;
    let expects = "[expect]\nfault = \"guest-error\"\n";
    stage.put("plugins/error/fixtures/case.toml", expects)?;
    stage.registry.rescan().await;
    assert_eq!(stage.status("error")?.order, 1);

    stage.put("plugins/error/fixtures/case.toml", "[expect]\n")?;
    stage.put("plugins/error/plugin.toml", "order = 2\n")?;
    stage.registry.rescan().await;
    assert_eq!(stage.status("error")?.order, 2);

    let other = std::fs::read(root().join("tests/guests/print.wat"))?;
    stage.put("plugins/error/fixtures/case.toml", expects)?;
    stage.put("plugins/error/error.wasm", other)?;
    stage.registry.rescan().await;
    assert_eq!(stage.fault("error")?.code, "fixture-failed");
    Ok(())
}

#[tokio::test]
async fn a_fixture_that_cannot_be_read_is_why_a_version_is_not_loaded() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put("scripts/rule.fixtures/case.toml", "[event]\ntxt = \"a\"\n")?;
    stage.put("scripts/rule.rhai", SAYS_A)?;
    stage.registry.rescan().await;
    let fault = stage.fault("rule")?;
    assert_eq!((fault.code.as_str(), fault.line), ("fixture", Some(2)));
    stage.put("scripts/many.rhai", SAYS_A)?;
    for index in 0..65 {
        stage.put(&format!("scripts/many.fixtures/{index}.toml"), EXPECTS_A)?;
    }
    stage.registry.rescan().await;
    assert_eq!(stage.fault("many")?.code, "fixture");
    Ok(())
}

#[tokio::test]
async fn every_shipped_extension_passes_its_fixtures() -> Result<()> {
    let bench = Bench::new()?;
    let mut tested = 0;
    for folder in ["plugins", "scripts"] {
        for entry in std::fs::read_dir(root().join(folder))? {
            let path = entry?.path();
            if !Workshop::is_extension(&path) {
                continue;
            }
            let candidate = bench.workshop.load(&path).await;
            let candidate = candidate.map_err(|fault| anyhow::anyhow!("{}", fault.message))?;
            for report in bench.workshop.test(&candidate, |_| {}).await {
                assert_eq!(told(&report), Vec::<String>::new(), "{}", report.name);
                tested += 1;
            }
        }
    }
    assert!(tested > 0, "there are some");
    Ok(())
}
