//! `warbler plugin …`: what an author does before a host has the plugin.

mod bench;
mod build;
mod contract;
pub(super) mod files;
mod inspect;
mod new;
pub(super) mod test;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use warbler_automation::Limits;
use warbler_automation::fixture::Workshop;
use warbler_domain::SystemClock;
use warbler_domain::extension::ExtensionFault;

use crate::args::{Plugin, PluginVerb};
use crate::failure::Failure;
use crate::terminal::{Screen, plain};

/// Longest line of a fault that is shown.
const MAX_LINE: usize = 2000;

/// Does it.
pub(super) async fn run(args: Plugin, screen: Screen) -> Result<(), Failure> {
    match args.verb {
        PluginVerb::New {
            name,
            language,
            hook,
            parent,
        } => new::run(&name, language, hook, &parent, screen),
        PluginVerb::Build { dir, debug, json } => build::run(&dir, debug, json, screen).await,
        PluginVerb::Test { path, bless, json } => test::run(&path, bless, json, screen).await,
        PluginVerb::Contract => contract::run(screen),
        PluginVerb::Inspect { path, json } => inspect::run(&path, json, screen).await,
        PluginVerb::Bench {
            path,
            fixture,
            seconds,
            json,
        } => {
            let time = Duration::from_secs(seconds);
            bench::run(&path, fixture.as_deref(), time, json, screen).await
        }
    }
}

/// The engines, with the limits every host has, and what they have compiled before.
pub(super) fn workshop() -> Result<Workshop, Failure> {
    opened(super::user_cache().as_deref())
}

/// The engines, which compile whatever they load: for whoever wants to know how long it takes.
fn fresh_workshop() -> Result<Workshop, Failure> {
    opened(None)
}

fn opened(compiled: Option<&Path>) -> Result<Workshop, Failure> {
    Workshop::open(Limits::default(), compiled, Arc::new(SystemClock))
        .map_err(|error| Failure::failed(error.to_string()))
}

/// A fault in lines: code and message, place, excerpt.
pub(super) fn told(fault: &ExtensionFault) -> Vec<String> {
    let text = format!("{}: {}", fault.code, fault.message);
    let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
    lines.extend(placed(fault));
    lines.iter().map(|line| plain(line, MAX_LINE)).collect()
}

/// Where a fault is, and the excerpt.
pub(super) fn placed(fault: &ExtensionFault) -> Vec<String> {
    let place = fault.file.as_ref().map(|file| {
        let file = shown(file);
        match (fault.line, fault.column) {
            (Some(line), Some(column)) => format!("  at {file}:{line}:{column}"),
            (Some(line), None) => format!("  at {file}:{line}"),
            (None, _) => format!("  in {file}"),
        }
    });
    let excerpt = fault.excerpt.iter().flat_map(|excerpt| excerpt.lines());
    let excerpt = excerpt.map(|line| format!("    {line}"));
    place.into_iter().chain(excerpt).collect()
}

/// A path as one writes it here: relative where that is shorter.
pub(super) fn shown(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    let here = std::env::current_dir().and_then(std::fs::canonicalize).ok();
    let relative = here
        .as_deref()
        .and_then(|here| path.strip_prefix(here).ok());
    match relative {
        Some(relative) if relative.as_os_str().is_empty() => ".".to_owned(),
        Some(relative) => relative.display().to_string(),
        None => path.display().to_string(),
    }
}

/// A size as one says it.
fn size(bytes: usize) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// A time as one says it.
pub(super) fn short(took: Duration) -> String {
    match took.as_micros() {
        micros @ 0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{:.1} ms", took.as_secs_f64() * 1e3),
        _ => format!("{:.1} s", took.as_secs_f64()),
    }
}
