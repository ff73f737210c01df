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
    /// Run the fixtures of a script, or of all in a folder, as the host would; or give it a message
    /// and see which rule is used, and what the others lack
    #[command(
        after_help = "Example:\n  warbler script test scripts\n  warbler script test greeter.rhai --bless\n  warbler script test shop.rhai --text 'what is the price?' --at 2026-05-04T20:00:00Z\n  warbler script test orders.rhai --text 'order 4711' --answer https://api.example.com/orders/4711 '{\"state\":\"shipped\"}'\n\nA message is given to each script by itself, with all it asks for granted; nothing is sent, and\nno server is asked.\n\nExit codes: 0 all passed, 1 some did not."
    )]
    Test {
        /// A script, or a folder of them
        #[arg(value_name = "PATH", default_value = ".")]
        path: PathBuf,
        /// Write what happens into the fixtures, as what is expected from now on
        #[arg(long, conflicts_with_all = ["text", "kind"])]
        bless: bool,
        #[command(flatten)]
        message: Message,
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

/// A message to give to scripts in place of their fixtures.
#[derive(Debug, Args)]
pub(crate) struct Message {
    /// The text of a message, or what stands below a medium
    #[arg(long)]
    pub(crate) text: Option<String>,
    /// Its kind: text, image, video, gif, voice, audio, document, sticker or location
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Who writes
    #[arg(long, value_name = "NUMBER")]
    pub(crate) from: Option<String>,
    /// What they are called
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// In which chat, such as a group
    #[arg(long, value_name = "CHAT")]
    pub(crate) chat: Option<String>,
    /// When, such as 2026-05-04T10:00:00Z; now, when absent
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// What a server answers: its whole URL, and the text of the answer, or a status such as 404;
    /// as often as there are servers to ask
    #[arg(long, num_args = 2, value_names = ["URL", "ANSWER"], requires = "text")]
    pub(crate) answer: Vec<String>,
}
