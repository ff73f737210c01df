//! An echo bot of other hands, measured as `bare_echo` measures the engine's:
//!
//! `cargo run --profile bench -p warbler-simulator --example outside_echo -- CONTACTS MESSAGES COMMAND…`
//!
//! The command is started with the network's two addresses behind its own arguments. It prints the
//! QR it shows as a line that begins with `qr `, and answers every text with the same text; see
//! `tests/benches/baileys/run`.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use warbler_simulator::{Network, NetworkOptions, Person};

#[path = "echo/trips.rs"]
mod trips;

/// How long linking may take.
const WITHIN: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let contacts = arguments.next().context("how many contacts?")?.parse()?;
    let messages = arguments.next().context("how many messages?")?.parse()?;
    let command: Vec<String> = arguments.collect();

    let network = Network::start(NetworkOptions::default()).await?;
    let shop = network.person("15550000", "Shop")?;
    let mut bot = start(&network, &command)?;
    let measured = match pair(&shop, &mut bot).await {
        Ok(()) => trips::measure(&network, &shop, contacts, messages).await,
        failed => failed,
    };
    bot.kill()?;
    bot.wait()?;
    network.stop().await;
    measured
}

fn start(network: &Network, command: &[String]) -> Result<Child> {
    let (program, arguments) = command.split_first().context("no command")?;
    let mut bot = Command::new(program);
    bot.args(arguments)
        .args([network.websocket_url(), network.http_url()])
        .stdout(Stdio::piped());
    Ok(bot.spawn()?)
}

async fn pair(owner: &Person, bot: &mut Child) -> Result<()> {
    let output = bot.stdout.take().context("its output")?;
    let qr = tokio::task::spawn_blocking(move || first_qr(output));
    owner.scans(&qr.await??).await?;
    owner.has_active_device(WITHIN).await?;
    Ok(())
}

fn first_qr(output: ChildStdout) -> Result<String> {
    for line in BufReader::new(output).lines() {
        if let Some(qr) = line?.strip_prefix("qr ") {
            return Ok(qr.to_owned());
        }
    }
    anyhow::bail!("the bot has ended without a QR")
}
