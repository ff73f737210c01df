//! The host as its users run it: the binary, in a process of its own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use warbler_simulator::Network;

use crate::{Api, KEY, eventually};

/// A host in a process of its own, on a port of its own. It is killed when it is dropped.
pub struct HostProcess {
    binary: PathBuf,
    dir: PathBuf,
    port: u16,
    child: Child,
    api: Api,
}

impl HostProcess {
    /// Starts `binary` on the folder `dir`, over `network`, and waits until it answers. `dir` may
    /// hold `scripts/` and `plugins/`.
    pub async fn start(binary: &str, dir: &Path, network: &Network) -> Result<Self> {
        Self::start_with(binary, dir, network, "").await
    }

    /// The same, with more lines under `[sessions]`.
    pub async fn start_with(
        binary: &str,
        dir: &Path,
        network: &Network,
        sessions: &str,
    ) -> Result<Self> {
        write_config(dir, network, sessions)?;
        let port = free_port()?;
        let binary = PathBuf::from(binary);
        let child = spawn(&binary, dir, port)?;
        let api = Api::new(&format!("http://127.0.0.1:{port}"))?;
        let host = Self {
            binary,
            dir: dir.to_owned(),
            port,
            child,
            api,
        };
        host.answers().await?;
        Ok(host)
    }

    /// Starts it again, on the same port and folder, and waits until it answers.
    pub async fn start_again(&mut self) -> Result<()> {
        self.kill()?;
        self.child = spawn(&self.binary, &self.dir, self.port)?;
        self.api = Api::new(self.api.base())?;
        self.answers().await
    }

    /// Kills it, without a word of warning.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Its API, with the admin key.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// What it has logged since it was started last.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("stderr.log")).unwrap_or_default()
    }

    /// The most memory it has had at once since it was started last, in bytes.
    #[cfg(target_os = "linux")]
    pub fn peak_memory(&self) -> Result<u64> {
        Ok(self.status("VmHWM:")? * 1024)
    }

    /// The memory it has now, in bytes.
    #[cfg(target_os = "linux")]
    pub fn memory(&self) -> Result<u64> {
        Ok(self.status("VmRSS:")? * 1024)
    }

    /// How many threads it has.
    #[cfg(target_os = "linux")]
    pub fn threads(&self) -> Result<u64> {
        self.status("Threads:")
    }

    /// A number the system tells of it; sizes are in KiB.
    #[cfg(target_os = "linux")]
    fn status(&self, name: &str) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number.with_context(|| format!("no {name}"))?.parse()?)
    }

    async fn answers(&self) -> Result<()> {
        eventually("the host answers", || async {
            let ready = self.api.get("/readyz").await.ok();
            Ok(ready.filter(|answer| answer.status == 200).map(|_| ()))
        })
        .await
        .with_context(|| self.log())
    }
}

impl Drop for HostProcess {
    fn drop(&mut self) {
        // It may be dead already, which is what is wanted.
        drop(self.kill());
    }
}

fn spawn(binary: &Path, dir: &Path, port: u16) -> Result<Child> {
    Ok(Command::new(binary)
        .args(["serve", "--config"])
        .arg(dir.join("warbler.toml"))
        .env("WARBLER_ADMIN_KEY", KEY)
        .env("WARBLER_LISTEN", format!("127.0.0.1:{port}"))
        .stdout(Stdio::null())
        .stderr(File::create(dir.join("stderr.log"))?)
        .spawn()?)
}

fn write_config(dir: &Path, network: &Network, sessions: &str) -> Result<()> {
    for folder in ["scripts", "plugins"] {
        std::fs::create_dir_all(dir.join(folder))?;
    }
    let path = |name: &str| toml::Value::String(dir.join(name).display().to_string());
    let config = format!(
        "[data]\ndir = {}\n[extensions]\nplugins = [{}]\nscripts = [{}]\n\
         [network]\nwebsocket_url = \"{}\"\nmedia_base = \"{}\"\n\
         [sessions]\nreconnect_first = \"50ms\"\nreconnect_max = \"500ms\"\n{sessions}\
         [sending]\nack_timeout = \"2s\"\nloop_guard = 0\n",
        path("data"),
        path("plugins"),
        path("scripts"),
        network.websocket_url(),
        network.http_url(),
    );
    std::fs::write(dir.join("warbler.toml"), config)?;
    Ok(())
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?
        .local_addr()?
        .port())
}
