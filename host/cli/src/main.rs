//! The binary `warbler`. Everything it does is in the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    warbler_cli::run()
}
