//! The command line: what can be asked for, and its help.

mod access;
mod campaign;
mod plugin;
mod rules;
mod script;
mod webhook;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use warbler_domain::EngineName;

use crate::config::LogFormat;

pub(crate) use access::{Key, KeyVerb, User, UserVerb};
pub(crate) use campaign::{Campaign, CampaignVerb};
pub(crate) use plugin::{HookWord, Language, Plugin, PluginVerb};
pub(crate) use rules::{Rules, RulesVerb};
pub(crate) use script::{Message, Script, ScriptVerb};
pub(crate) use webhook::{NewWebhook, Webhook, WebhookVerb};

/// A self-hosted WhatsApp automation host: a REST API, WebAssembly plugins and scripts.
#[derive(Debug, Parser)]
#[command(
    name = "warbler",
    version,
    after_help = "Example:\n  warbler demo\n\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 no host answers, 4 the host refused."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) log: LogArguments,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What is logged to stderr.
#[derive(Debug, Args)]
pub(crate) struct LogArguments {
    /// What is logged: a level (error, warn, info, debug, trace) or a filter [env: WARBLER_LOG]
    #[arg(long = "log", value_name = "FILTER", global = true)]
    pub(crate) filter: Option<String>,
    /// How log lines look [env: WARBLER_LOG_FORMAT]
    #[arg(long = "log-format", value_name = "FORMAT", global = true)]
    pub(crate) format: Option<LogFormat>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the host
    #[command(
        after_help = "Example:\n  warbler serve --config warbler.toml --listen 127.0.0.1:3000"
    )]
    Serve(Serve),
    /// See it work: a host, a simulated network and a customer, all on this machine
    #[cfg(feature = "simulator")]
    #[command(
        after_help = "Example:\n  warbler demo --data demo-data\n  warbler demo --plugins .\n\nNothing leaves this machine: no phone, no account, no WhatsApp."
    )]
    Demo(Demo),
    /// Run the simulated network alone, to develop and test against
    #[cfg(feature = "simulator")]
    #[command(
        after_help = "Example:\n  warbler simulator --listen 127.0.0.1:5222 --http 127.0.0.1:5223 --person +15550100=Ada"
    )]
    Simulator(Simulator),
    /// Sessions of a running host: list, create, pair, start, stop, log out, delete
    #[command(after_help = "Example:\n  warbler session create shop\n  warbler session pair shop")]
    Session(Session),
    /// API keys of a running host: list, create, revoke
    #[command(after_help = "Example:\n  warbler key create n8n --scope send --session shop")]
    Key(Key),
    /// Users of a running host: list, add, change the password, disable, delete
    #[command(after_help = "Example:\n  warbler user add ada")]
    User(User),
    /// Events of a running host
    #[command(after_help = "Example:\n  warbler events tail --json")]
    Events(Events),
    /// Campaigns of a running host: list, create from CSV, start, pause, watch
    #[command(
        after_help = "Example:\n  warbler campaign create people.csv --session shop --text \"Hi {{Name}}!\""
    )]
    Campaign(Campaign),
    /// Extensions of a running host
    #[command(after_help = "Example:\n  warbler extensions list")]
    Extensions(Extensions),
    /// Rules of a running host: list, switch on and off, and try with a message
    #[command(after_help = "Example:\n  warbler rules test 'what is the price?' --session shop")]
    Rules(Rules),
    /// Webhooks of a running host: list, add, try, see what became of deliveries, replay, remove
    #[command(
        after_help = "Example:\n  warbler webhook add https://crm.example.com/hook --event 'message.*'"
    )]
    Webhook(Webhook),
    /// Write plugins: begin one, build it, test it, look at it, measure it
    #[command(
        after_help = "Example:\n  warbler plugin new greeter\n  cd greeter\n  warbler plugin build\n  warbler plugin test"
    )]
    Plugin(Plugin),
    /// Write scripts: begin one, check it, test it, read what it can do
    #[command(
        after_help = "Example:\n  warbler script new greeter\n  warbler script check greeter.rhai\n  warbler script test greeter.rhai"
    )]
    Script(Script),
    /// Look whether everything is as it should be
    #[command(after_help = "Example:\n  warbler doctor --config warbler.toml")]
    Doctor(Doctor),
    /// Copy the database into a file, while the host runs or not
    #[command(
        after_help = "Example:\n  warbler backup /backups/warbler-monday.db --media\n\nRun it where the data folder is, as the host's user. The copy holds every key of the linked devices."
    )]
    Backup(Backup),
    /// Put a backup in place of the database of a stopped host
    #[command(
        after_help = "Example:\n  warbler restore /backups/warbler-monday.db --data warbler-data\n\nThe database that was there is kept aside in the data folder."
    )]
    Restore(Restore),
}

/// Run the host.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The configuration file; every setting has a default
    #[arg(long, value_name = "FILE", env = "WARBLER_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Where the API listens [env: WARBLER_LISTEN] [default: 127.0.0.1:3000]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// The folder with everything that must survive [env: WARBLER_DATA] [default: warbler-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Allow --listen to be an address that other machines reach
    #[arg(long)]
    pub(crate) allow_remote: bool,
}

/// See it work.
#[cfg(feature = "simulator")]
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Where the API listens; loopback only
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    pub(crate) listen: SocketAddr,
    /// Keep everything in this folder instead of a temporary one
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// A folder with plugins besides the shipped ones, or a plugin's own; may be repeated
    #[arg(long = "plugins", value_name = "DIR")]
    pub(crate) plugins: Vec<PathBuf>,
    /// A folder with scripts besides the shipped ones; may be repeated
    #[arg(long = "scripts", value_name = "DIR")]
    pub(crate) scripts: Vec<PathBuf>,
}

/// Run the simulated network alone.
#[cfg(feature = "simulator")]
#[derive(Debug, Args)]
pub(crate) struct Simulator {
    /// Where WhatsApp clients connect; loopback only
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:5222")]
    pub(crate) listen: SocketAddr,
    /// Where media and the control API are served; loopback only
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:5223")]
    pub(crate) http: SocketAddr,
    /// A person with a phone; may be repeated
    #[arg(long = "person", value_name = "NUMBER=NAME")]
    pub(crate) people: Vec<String>,
}

/// How to reach a running host.
#[derive(Debug, Args)]
pub(crate) struct Reach {
    /// The host
    #[arg(
        long,
        value_name = "URL",
        env = "WARBLER_URL",
        default_value = "http://127.0.0.1:3000",
        global = true
    )]
    pub(crate) url: String,
    /// A file with an API key; else WARBLER_KEY, else `admin.key` in the data folder
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) key_file: Option<PathBuf>,
    /// The host's data folder, where `admin.key` is [env: WARBLER_DATA] [default: warbler-data]
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) data: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// Sessions of a running host.
#[derive(Debug, Args)]
pub(crate) struct Session {
    #[command(flatten)]
    pub(crate) reach: Reach,
    #[command(subcommand)]
    pub(crate) verb: SessionVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SessionVerb {
    /// All sessions and where they stand
    #[command(after_help = "Example:\n  warbler session list --json")]
    List,
    /// Make a session; pair it next
    #[command(after_help = "Example:\n  warbler session create shop")]
    Create {
        /// Its name
        name: String,
        /// The engine it runs on, whatsapp-rust or wa-rs, instead of the host's default
        #[arg(long, value_name = "ENGINE")]
        engine: Option<EngineName>,
    },
    /// Let a stopped session that is linked to no phone run on another engine
    #[command(after_help = "Example:\n  warbler session engine shop wa-rs")]
    Engine {
        /// The session
        name: String,
        /// The engine: whatsapp-rust or wa-rs
        engine: EngineName,
    },
    /// Link a session to a phone: by the QR drawn here, or by a code to type on the phone
    #[command(
        after_help = "Example:\n  warbler session pair shop\n  warbler session pair shop --code +15550100"
    )]
    Pair {
        /// The session
        name: String,
        /// Show a code to type on the phone with this number instead of a QR
        #[arg(long, value_name = "PHONE")]
        code: Option<String>,
    },
    /// Start a session, now and after every restart of the host
    #[command(after_help = "Example:\n  warbler session start shop")]
    Start {
        /// The session
        name: String,
    },
    /// Stop a session; it stays linked to its phone
    #[command(after_help = "Example:\n  warbler session stop shop")]
    Stop {
        /// The session
        name: String,
    },
    /// Unlink a session from its phone
    #[command(after_help = "Example:\n  warbler session logout shop")]
    Logout {
        /// The session
        name: String,
    },
    /// Delete a session with its messages, events and keys
    #[command(after_help = "Example:\n  warbler session delete shop")]
    Delete {
        /// The session
        name: String,
    },
}

/// Events of a running host.
#[derive(Debug, Args)]
pub(crate) struct Events {
    #[command(flatten)]
    pub(crate) reach: Reach,
    #[command(subcommand)]
    pub(crate) verb: EventsVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EventsVerb {
    /// Print events as they happen, until ctrl-c
    #[command(
        after_help = "Example:\n  warbler events tail\n  warbler events tail --json | jq .kind"
    )]
    Tail,
    /// Draw an event's way through the extensions: who was called, what came of it, who was not and why
    #[command(
        after_help = "Example:\n  warbler events explain 0192f0c1-9a12-7d40-b1c2-d3e4f5061728"
    )]
    Explain {
        /// The event's id, as `events tail --json` shows it
        id: String,
    },
}

/// Extensions of a running host.
#[derive(Debug, Args)]
pub(crate) struct Extensions {
    #[command(flatten)]
    pub(crate) reach: Reach,
    #[command(subcommand)]
    pub(crate) verb: ExtensionsVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ExtensionsVerb {
    /// All plugins and scripts, and why one does not run
    #[command(after_help = "Example:\n  warbler extensions list --json")]
    List,
    /// Take events of the past through two versions of an extension and show where they differ
    #[command(
        after_help = "Example:\n  warbler extensions replay auto-reply --events 100\n\nNothing is sent and nothing is stored: it shows what would be."
    )]
    Replay {
        /// The extension
        name: String,
        /// How many events, the newest ones that it is called for: 1 to 200
        #[arg(long, value_name = "N", default_value_t = 50, conflicts_with = "event")]
        events: u32,
        /// One event instead
        #[arg(long, value_name = "ID")]
        event: Option<String>,
    },
    /// What an extension has done and used since its version was loaded
    #[command(after_help = "Example:\n  warbler extensions usage auto-reply")]
    Usage {
        /// The extension
        name: String,
    },
    /// What an extension asks for, what it is granted by whom, and what holds
    #[command(after_help = "Example:\n  warbler extensions grants newsletter")]
    Grants {
        /// The extension
        name: String,
    },
    /// Grant an extension something, now and after every restart of the host
    #[command(
        after_help = "Example:\n  warbler extensions grant newsletter send=contacts rate=30\n  warbler extensions grant newsletter http=https://api.example.com,https://b.org\n  warbler extensions grant newsletter send=\n\nNothing after the `=` takes a grant back. What warbler.toml says goes over what is granted so."
    )]
    Grant {
        /// The extension
        name: String,
        /// What to grant: send, http, secrets, history, memory, sessions, rate or warm
        #[arg(required = true, value_name = "KEY=VALUE")]
        grants: Vec<String>,
    },
}

/// Copy the database into a file.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The file to make; it must not exist
    pub(crate) file: PathBuf,
    /// Copy the media too, into the folder FILE.media; what is there already is not copied again
    #[arg(long)]
    pub(crate) media: bool,
    /// The configuration file that names the data folder
    #[arg(long, value_name = "FILE", env = "WARBLER_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// The data folder [env: WARBLER_DATA] [default: warbler-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Put a backup in place of the database of a stopped host.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The backup; the media in FILE.media are put back too
    pub(crate) file: PathBuf,
    /// The configuration file that names the data folder
    #[arg(long, value_name = "FILE", env = "WARBLER_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// The data folder [env: WARBLER_DATA] [default: warbler-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Look whether everything is as it should be.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// The configuration file to look at
    #[arg(long, value_name = "FILE", env = "WARBLER_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// The data folder [env: WARBLER_DATA] [default: warbler-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Arguments;

    #[test]
    fn every_command_has_an_example() {
        fn walk(command: &clap::Command, missing: &mut Vec<String>) {
            if !command
                .get_after_help()
                .is_some_and(|help| help.to_string().contains("warbler "))
            {
                missing.push(command.get_name().to_owned());
            }
            command
                .get_subcommands()
                .for_each(|inner| walk(inner, missing));
        }
        let command = Arguments::command();
        command.clone().debug_assert();
        let mut missing = Vec::new();
        walk(&command, &mut missing);
        assert!(missing.is_empty(), "{missing:?}");
    }
}
