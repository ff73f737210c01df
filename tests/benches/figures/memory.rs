//! What a host with many connected sessions costs when nothing happens, on each engine; the simulated
//! network is in this process, the host in another.

use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use serde_json::json;
use warbler_domain::EngineName;
use warbler_simulator::{Network, NetworkOptions};
use warbler_tests::{Api, KEY, eventually};

use crate::idle;

const SESSIONS: u64 = 50;

/// KiB per connected idle session, threads, and processor time, on each engine.
pub(crate) async fn per_session() -> Result<()> {
    for engine in [EngineName::WhatsappRust, EngineName::WaRs] {
        on(engine).await?;
    }
    Ok(())
}

async fn on(engine: EngineName) -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let dir = tempfile::tempdir()?;
    let (mut child, api) = host(&network, engine, &dir)?;
    let measured = measure(&network, engine, &api, child.id()).await;
    child.kill()?;
    child.wait()?;
    network.stop().await;
    measured
}

fn host(network: &Network, engine: EngineName, dir: &tempfile::TempDir) -> Result<(Child, Api)> {
    let config = format!(
        "[data]\ndir = \"{}\"\n[extensions]\nplugins = []\nscripts = []\n[network]\nengine = \"{engine}\"\nwebsocket_url = \"{}\"\nmedia_base = \"{}\"\n",
        dir.path().join("data").display(),
        network.websocket_url(),
        network.http_url(),
    );
    std::fs::write(dir.path().join("warbler.toml"), config)?;
    let port = std::net::TcpListener::bind("127.0.0.1:0")?
        .local_addr()?
        .port();
    let child = Command::new(env!("CARGO_BIN_EXE_host-under-test"))
        .args(["serve", "--config"])
        .arg(dir.path().join("warbler.toml"))
        .env("WARBLER_ADMIN_KEY", KEY)
        .env("WARBLER_LISTEN", format!("127.0.0.1:{port}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    Ok((child, Api::new(&format!("http://127.0.0.1:{port}"))?))
}

async fn measure(network: &Network, engine: EngineName, api: &Api, pid: u32) -> Result<()> {
    eventually("the host answers", || async {
        Ok(api
            .get("/readyz")
            .await
            .ok()
            .filter(|answer| answer.status == 200)
            .map(|_| ()))
    })
    .await?;
    let empty = idle::resident(pid)?;
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
    idle::print(&format!("a host on {engine}"), pid, SESSIONS, empty).await
}
