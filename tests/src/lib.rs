//! The harness: the whole host on a free port, with the simulated network below it.
//!
//! Nothing is replaced but WhatsApp itself: real SQLite files, real components, the real driver
//! over the real protocol. Tests wait for what they expect, never for time to pass.

mod api;
mod conversation;
mod documented;
mod process;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;
use warbler_app::{App, Settings};
use warbler_cli::host::{Host, HostOptions, NetworkChoice};
use warbler_domain::{Dialect, Secret};
use warbler_simulator::{Network, NetworkOptions, Person};

pub use api::{Answer, Api};
pub use conversation::{Shop, eventually, hears_text, link, reaches_state};
pub use documented::{Ask, Documented, Endpoint};
pub use process::HostProcess;

/// The key of every test host.
pub const KEY: &str = "wbl_test_key_of_the_integration_tests";

/// How long a test waits for something that must happen.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A running host, its network, and its folders.
pub struct TestHost {
    host: Option<Host>,
    network: Network,
    dir: TempDir,
    api: Api,
    change: Change,
}

/// What a test wants otherwise than it is.
type Change = Arc<dyn Fn(&mut HostOptions) + Send + Sync>;

impl TestHost {
    /// A host without extensions.
    pub async fn start() -> Result<Self> {
        Self::start_with(quick_settings()).await
    }

    /// A host that behaves as `settings` say.
    pub async fn start_with(settings: Settings) -> Result<Self> {
        Self::start_as(move |options| options.settings = settings.clone()).await
    }

    /// A host with some options changed, now and at every restart.
    pub async fn start_as(
        change: impl Fn(&mut HostOptions) + Send + Sync + 'static,
    ) -> Result<Self> {
        show_logs();
        let network = Network::start(NetworkOptions::default()).await?;
        let dir = tempfile::tempdir()?;
        for folder in ["plugins", "scripts"] {
            std::fs::create_dir_all(dir.path().join(folder))?;
        }
        let change: Change = Arc::new(change);
        let host = start_host(dir.path(), &network, &change).await?;
        let api = Api::new(&host.base_url())?;
        Ok(Self {
            host: Some(host),
            network,
            dir,
            api,
            change,
        })
    }

    /// A host with the shipped plugin and script.
    pub async fn with_shipped_extensions() -> Result<Self> {
        let host = Self::start().await?;
        host.put_plugin("auto-reply").await?;
        host.put_script("opening_hours", &shipped_script("opening_hours")?)
            .await?;
        Ok(host)
    }

    /// Stops the host cleanly and starts it again on the same data and network.
    pub async fn restart(&mut self) -> Result<()> {
        if let Some(host) = self.host.take() {
            host.stop().await;
        }
        let host = start_host(self.dir.path(), &self.network, &self.change).await?;
        self.api = Api::new(&host.base_url())?;
        self.host = Some(host);
        Ok(())
    }

    /// Stops the host and leaves it stopped, while `f` runs; then starts it again.
    pub async fn while_stopped<F: Future<Output = Result<()>>>(&mut self, f: F) -> Result<()> {
        if let Some(host) = self.host.take() {
            host.stop().await;
        }
        f.await?;
        let host = start_host(self.dir.path(), &self.network, &self.change).await?;
        self.api = Api::new(&host.base_url())?;
        self.host = Some(host);
        Ok(())
    }

    /// What it is started with.
    pub fn options(&self) -> HostOptions {
        options(self.dir.path(), &self.network, &self.change)
    }

    /// Its API, with the admin key.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// Its core, while it runs.
    pub fn app(&self) -> Result<&App> {
        Ok(self.host.as_ref().context("the host is stopped")?.app())
    }

    /// Where a dialect has a listener of its own.
    pub fn dialect_url(&self, dialect: Dialect) -> Result<String> {
        let host = self.host.as_ref().context("the host is stopped")?;
        host.dialect_url(dialect)
            .context("the dialect has no listener of its own")
    }

    /// The network below it.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Its data folder.
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// A session that is paired by QR with the phone of `number`, and connected.
    pub async fn connected_session(&self, name: &str, number: &str) -> Result<Shop<'_>> {
        let owner = self.network.person(number, &format!("Owner of {name}"))?;
        link(&self.api, name, &owner).await?;
        Ok(Shop::new(self, name, owner))
    }

    /// A session that exists already, as a [`Shop`].
    pub fn shop(&self, name: &str, number: &str) -> Result<Shop<'_>> {
        let owner = self.network.find_person(number).context("the owner")?;
        Ok(Shop::new(self, name, owner))
    }

    /// Waits until the session is connected.
    pub async fn is_connected(&self, name: &str) -> Result<()> {
        self.is_in_state(name, "connected").await
    }

    /// Waits until the session is in `state`.
    pub async fn is_in_state(&self, name: &str, state: &str) -> Result<()> {
        reaches_state(&self.api, name, state).await
    }

    /// Somebody on the network.
    pub fn person(&self, number: &str, name: &str) -> Result<Person> {
        Ok(self.network.person(number, name)?)
    }

    /// Puts a script into its folder and waits until that version runs.
    pub async fn put_script(&self, name: &str, source: &str) -> Result<()> {
        let before = self.generation(name).await?;
        std::fs::write(self.script_path(name), source)?;
        self.runs_another(name, before).await
    }

    /// Puts a script into its folder and waits until it is refused; the extension as it is shown.
    pub async fn put_broken_script(&self, name: &str, source: &str) -> Result<serde_json::Value> {
        std::fs::write(self.script_path(name), source)?;
        self.shows_error(name).await
    }

    /// Waits until an extension shows an error.
    pub async fn shows_error(&self, name: &str) -> Result<serde_json::Value> {
        eventually(&format!("{name} shows an error"), || async {
            let found = self.extension(name).await?;
            Ok(found.filter(|extension| !extension["lastError"].is_null()))
        })
        .await
    }

    /// Where a script is.
    pub fn script_path(&self, name: &str) -> PathBuf {
        self.dir.path().join("scripts").join(format!("{name}.rhai"))
    }

    /// Copies a shipped plugin into the folder and waits until it runs.
    pub async fn put_plugin(&self, name: &str) -> Result<()> {
        let before = self.generation(name).await?;
        let to = self.plugin_dir(name)?;
        let from = project_root()?.join("plugins").join(name);
        for file in ["plugin.toml", &format!("{name}.wasm")] {
            std::fs::copy(from.join(file), to.join(file))
                .with_context(|| format!("{name}/{file}"))?;
        }
        self.runs_another(name, before).await
    }

    /// Puts a component given as text into the folder, with a manifest; does not wait.
    pub fn put_guest(&self, name: &str, manifest: &str, component: &[u8]) -> Result<()> {
        let dir = self.plugin_dir(name)?;
        std::fs::write(dir.join(format!("{name}.wasm")), component)?;
        std::fs::write(
            dir.join("plugin.toml"),
            format!("component = \"{name}.wasm\"\n{manifest}"),
        )?;
        Ok(())
    }

    /// The extension of this name, as `/v1/extensions` shows it.
    pub async fn extension(&self, name: &str) -> Result<Option<serde_json::Value>> {
        let all = self.api.get("/v1/extensions").await?.expect(200)?;
        let items = all.body["items"].as_array().context("items")?;
        Ok(items.iter().find(|item| item["name"] == name).cloned())
    }

    fn plugin_dir(&self, name: &str) -> Result<PathBuf> {
        let dir = self.dir.path().join("plugins").join(name);
        std::fs::create_dir_all(&dir)?;
        Ok(dir)
    }

    async fn generation(&self, name: &str) -> Result<Option<String>> {
        let extension = self.extension(name).await?;
        Ok(extension.and_then(|e| e["generation"].as_str().map(str::to_owned)))
    }

    async fn runs_another(&self, name: &str, before: Option<String>) -> Result<()> {
        eventually(&format!("another version of {name} runs"), || async {
            let now = self.generation(name).await?;
            Ok((now.is_some() && now != before).then_some(()))
        })
        .await
    }

    /// Stops everything.
    pub async fn stop(mut self) {
        if let Some(host) = self.host.take() {
            host.stop().await;
        }
        self.network.stop().await;
    }
}

async fn start_host(dir: &Path, network: &Network, change: &Change) -> Result<Host> {
    Ok(Host::start(options(dir, network, change)).await?)
}

fn options(dir: &Path, network: &Network, change: &Change) -> HostOptions {
    let mut options = HostOptions {
        plugin_dirs: vec![dir.join("plugins")],
        script_dirs: vec![dir.join("scripts")],
        admin_key: Some(Secret::new(KEY)),
        settings: quick_settings(),
        ..HostOptions::new(dir.join("data"), NetworkChoice::Attached(network.clone()))
    };
    change(&mut options);
    options
}

/// Logs to stderr as `WARBLER_TEST_LOG` says, for whoever looks for the reason of a failure.
pub fn show_logs() {
    if let Ok(filter) = std::env::var("WARBLER_TEST_LOG") {
        let logs = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr);
        // Another test of this process may have been first.
        drop(logs.try_init());
    }
}

/// Settings with short pauses, so that what comes back comes back soon.
pub fn quick_settings() -> Settings {
    Settings {
        reconnect_first: Duration::from_millis(50),
        reconnect_max: Duration::from_secs(1),
        silence: Duration::from_secs(2),
        ping_timeout: Duration::from_secs(1),
        ack_timeout: Duration::from_secs(2),
        ..Settings::default()
    }
}

/// The source of a shipped script.
pub fn shipped_script(name: &str) -> Result<String> {
    let path = project_root()?.join("scripts").join(format!("{name}.rhai"));
    std::fs::read_to_string(&path).with_context(|| path.display().to_string())
}

/// The project's folder.
pub fn project_root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here
        .parent()
        .context("tests/ is in the project")?
        .to_owned())
}
