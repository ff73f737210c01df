//! `warbler doctor`: whether everything is as it should be, and what to do where it is not.
//!
//! The database is opened only when no host has it, and as a host would: an older schema is brought
//! up to date.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use tokio::net::TcpListener;
use warbler_app::driver::EngineCapability;
use warbler_domain::EngineName;
use warbler_store::integrity::{self, Looked};
use warbler_store::{Store, StoreOptions};

use crate::args::Doctor;
use crate::config::{Config, Environment};
use crate::failure::Failure;
use crate::host::{DATABASE, DataFolder, KEY_FILE, NetworkChoice};
use crate::terminal::{Screen, plain};

/// The engines this binary talks to WhatsApp with.
const ENGINES: [(EngineName, &str); 2] = [
    (EngineName::WhatsappRust, "0.7.0"),
    (EngineName::WaRs, "0.2.0"),
];
/// How long the database may be looked at.
const LOOK: Duration = Duration::from_secs(60);

/// How one thing stands.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Standing {
    Good,
    Note,
    Bad,
}

/// One thing that was looked at.
#[derive(Serialize)]
struct Finding {
    what: &'static str,
    standing: Standing,
    detail: String,
}

impl Finding {
    fn new(what: &'static str, standing: Standing, detail: impl Into<String>) -> Self {
        Self {
            what,
            standing,
            detail: detail.into(),
        }
    }
}

/// Looks, tells, and fails when something is bad.
pub(super) async fn run(
    args: Doctor,
    environment: &Environment,
    screen: Screen,
) -> Result<(), Failure> {
    let mut findings = vec![build()];
    findings.extend(ENGINES.map(engine));
    match Config::load(args.config.as_deref(), environment) {
        Err(err) => findings.push(Finding::new(
            "configuration",
            Standing::Bad,
            err.to_string(),
        )),
        Ok(config) => {
            let from = args
                .config
                .as_ref()
                .map_or("defaults".to_owned(), |path| path.display().to_string());
            findings.push(Finding::new("configuration", Standing::Good, from));
            let data = args.data.unwrap_or_else(|| config.data.dir.clone());
            findings.extend(look(&config, &data).await);
        }
    }
    tell(&findings, args.json, screen)?;
    match findings
        .iter()
        .filter(|finding| finding.standing == Standing::Bad)
        .count()
    {
        0 => Ok(()),
        bad => Err(Failure::failed(format!(
            "{bad} of {} things need attention",
            findings.len()
        ))),
    }
}

fn build() -> Finding {
    let version = env!("CARGO_PKG_VERSION");
    if cfg!(feature = "simulator") {
        let detail = format!(
            "{version}, with the simulator: the demo works, and WhatsApp's certificate chain is verified by TLS only. Use a build with --no-default-features for real accounts"
        );
        Finding::new("build", Standing::Note, detail)
    } else {
        let detail =
            format!("{version}, serve only: WhatsApp's certificate chains are verified in full");
        Finding::new("build", Standing::Good, detail)
    }
}

/// An engine, and what it cannot do of what engines differ in.
fn engine((name, version): (EngineName, &str)) -> Finding {
    let capabilities = warbler_whatsapp::capabilities(name);
    let lacks: Vec<&str> = EngineCapability::ALL
        .into_iter()
        .filter(|capability| !capabilities.contains(capability))
        .map(EngineCapability::word)
        .collect();
    let detail = match lacks.as_slice() {
        [] => format!("{name} {version}"),
        lacks => format!("{name} {version}, without {}", lacks.join(", ")),
    };
    let standing = match name {
        EngineName::WhatsappRust => Standing::Good,
        EngineName::WaRs => Standing::Note,
    };
    Finding::new("engine", standing, detail)
}

async fn look(config: &Config, data: &Path) -> Vec<Finding> {
    let user = DataFolder::user_of(data);
    let mut findings = vec![
        folder(data, user),
        network(config),
        listener(config, user.is_some()).await,
    ];
    findings.push(match user {
        Some(_) => Finding::new("database", Standing::Good, "in use by the running host"),
        None => database(data).await,
    });
    findings.extend(integrity(data).await);
    findings.push(key(config, data));
    findings.extend(extensions(config));
    findings
}

fn folder(data: &Path, user: Option<Option<u32>>) -> Finding {
    let shown = data.display();
    match (std::fs::metadata(data), user) {
        (Err(err), _) if err.kind() == std::io::ErrorKind::NotFound => Finding::new(
            "data folder",
            Standing::Note,
            format!("{shown} does not exist; the first start makes it"),
        ),
        (Err(err), _) => Finding::new("data folder", Standing::Bad, format!("{shown}: {err}")),
        (Ok(meta), _) if !meta.is_dir() => Finding::new(
            "data folder",
            Standing::Bad,
            format!("{shown} is not a folder"),
        ),
        (Ok(meta), _) if meta.permissions().readonly() => Finding::new(
            "data folder",
            Standing::Bad,
            format!("{shown} is read-only for this user"),
        ),
        (Ok(_), Some(user)) => {
            let who = user.map_or_else(String::new, |id| format!(", process {id}"));
            Finding::new(
                "data folder",
                Standing::Good,
                format!("{shown}, in use by a running host{who}"),
            )
        }
        (Ok(_), None) => Finding::new(
            "data folder",
            Standing::Good,
            format!("{shown}, no host is running on it"),
        ),
    }
}

fn network(config: &Config) -> Finding {
    match config.network.choice() {
        Ok(NetworkChoice::Real) => Finding::new("network", Standing::Good, "WhatsApp"),
        Ok(_) if !cfg!(feature = "simulator") => Finding::new(
            "network",
            Standing::Bad,
            "the configuration names a simulated network, which this build cannot use",
        ),
        Ok(_) => Finding::new(
            "network",
            Standing::Note,
            format!(
                "the simulated network at {}, not WhatsApp",
                config.network.websocket_url
            ),
        ),
        Err(err) => Finding::new("network", Standing::Bad, err.to_string()),
    }
}

async fn listener(config: &Config, running: bool) -> Finding {
    let address = config.server.listen;
    if !address.ip().to_canonical().is_loopback() && !config.server.allow_remote {
        let detail = format!(
            "{address} can be reached from other machines; set allow_remote = true if that is meant"
        );
        return Finding::new("listener", Standing::Bad, detail);
    }
    match TcpListener::bind(address).await {
        Ok(_) => Finding::new("listener", Standing::Good, format!("{address} is free")),
        Err(err) if err.kind() == std::io::ErrorKind::AddrInUse && running => Finding::new(
            "listener",
            Standing::Good,
            format!("{address} is in use, probably by the running host"),
        ),
        Err(err) => Finding::new("listener", Standing::Bad, format!("{address}: {err}")),
    }
}

async fn database(data: &Path) -> Finding {
    let path = data.join(DATABASE);
    if !path.is_file() {
        return Finding::new(
            "database",
            Standing::Note,
            "none yet; the first start makes it",
        );
    }
    // Keeps a host from starting in the middle of the look.
    let held = match DataFolder::open(data) {
        Ok(held) => held,
        Err(err) => return Finding::new("database", Standing::Bad, err.to_string()),
    };
    let finding = match Store::open(&StoreOptions::new(&path)) {
        Err(err) => Finding::new(
            "database",
            Standing::Bad,
            format!("{}: {err}", path.display()),
        ),
        Ok(store) => {
            let asked = store.read(|db| {
                Ok::<_, warbler_store::Error>((db.sessions().list()?.len(), db.events().newest()?))
            });
            let finding = match asked.await {
                Ok((sessions, events)) => Finding::new(
                    "database",
                    Standing::Good,
                    format!("{}: {sessions} sessions, {events} events", path.display()),
                ),
                Err(err) => Finding::new(
                    "database",
                    Standing::Bad,
                    format!("{}: {err}", path.display()),
                ),
            };
            store.close().await;
            finding
        }
    };
    drop(held);
    finding
}

/// Looks through the whole file; a host may be running on it.
async fn integrity(data: &Path) -> Option<Finding> {
    let path = data.join(DATABASE);
    if !path.is_file() {
        return None;
    }
    let looked = tokio::task::spawn_blocking(move || integrity::look_at(&path, LOOK)).await;
    Some(match looked {
        Ok(Ok(Looked::Whole)) => Finding::new("integrity", Standing::Good, "nothing is damaged"),
        Ok(Ok(Looked::InPart)) => {
            let detail = format!(
                "nothing damaged was found in {} s, which was not enough for all of it",
                LOOK.as_secs()
            );
            Finding::new("integrity", Standing::Note, detail)
        }
        Ok(Err(err)) => Finding::new("integrity", Standing::Bad, err.to_string()),
        Err(_) => Finding::new("integrity", Standing::Bad, "the check broke off"),
    })
}

fn key(config: &Config, data: &Path) -> Finding {
    let file = data.join(KEY_FILE);
    if config.access.admin_key.is_some() {
        Finding::new(
            "admin key",
            Standing::Good,
            "chosen by configuration or environment",
        )
    } else if !file.exists() {
        Finding::new(
            "admin key",
            Standing::Note,
            format!("{} is not there; the first start writes it", file.display()),
        )
    } else if is_readable_by_others(&file) {
        let detail = format!(
            "{0} can be read by other users; `chmod 600 {0}`",
            file.display()
        );
        Finding::new("admin key", Standing::Bad, detail)
    } else {
        Finding::new("admin key", Standing::Good, file.display().to_string())
    }
}

#[cfg(unix)]
fn is_readable_by_others(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_readable_by_others(_file: &Path) -> bool {
    false
}

fn extensions(config: &Config) -> Vec<Finding> {
    let kinds = [
        ("plugins", &config.extensions.plugins),
        ("scripts", &config.extensions.scripts),
    ];
    let folders = kinds
        .into_iter()
        .flat_map(|(what, folders)| folders.iter().map(move |folder| (what, folder)));
    folders
        .map(|(what, folder)| match std::fs::read_dir(folder) {
            Ok(entries) => {
                let count = entries
                    .filter_map(Result::ok)
                    .filter(|entry| is_extension(&entry.path()))
                    .count();
                Finding::new(
                    what,
                    Standing::Good,
                    format!("{}: {count}", folder.display()),
                )
            }
            Err(err) if err.kind() == std::io::ErrorKind::NotFound => {
                let detail = format!(
                    "the folder {} does not exist; nothing is loaded from it",
                    folder.display()
                );
                Finding::new(what, Standing::Note, detail)
            }
            Err(err) => Finding::new(what, Standing::Note, format!("{}: {err}", folder.display())),
        })
        .collect()
}

fn is_extension(path: &Path) -> bool {
    let ends = path.extension().and_then(|ends| ends.to_str());
    matches!(ends, Some("wasm" | "rhai")) || path.join("plugin.toml").is_file()
}

fn tell(findings: &[Finding], as_json: bool, screen: Screen) -> Result<(), Failure> {
    if as_json {
        screen.line(json!({ "version": env!("CARGO_PKG_VERSION"), "findings": findings }))?;
        return Ok(());
    }
    for finding in findings {
        let mark = match finding.standing {
            Standing::Good => screen.good("✓"),
            Standing::Note => screen.warn("!"),
            Standing::Bad => screen.bad("✗"),
        };
        screen.line(format!(
            "{mark} {:<14} {}",
            finding.what,
            plain(&finding.detail, 400)
        ))?;
    }
    Ok(())
}
