//! The toolchains of other languages, which a plugin's own folder describes.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::failure::Failure;

/// What a package for TypeScript is built with.
const NODE: &str = "Node.js 20 or newer with npm: on Debian 13 `apt-get install nodejs npm`";
/// What a Makefile is run with, and what those we begin need.
const MAKE: &str = "make: on Debian `apt-get install make`, for C also `clang lld wasi-libc libclang-rt-dev-wasm32`, for \
                    Python also `python3-venv`";

/// `npm run build`, after `npm install` where that was never done.
pub(super) fn npm(dir: &Path) -> Result<(), Failure> {
    if !dir.join("node_modules").is_dir() {
        run(
            Command::new("npm")
                .args(["install", "--no-fund", "--no-audit"])
                .current_dir(dir),
            NODE,
        )?;
    }
    run(
        Command::new("npm")
            .args(["run", "--silent", "build"])
            .current_dir(dir),
        NODE,
    )
}

/// `make`.
pub(super) fn make(dir: &Path) -> Result<(), Failure> {
    run(Command::new("make").arg("--silent").current_dir(dir), MAKE)
}

/// Runs a program; what it says goes to standard error, so that standard output is ours.
pub(super) fn run(command: &mut Command, needs: &str) -> Result<(), Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let stdout = Stdio::from(io::stderr());
    let status = command.stdin(Stdio::null()).stdout(stdout).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::failed(format!(
            "`{program}` ended with {status}; what it says is above. This build needs {needs}."
        ))),
        Err(error) => Err(absent(&program, &error, needs)),
    }
}

/// A program that does not start.
pub(super) fn absent(program: &str, error: &io::Error, needs: &str) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound => {
            Failure::failed(format!("there is no `{program}` here. Install {needs}."))
        }
        _ => Failure::failed(format!("`{program}` does not start: {error}")),
    }
}
