//! What a program costs that has nothing to do: resident memory, threads, and processor time.

use std::time::Duration;

use anyhow::{Context, Result};

/// How long processor time is counted.
const WHILE: Duration = Duration::from_secs(60);
/// How long a program may come to rest before.
const REST: Duration = Duration::from_secs(20);
/// Parts of a second that Linux counts processor time in.
const TICKS: u64 = 100;

/// Resident memory of a process, in KiB.
pub(crate) fn resident(pid: u32) -> Result<u64> {
    status(pid, "VmRSS:")
}

/// Waits until it has come to rest, and prints what `sessions` of it cost; it had `empty` KiB before.
pub(crate) async fn print(what: &str, pid: u32, sessions: u64, empty: u64) -> Result<()> {
    tokio::time::sleep(REST).await;
    let before = ticks(pid)?;
    tokio::time::sleep(WHILE).await;
    let used = ticks(pid)?.saturating_sub(before);
    let full = resident(pid)?;
    println!(
        "memory: {what}: {} KiB per connected idle session ({sessions} sessions, {empty} KiB without, {full} KiB with), {} threads, {:.2} % of a core",
        full.saturating_sub(empty) / sessions,
        status(pid, "Threads:")?,
        used as f64 * 100.0 / (TICKS * WHILE.as_secs()) as f64,
    );
    Ok(())
}

/// A number from `/proc/PID/status`.
fn status(pid: u32, name: &str) -> Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.with_context(|| name.to_owned())?.parse()?)
}

/// Processor time of a process so far, its own and the kernel's for it.
fn ticks(pid: u32) -> Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The program's name comes before, in brackets, and may hold anything.
    let (_, fields) = text.rsplit_once(')').context("fields")?;
    let mut times = fields.split_whitespace().skip(11);
    let mut next = || times.next().context("a time").map(str::parse::<u64>);
    Ok(next()?? + next()??)
}
