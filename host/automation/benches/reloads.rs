//! How long a saved script and a saved component take to run.
//!
//! `cargo bench -p warbler-automation --bench reloads`. The time is from the file's renaming into its
//! place to the notice that it runs, the wait for more changes among it. The component is the shipped
//! auto-reply with a section of its own at the end, so that its bytes are new each time. Without a
//! folder for compiled code all of it is compiled again; with one, only functions that have changed.

#![allow(clippy::print_stdout, reason = "a benchmark speaks on standard output")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use warbler_app::hook::Extensions;
use warbler_automation::{Registry, RegistryConfig};
use warbler_domain::SystemClock;
use warbler_domain::extension::ExtensionState;

const RELOADS: usize = 60;
const SCRIPT: &str =
    "fn on_message(message) { if message.text.contains(\"price\") { reply(\"$10\"); } }";

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let shipped = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../plugins/auto-reply"
    ));
    let component = std::fs::read(shipped.join("auto-reply.wasm"))?;
    let script = |round: usize| format!("{SCRIPT}\n// {round}\n").into_bytes();
    let plugin = |round: usize| marked(&component, round);
    for (what, compiled, file, version) in [
        (
            "a saved script runs",
            false,
            "scripts/price.rhai",
            &script as Version<'_>,
        ),
        (
            "a saved component runs",
            false,
            "plugins/auto-reply/auto-reply.wasm",
            &plugin as Version<'_>,
        ),
        (
            "the same, functions kept",
            true,
            "plugins/auto-reply/auto-reply.wasm",
            &plugin as Version<'_>,
        ),
    ] {
        let dir = tempfile::tempdir()?;
        std::fs::create_dir_all(dir.path().join("scripts"))?;
        let plugins = dir.path().join("plugins");
        std::fs::create_dir_all(&plugins)?;
        if file.starts_with("plugins") {
            let folder = plugins.join("auto-reply");
            std::fs::create_dir(&folder)?;
            std::fs::copy(shipped.join("plugin.toml"), folder.join("plugin.toml"))?;
        }
        std::fs::write(dir.path().join(file), version(RELOADS))?;
        let config = RegistryConfig {
            plugin_dirs: vec![plugins],
            script_dirs: vec![dir.path().join("scripts")],
            compiled_dir: compiled.then(|| dir.path().join("compiled")),
            ..RegistryConfig::new(dir.path().join("last-good"), Arc::new(SystemClock))
        };
        let registry = Registry::open(config).await?;
        let times = reloads(&registry, dir.path(), &dir.path().join(file), version).await?;
        println!("{what:26}  {times}");
        registry.stop().await;
    }
    println!("the component has {} bytes", component.len());
    Ok(())
}

/// The bytes of a version.
type Version<'a> = &'a dyn Fn(usize) -> Vec<u8>;

async fn reloads(
    registry: &Registry,
    dir: &Path,
    path: &Path,
    version: Version<'_>,
) -> Result<String> {
    let mut notices = registry.subscribe();
    let mut times = Vec::new();
    for round in 0..RELOADS {
        let aside = dir.join("aside");
        std::fs::write(&aside, version(round))?;
        let began = Instant::now();
        std::fs::rename(aside, path)?;
        notices.recv().await?;
        times.push(began.elapsed());
        let statuses = registry.statuses();
        let status = statuses.first().context("an extension")?;
        ensure!(
            status.state == ExtensionState::Active,
            "{:?}",
            status.last_error
        );
        // The next one is to find everything quiet.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    times.sort();
    let at = |share: usize| {
        let time = times.get(times.len() * share / 100).copied();
        time.unwrap_or_default().as_secs_f64() * 1e3
    };
    Ok(format!("median {:.1} ms   p95 {:.1} ms", at(50), at(95)))
}

/// A component with a custom section of its own behind it.
fn marked(component: &[u8], round: usize) -> Vec<u8> {
    let name = b"round";
    let number = format!("{round:04}");
    let mut marked = component.to_vec();
    // Section 0, its length, and a name with its length: each below 128, so of one byte.
    marked.extend([0, (1 + name.len() + number.len()) as u8, name.len() as u8]);
    marked.extend(name);
    marked.extend(number.as_bytes());
    marked
}
