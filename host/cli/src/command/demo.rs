//! `warbler demo`: everything at once, on this machine only.
//!
//! The same host as `serve` runs against an embedded simulated network: same driver, same
//! end-to-end encryption, same plugins and scripts. A simulated phone scans the QR of the session
//! `demo`, a simulated customer asks two questions, and the extensions answer.

mod conversation;
mod folders;
mod linking;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tempfile::TempDir;
use warbler_api::{DialectOptions, Switch};
use warbler_app::Settings;
use warbler_app::media::MediaSettings;
use warbler_domain::{Dialect, SessionName};
use warbler_simulator::{NetworkOptions, Person};

use super::user_cache;
use crate::args::Demo;
use crate::failure::Failure;
use crate::host::{Host, HostOptions, NetworkChoice};
use crate::signals::asked_to_end;
use crate::terminal::Screen;
use conversation::{Conversation, Detail};
use folders::Folders;

/// The session everything happens on.
const SESSION: &str = "demo";
/// The number of the phone that scans the QR, and its owner.
const OWNER: (&str, &str) = ("+15550123", "Warbler Demo");
/// The customer.
const CUSTOMER: (&str, &str) = ("+15550100", "Ada");
/// Where each dialect is whose document says so, or leaves it open.
const PORTS: [(Dialect, u16); 2] = [(Dialect::Suite, 3100), (Dialect::Hub, 5001)];
/// What the customer asks: a question for the plugin, one for the script.
const QUESTIONS: [&str; 2] = ["what is the price?", "when are you open?"];

/// Runs the demo until it is asked to end.
pub(super) async fn run(args: Demo, screen: Screen) -> Result<(), Failure> {
    if !args.listen.ip().to_canonical().is_loopback() {
        return Err(Failure::Usage(format!(
            "the demo is for this machine only, and {} can be reached from others; use `warbler serve` for that",
            args.listen
        )));
    }
    let data = DataDir::of(args.data)?;
    let folders = Folders::find(args.plugins, args.scripts, data.path())?;
    screen.line("")?;
    screen.line(format!(
        "  {}  {}",
        screen.strong(concat!("Warbler ", env!("CARGO_PKG_VERSION"), " demo")),
        screen.faint("everything on this machine: no phone, no account, nothing reaches WhatsApp")
    ))?;
    screen.line("")?;
    let options = HostOptions {
        listen: args.listen,
        plugin_dirs: folders.plugins.clone(),
        compiled: user_cache(),
        script_dirs: folders.scripts.clone(),
        device_name: "Warbler Demo".to_owned(),
        dialects: dialects(args.listen),
        public_url: match args.listen.port() {
            0 => String::new(),
            _ => format!("http://{}", args.listen),
        },
        settings: reaching_this_machine(),
        ..HostOptions::new(
            data.path(),
            NetworkChoice::Embedded(NetworkOptions::default()),
        )
    };
    let mut host = Host::start(options).await?;
    let story = async {
        tokio::select! {
            told = story(&mut host, &folders, screen) => told,
            asked = asked_to_end() => Ok(asked?),
        }
    };
    let ended = Box::pin(story).await;
    // Even when nobody reads any more, the host has to be stopped.
    let told = screen.line(format!("\n{}", screen.faint("  stopping …")));
    host.stop().await;
    ended?;
    told?;
    Ok(screen.line(screen.faint(data.farewell()))?)
}

/// Everything of a demo is on this machine, receivers of webhooks too. They may fetch the media of
/// messages, as documents have it.
fn reaching_this_machine() -> Settings {
    Settings {
        media: MediaSettings {
            public: true,
            ..MediaSettings::default()
        },
        outbound: vec!["127.0.0.1".to_owned()].try_into().unwrap_or_default(),
        ..Settings::default()
    }
}

/// Every dialect as its document has it, unsafe behaviour included: whoever tries the documented
/// examples is on this machine. Some have a port of their own, unless something else has it.
fn dialects(listen: SocketAddr) -> DialectOptions {
    let mut options = DialectOptions {
        root: Some(Dialect::Gateway),
        documented_unsafe: Switch::ALL.into_iter().collect(),
        ..DialectOptions::default()
    };
    for (dialect, port) in PORTS {
        let port = if listen.port() == 0 { 0 } else { port };
        let address = SocketAddr::new(listen.ip(), port);
        if let Some(mount) = options.mounts.get_mut(&dialect)
            && (port == 0 || address != listen)
            && std::net::TcpListener::bind(address).is_ok()
        {
            mount.listen = Some(address);
        }
    }
    options
}

/// Links, talks, explains, and then shows what happens for as long as it is let.
async fn story(host: &mut Host, folders: &Folders, screen: Screen) -> Result<(), Failure> {
    let network = host
        .network()
        .context("the demo has no simulated network")?
        .clone();
    let done = |text: String| screen.line(format!("  {} {text}", screen.good("✓")));
    done(format!(
        "simulated network on {}",
        screen.accent(network.websocket_url())
    ))?;
    for line in folders.told(host.registry()) {
        done(line)?;
    }
    done(format!("API on {}", screen.accent(host.base_url())))?;
    for dialect in Dialect::ALL {
        let own = host.dialect_url(dialect);
        let url = own.unwrap_or_else(|| format!("{}/{dialect}", host.base_url()));
        done(format!("dialect {dialect} on {}", screen.accent(url)))?;
    }
    screen.line(screen.faint(
        "    as their documents have them, what is unsafe included: only this machine reaches them",
    ))?;

    let person = |(number, name): (&str, &str)| -> anyhow::Result<Person> {
        network
            .person(number, name)
            .with_context(|| format!("{name} could not join the simulated network"))
    };
    let (owner, customer) = (person(OWNER)?, person(CUSTOMER)?);
    let session: SessionName = SESSION.parse().map_err(anyhow::Error::from)?;
    Box::pin(linking::link(host, &owner, &session, screen)).await?;

    screen.line("")?;
    let detail = if folders.has_own() {
        Detail::Walks
    } else {
        Detail::Talk
    };
    let talk = Conversation::new(host, network, &owner, session, screen, detail);
    let mut conversation = talk.await?;
    for question in QUESTIONS {
        Box::pin(conversation.ask(&customer, &owner, question)).await?;
    }
    drop(host.usable_key().await?);
    try_this(host, folders, screen)?;
    loop {
        tokio::select! {
            seen = conversation.next() => Box::pin(conversation.show(seen?)).await?,
            failed = host.listener_failed() => return Err(failed.into()),
        }
    }
}

fn try_this(host: &Host, folders: &Folders, screen: Screen) -> Result<(), Failure> {
    let url = host.base_url();
    let key = format!(
        "-H \"X-API-Key: $(cat {})\"",
        shell_word(&host.key_file().display().to_string())
    );
    let number = CUSTOMER.0.trim_start_matches('+');
    screen.line("")?;
    screen.line(screen.strong("  Three things to try, in another terminal"))?;
    screen.line("")?;
    screen.line("  1. Write as the customer:")?;
    screen.line(format!(
        "     curl {url}/v1/simulator/contacts/{number}/messages {key} \\"
    ))?;
    screen
        .line("       -H 'Content-Type: application/json' -d '{\"text\": \"do you deliver?\"}'")?;
    screen.line("")?;
    screen.line("  2. Change what is answered: edit a file, save, ask again. No restart.")?;
    for file in folders.files_to_edit() {
        screen.line(format!("     {}", screen.accent(shown(&file))))?;
    }
    screen.line("")?;
    screen.line("  3. Watch every event as it happens:")?;
    screen.line(format!("     curl -N {url}/v1/events/stream {key}"))?;
    screen.line("")?;
    screen.line(screen.faint(format!(
        "  The API is described at {url}/docs. Ctrl-c ends the demo."
    )))?;
    screen.line("")?;
    Ok(())
}

/// The path as one writes it here: relative where that is shorter.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let relative = here
        .as_deref()
        .and_then(|here| path.strip_prefix(here).ok());
    relative
        .filter(|path| !path.as_os_str().is_empty())
        .unwrap_or(path)
        .display()
        .to_string()
}

/// `text` as one word of a shell.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@".contains(c);
    if text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// Where the demo keeps its data.
enum DataDir {
    Temporary(TempDir),
    Kept(PathBuf),
}

impl DataDir {
    fn of(chosen: Option<PathBuf>) -> Result<Self, Failure> {
        match chosen {
            Some(path) => Ok(Self::Kept(path)),
            None => {
                let dir = tempfile::Builder::new().prefix("warbler-demo-").tempdir();
                Ok(Self::Temporary(dir.context(
                    "no temporary folder could be made; name one with --data",
                )?))
            }
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Temporary(dir) => dir.path(),
            Self::Kept(path) => path,
        }
    }

    fn farewell(&self) -> String {
        match self {
            Self::Temporary(_) => "  The demo has ended and left nothing behind.".to_owned(),
            Self::Kept(path) => {
                format!("  The demo has ended; its data stay in {}.", path.display())
            }
        }
    }
}
