//! `warbler script …`: what authors of scripts do, without a host.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::HookWord;

/// Write scripts: begin one, check it, test it, read what it can do.
#[derive(Debug, Args)]
pub(crate) struct Script {
    #[command(subcommand)]
    pub(crate) verb: ScriptVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ScriptVerb {
    /// Begin a script: it works and passes its fixture at once
    #[command(
        after_help = "Example:\n  warbler script new greeter\n  warbler script new to-crm --hook webhook --in scripts"
    )]
    New {
        /// Its name: also that of the file, and what the host will call it
        name: String,
        /// What it is called for
        #[arg(long, value_enum, default_value_t = HookWord::Event)]
        hook: HookWord,
        /// The folder to make it in
        #[arg(long = "in", value_name = "DIR", default_value = ".")]
        parent: PathBuf,
    },
    /// Look whether scripts can be loaded: syntax, misspelt functions and names, header, modules
    #[command(
        after_help = "Example:\n  warbler script check scripts\n  warbler script check greeter.rhai --json\n\nExit codes: 0 all can be loaded, 1 some cannot."
    )]
    Check {
        /// A script, or a folder of them
        #[arg(value_name = "PATH", default_value = ".")]
        path: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Run the fixtures of a script, or of all in a folder, as the host would
    #[command(
        after_help = "Example:\n  warbler script test scripts\n  warbler script test greeter.rhai --bless\n\nExit codes: 0 all passed, 1 some did not."
    )]
    Test {
        /// A script, or a folder of them
        #[arg(value_name = "PATH", default_value = ".")]
        path: PathBuf,
        /// Write what happens into the fixtures, as what is expected from now on
        #[arg(long)]
        bless: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print every function a script has, with an example of each
    #[command(
        after_help = "Example:\n  warbler script docs\n  warbler script docs --definitions > warbler.d.rhai"
    )]
    Docs {
        /// Print what editors with Rhai tooling read instead
        #[arg(long)]
        definitions: bool,
    },
}
