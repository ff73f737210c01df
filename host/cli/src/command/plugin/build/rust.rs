//! Rust: the installed toolchain if it has a WebAssembly target, else Debian's packages.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use serde::Deserialize;

use super::tool::absent;
use crate::failure::Failure;

/// The targets that are looked for, the one that makes the smallest components first.
const TARGETS: [&str; 2] = [BARE, "wasm32-wasip2"];
/// The target without any system.
const BARE: &str = "wasm32-unknown-unknown";
/// Says which toolchain is used, where both are there.
const CHOICE: &str = "WARBLER_WASM_TOOLCHAIN";
/// What is missing where neither is there.
const NEEDS: &str = "Rust from https://rustup.rs and `rustup target add wasm32-unknown-unknown`, or on Debian \
                     `apt-get install rustc-web cargo-web rust-web-src lld-19`";
/// Debian's compiler, cargo and linker.
const DEBIAN: [&str; 3] = ["/usr/bin/rustc", "/usr/bin/cargo", "/usr/bin/wasm-ld-19"];

/// What compiles.
enum Toolchain {
    /// The `cargo` of this folder, for this target.
    Installed(&'static str),
    /// Debian's, which builds the standard library along.
    Debian,
}

/// Builds the crate in `dir`; answers the WebAssembly file it made.
pub(super) fn build(dir: &Path, debug: bool) -> Result<PathBuf, Failure> {
    let toolchain = Toolchain::find(dir)?;
    let mut cargo = toolchain.cargo();
    cargo
        .args([
            "build",
            "--release",
            "--message-format=json-render-diagnostics",
        ])
        .current_dir(dir);
    if debug {
        cargo
            .env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only")
            .env("CARGO_PROFILE_RELEASE_STRIP", "none");
    }
    cargo.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = cargo
        .spawn()
        .map_err(|error| absent("cargo", &error, NEEDS))?;
    let out = child.stdout.take().context("cargo has no output")?;
    let mut made = None;
    for line in BufReader::new(out).lines() {
        let line = line.context("the output of cargo broke off")?;
        made = module_of(&line).or(made);
    }
    let status = child.wait().context("cargo was lost")?;
    if !status.success() {
        return Err(Failure::failed(
            "cargo could not build it; what it says is above",
        ));
    }
    made.ok_or_else(|| {
        Failure::failed("the crate makes no WebAssembly: it needs [lib] crate-type = [\"cdylib\"] in Cargo.toml")
    })
}

impl Toolchain {
    fn find(dir: &Path) -> Result<Self, Failure> {
        let chosen = std::env::var(CHOICE).unwrap_or_default();
        let debian = DEBIAN.iter().all(|path| Path::new(path).is_file());
        match chosen.as_str() {
            "debian" => return Ok(Self::Debian),
            "" | "installed" => {}
            other => {
                return Err(Failure::Usage(format!(
                    "{CHOICE} is `installed` or `debian`, not `{other}`"
                )));
            }
        }
        let installed = TARGETS.into_iter().find(|target| has_target(dir, target));
        match installed {
            Some(target) => Ok(Self::Installed(target)),
            None if debian && chosen.is_empty() => Ok(Self::Debian),
            None => Err(Failure::failed(format!(
                "there is no Rust toolchain for WebAssembly here. Install {NEEDS}."
            ))),
        }
    }

    fn cargo(&self) -> Command {
        match self {
            Self::Installed(target) => {
                let mut cargo = Command::new("cargo");
                cargo.args(["--quiet"]).env("CARGO_BUILD_TARGET", target);
                cargo
            }
            Self::Debian => {
                let [rustc, cargo, linker] = DEBIAN;
                let mut cargo = Command::new(cargo);
                cargo
                    .args(["--quiet", "-Zbuild-std=std,panic_abort"])
                    .env("RUSTC", rustc)
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("CARGO_BUILD_TARGET", BARE)
                    .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
                    .env("RUSTFLAGS", "-Clinker-flavor=wasm-ld");
                cargo
            }
        }
    }
}

/// Whether the compiler of this folder has the standard library of `target`.
fn has_target(dir: &Path, target: &str) -> bool {
    let asked = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", target])
        .current_dir(dir)
        .stderr(Stdio::null())
        .output();
    asked.is_ok_and(|output| {
        let path = String::from_utf8_lossy(&output.stdout);
        output.status.success() && Path::new(path.trim()).is_dir()
    })
}

/// One line of what cargo says.
#[derive(Deserialize)]
struct Said {
    reason: String,
    #[serde(default)]
    filenames: Vec<PathBuf>,
    target: Option<Target>,
}

#[derive(Deserialize)]
struct Target {
    #[serde(default)]
    crate_types: Vec<String>,
}

/// The WebAssembly a line tells of.
fn module_of(line: &str) -> Option<PathBuf> {
    let said: Said = serde_json::from_str(line).ok()?;
    let types = said.target.map(|target| target.crate_types)?;
    if said.reason != "compiler-artifact" || !types.iter().any(|one| one == "cdylib") {
        return None;
    }
    let mut files = said.filenames.into_iter();
    files.find(|file| file.extension().is_some_and(|ending| ending == "wasm"))
}
