//! `warbler plugin …`: what authors do, without a host.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// Write plugins: begin one, build it, test it, look at it.
#[derive(Debug, Args)]
pub(crate) struct Plugin {
    #[command(subcommand)]
    pub(crate) verb: PluginVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PluginVerb {
    /// Begin a plugin: a folder that builds and passes its fixture at once
    #[command(
        after_help = "Example:\n  warbler plugin new greeter\n  warbler plugin new invoices --lang ts --hook template"
    )]
    New {
        /// Its name: also that of the folder, and what the host will call it
        name: String,
        /// The language it is written in
        #[arg(long = "lang", value_enum, default_value_t = Language::Rust)]
        language: Language,
        /// What it is called for
        #[arg(long, value_enum, default_value_t = HookWord::Event)]
        hook: HookWord,
        /// The folder to make it in
        #[arg(long = "in", value_name = "DIR", default_value = ".")]
        parent: PathBuf,
    },
    /// Build a plugin with the toolchain that is there, and say what the host will make of it
    #[command(
        after_help = "Example:\n  warbler plugin build\n  warbler plugin build greeter --debug\n\nA folder with Cargo.toml is built with cargo, one with package.json with npm, one with Python files with\ncomponentize-py, one with a Makefile with make. WARBLER_WASM_TOOLCHAIN=installed|debian chooses for Rust."
    )]
    Build {
        /// The plugin's folder
        #[arg(value_name = "DIR", default_value = ".")]
        dir: PathBuf,
        /// Keep what is needed to name files and lines when it crashes; the component is larger
        #[arg(long)]
        debug: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Run the fixtures of a plugin, a script, or of all in a folder, as the host would
    #[command(
        after_help = "Example:\n  warbler plugin test\n  warbler plugin test plugins/auto-reply --bless\n  warbler plugin test scripts/opening_hours.rhai\n\nExit codes: 0 all passed, 1 some did not."
    )]
    Test {
        /// A plugin's folder, a script, or a folder of them
        #[arg(value_name = "DIR", default_value = ".")]
        path: PathBuf,
        /// Write what happens into the fixtures, as what is expected from now on
        #[arg(long)]
        bless: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Say what a component is: its size, hooks, imports, what it asks for, whether the host would load it
    #[command(
        after_help = "Example:\n  warbler plugin inspect greeter.wasm\n  warbler plugin inspect plugins/auto-reply --json"
    )]
    Inspect {
        /// A component, a plugin's folder or a script
        path: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the contract: everything a plugin can call and must export, as Markdown
    #[command(after_help = "Example:\n  warbler plugin contract > contract.md")]
    Contract,
    /// Measure how long the calls of a plugin's fixtures take
    #[command(
        after_help = "Example:\n  warbler plugin bench\n  warbler plugin bench plugins/auto-reply --fixture hello --seconds 10"
    )]
    Bench {
        /// A plugin's folder or a script
        #[arg(value_name = "DIR", default_value = ".")]
        path: PathBuf,
        /// This fixture only
        #[arg(long, value_name = "NAME")]
        fixture: Option<String>,
        /// How long each is measured
        #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=600))]
        seconds: u64,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// A language there is a beginning for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    Rust,
    /// TypeScript
    Ts,
    Python,
    C,
}

impl Language {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Ts => "ts",
            Self::Python => "python",
            Self::C => "c",
        }
    }
}

/// What a plugin is called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum HookWord {
    /// At events: messages, reactions, groups, …
    Event,
    /// For each message of a campaign
    Template,
    /// For each delivery to a webhook endpoint
    Webhook,
}

impl HookWord {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Template => "template",
            Self::Webhook => "webhook",
        }
    }
}
