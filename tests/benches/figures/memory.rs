//! Resident memory of a host with many connected sessions; the simulated network is in this
//! process, the host in another.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use warbler_simulator::{Network, NetworkOptions};
use warbler_tests::{Api, KEY, eventually};

const SESSIONS: u64 = 100;

/// KiB per connected idle session.
pub(crate) async fn per_session() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let dir = tempfile::tempdir()?;
    let config = format!(
        "[data]\ndir = \"{}\"\n[extensions]\nplugins = []\nscripts = []\n[network]\nwebsocket_url = \"{}\"\nmedia_base = \"{}\"\n",
        dir.path().join("data").display(),
        network.websocket_url(),
        network.http_url(),
    );
    std::fs::write(dir.path().join("warbler.toml"), config)?;
    let port = std::net::TcpListener::bind("127.0.0.1:0")?
        .local_addr()?
        .port();
    let mut child = Command::new(env!("CARGO_BIN_EXE_host-under-test"))
        .args(["serve", "--config"])
        .arg(dir.path().join("warbler.toml"))
        .env("WARBLER_ADMIN_KEY", KEY)
        .env("WARBLER_LISTEN", format!("127.0.0.1:{port}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let measured = measure(
        &network,
        &Api::new(&format!("http://127.0.0.1:{port}"))?,
        child.id(),
    )
    .await;
    child.kill()?;
    child.wait()?;
    network.stop().await;
    measured
}

async fn measure(network: &Network, api: &Api, pid: u32) -> Result<()> {
    eventually("the host answers", || async {
        Ok(api
            .get("/readyz")
            .await
            .ok()
            .filter(|answer| answer.status == 200)
            .map(|_| ()))
    })
    .await?;
    let empty = status(pid, "VmRSS:")?;
    for n in 0..SESSIONS {
        let owner = network.person(&format!("1777{n:07}"), "Owner")?;
        api.post(
            "/v1/sessions",
            json!({ "name": format!("s{n}"), "start": true }),
        )
        .await?
        .expect(201)?;
        let qr = api
            .get(&format!("/v1/sessions/s{n}/qr"))
            .await?
            .expect(200)?;
        owner.scans(qr.text_at("/text")?).await?;
    }
    eventually("all are connected", || async {
        let all = api.get("/v1/sessions").await?.expect(200)?;
        let items = all.body["items"].as_array().context("items")?.clone();
        Ok(items
            .iter()
            .all(|session| session["state"] == "connected")
            .then_some(()))
    })
    .await?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let full = status(pid, "VmRSS:")?;
    println!(
        "memory: {} KiB per connected idle session ({SESSIONS} sessions, {empty} KiB without, {full} KiB with), {} threads",
        (full.saturating_sub(empty)) / SESSIONS,
        status(pid, "Threads:")?,
    );
    Ok(())
}

/// A number from `/proc/PID/status`.
fn status(pid: u32, name: &str) -> Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text
        .lines()
        .find(|line| line.starts_with(name))
        .with_context(|| name.to_owned())?;
    Ok(line
        .split_whitespace()
        .nth(1)
        .context("a number")?
        .parse()?)
}
