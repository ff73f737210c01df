//! `warbler plugin build`: from sources to a component, with the toolchain that is there.

mod rust;
mod tool;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use wit_component::ComponentEncoder;

use super::{inspect, short, shown, told, workshop};
use crate::failure::Failure;
use crate::terminal::Screen;

/// Largest file that is made a component, in bytes.
const MAX_MODULE: u64 = 256 * 1024 * 1024;
/// How a core module begins; a component has another version here.
const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// What a folder is built with.
enum Builder {
    Cargo,
    Npm,
    Make,
}

impl Builder {
    /// By what lies in the folder.
    fn of(dir: &Path) -> Result<Self, Failure> {
        let has = |name: &str| dir.join(name).is_file();
        if has("Cargo.toml") {
            Ok(Self::Cargo)
        } else if has("package.json") {
            Ok(Self::Npm)
        } else if has("Makefile") {
            Ok(Self::Make)
        } else {
            Err(Failure::Usage(format!(
                "{} has neither Cargo.toml (Rust) nor package.json (TypeScript) nor Makefile (Python, C); begin one with \
                 `warbler plugin new NAME --lang …`",
                dir.display()
            )))
        }
    }
}

/// Builds, makes a component of it, and says what the host will make of that.
pub(super) async fn run(
    dir: &Path,
    debug: bool,
    json: bool,
    screen: Screen,
) -> Result<(), Failure> {
    let missing = |error: std::io::Error| {
        Failure::Usage(format!("{} cannot be read: {error}", dir.display()))
    };
    let dir = std::fs::canonicalize(dir).map_err(missing)?;
    let builder = Builder::of(&dir)?;
    let target = component(&dir)?;
    let began = Instant::now();
    let from = dir.clone();
    // Compilers take their time; the runtime has better to do.
    let built = tokio::task::spawn_blocking(move || built(&builder, &from, &target, debug));
    let file = built.await.context("the build broke off")??;
    if !json {
        let took = short(began.elapsed());
        screen.line(format!(
            "{} built {} in {took}",
            screen.good("✓"),
            shown(&file)
        ))?;
    }
    let watched = screen.is_terminal() && !json;
    if watched {
        screen.line(screen.faint("  compiling it as the host does …"))?;
    }
    let loaded = workshop()?.load(&dir).await;
    if watched {
        screen.take_back(1)?;
    }
    let candidate = loaded.map_err(|fault| Failure::failed(told(&fault).join("\n")))?;
    inspect::show(&candidate, json, screen).await
}

/// Runs the toolchain, and puts a component where the manifest says.
fn built(builder: &Builder, dir: &Path, target: &Path, debug: bool) -> Result<PathBuf, Failure> {
    let made = match builder {
        Builder::Cargo => rust::build(dir, debug)?,
        Builder::Npm => {
            tool::npm(dir)?;
            target.to_owned()
        }
        Builder::Make => {
            tool::make(dir)?;
            // A module of its own name, or the component itself.
            let module = target.with_extension("core.wasm");
            if module.is_file() {
                module
            } else {
                target.to_owned()
            }
        }
    };
    let size = std::fs::metadata(&made).map(|meta| meta.len());
    let size =
        size.with_context(|| format!("the build went well, but did not make {}", made.display()))?;
    if size > MAX_MODULE {
        return Err(Failure::failed(format!(
            "{} has more than {MAX_MODULE} bytes",
            made.display()
        )));
    }
    let bytes = std::fs::read(&made).with_context(|| format!("cannot read {}", made.display()))?;
    let bytes = if bytes.starts_with(CORE_MODULE) {
        componentize(&bytes, &made)?
    } else if made == target {
        return Ok(made);
    } else {
        bytes
    };
    put(target, &bytes)?;
    Ok(target.to_owned())
}

/// A core module, which carries its world in a section of its own, as a component.
fn componentize(module: &[u8], path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: anyhow::Error| {
        let text = format!("{error:#}");
        let hint = if text.contains("wasi_snapshot_preview1") {
            "\nThe module wants files or a terminal of WASI preview 1; build it without, or for WASI 0.2."
        } else {
            ""
        };
        Failure::failed(format!(
            "{} cannot become a component: {text}{hint}",
            path.display()
        ))
    };
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|mut encoder| encoder.encode())
        .map_err(failed)
}

/// Puts the file in one step, so that a host that watches the folder never sees half of it.
fn put(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let aside = path.with_extension("wasm.tmp");
    std::fs::write(&aside, bytes)
        .and_then(|()| std::fs::rename(&aside, path))
        .with_context(|| format!("{} could not be written", path.display()))?;
    Ok(())
}

/// Where the component belongs: what `plugin.toml` names, or the folder's name.
fn component(dir: &Path) -> Result<PathBuf, Failure> {
    let manifest = dir.join("plugin.toml");
    let text = std::fs::read_to_string(&manifest).map_err(|error| {
        Failure::Usage(format!("{} cannot be read: {error}", manifest.display()))
    })?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        Failure::failed(format!("{}: {error}", manifest.display()))
    })?;
    let named = table.get("component").and_then(toml::Value::as_str);
    let name = match named {
        Some(name) => name.to_owned(),
        None => {
            let name = dir.file_name().unwrap_or_default().to_string_lossy();
            format!("{name}.wasm")
        }
    };
    if name.contains(['/', '\\']) || name.starts_with('.') {
        return Err(Failure::failed(format!(
            "{}: `component` is the name of a file beside it",
            manifest.display()
        )));
    }
    Ok(dir.join(name))
}
