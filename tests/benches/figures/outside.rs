//! What a program of other hands costs that keeps as many idle sessions in one process.
//!
//! `WARBLER_OUTSIDE` is its command. It gets the network's two addresses and a number of sessions behind
//! its own arguments. It prints `empty` when it has loaded, and waits for a line; then it prints, for
//! each session, the QR it shows as a line that begins with `qr `. `tests/benches/baileys/run` does it.

use std::io::{BufRead, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use warbler_simulator::{Network, NetworkOptions};

use crate::idle;

const SESSIONS: u64 = 50;
/// How long linking one may take.
const WITHIN: Duration = Duration::from_secs(60);

/// The same figures as `memory`.
pub(crate) async fn per_session() -> Result<()> {
    let command = std::env::var("WARBLER_OUTSIDE").context("WARBLER_OUTSIDE names no command")?;
    let network = Network::start(NetworkOptions::default()).await?;
    let mut words = command.split_whitespace();
    let mut program = Command::new(words.next().context("no command")?)
        .args(words)
        .args([network.websocket_url(), network.http_url()])
        .arg(SESSIONS.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let measured = measure(&network, &mut program).await;
    program.kill()?;
    program.wait()?;
    network.stop().await;
    measured
}

async fn measure(network: &Network, program: &mut Child) -> Result<()> {
    let output = program.stdout.take().context("its output")?;
    let lines = BufReader::new(output).lines();
    let (_, lines) = line(lines, "empty").await?;
    let empty = idle::resident(program.id())?;
    let mut input = program.stdin.take().context("its input")?;
    writeln!(input)?;
    let mut rest = lines;
    for n in 0..SESSIONS {
        let (qr, lines) = line(rest, "qr ").await?;
        rest = lines;
        let owner = network.person(&format!("1777{n:07}"), "Owner")?;
        owner.scans(&qr).await?;
        owner.has_active_device(WITHIN).await?;
    }
    idle::print("another program", program.id(), SESSIONS, empty).await
}

type Output = Lines<BufReader<ChildStdout>>;

/// What stands behind `start` in the next line that begins with it.
async fn line(mut lines: Output, start: &'static str) -> Result<(String, Output)> {
    let found = tokio::task::spawn_blocking(move || {
        for line in lines.by_ref() {
            if let Some(rest) = line?.strip_prefix(start) {
                return Ok((rest.to_owned(), lines));
            }
        }
        bail!("the program has ended without {start:?}")
    });
    found.await?
}
