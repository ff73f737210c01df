//! The binary `warbler`, where the crash tests can start and kill it.

use std::process::ExitCode;

fn main() -> ExitCode {
    warbler_cli::run()
}
