//! Hours of life in a few minutes: many sessions, many contacts, whatever comes.
//!
//! What happens is planned from a seed: who writes to whom, whose phone is away, what goes wrong on
//! the network, and when the host is killed. At the end every message is accounted for, on both
//! sides: stored once, heard once by everybody it was meant for and by nobody else, and its author
//! told.
//!
//! ```sh
//! cargo test -p warbler-tests --test life -- --nocapture
//! WARBLER_LIFE_SESSIONS=200 WARBLER_LIFE_CONTACTS=2000 WARBLER_LIFE_STEPS=300 WARBLER_LIFE_KILLS=5 \
//!     cargo test -p warbler-tests --test life -- --nocapture
//! ```
//!
//! `WARBLER_LIFE_SEED` plans another. `WARBLER_LIFE_DAMAGE=1` damages messages on their way, too, and
//! lets them overtake each other, so that copies are asked for.
#![cfg(target_os = "linux")]

mod books;
mod plan;
mod world;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::sync::watch;
use tokio::task::JoinSet;
use warbler_simulator::{Network, NetworkOptions};

use books::Sums;
use plan::Size;
use world::World;

/// By how much the host may grow in the last third of its life.
const GROWTH: f64 = 1.2;
/// What it may grow by in any case, in bytes: the database's cache, and what is under way.
const ALLOWANCE: u64 = 16 << 20;

fn number(name: &str, usual: usize) -> usize {
    let text = std::env::var(name).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_life_full_of_trouble_every_message_is_accounted_for() -> Result<()> {
    let size = Size {
        sessions: number("WARBLER_LIFE_SESSIONS", 4).max(1),
        contacts: number("WARBLER_LIFE_CONTACTS", 16),
        steps: number("WARBLER_LIFE_STEPS", 60),
        kills: number("WARBLER_LIFE_KILLS", 0),
        damage: number("WARBLER_LIFE_DAMAGE", 0) != 0,
    };
    let seed = number("WARBLER_LIFE_SEED", 1) as u64;
    live(size, seed)
        .await
        .with_context(|| format!("WARBLER_LIFE_SEED={seed}, {size:?}"))
}

async fn live(size: Size, seed: u64) -> Result<()> {
    let began = Instant::now();
    let options = NetworkOptions {
        seed: Some(seed),
        ..NetworkOptions::default()
    };
    let network = Network::start(options).await?;
    let dir = tempfile::tempdir()?;
    let lanes = plan::lanes(seed, size);
    let steps: usize = lanes.iter().map(|lane| lane.steps.len()).sum();
    let mut world = World::begins(dir.path(), network, lanes).await?;
    world.is_whole().await?;
    let linked = began.elapsed();

    let (done, progress) = watch::channel(0);
    let mut living = JoinSet::new();
    for circle in &world.circles {
        let (circle, done) = (Arc::clone(circle), done.clone());
        living.spawn(async move { circle.lives(&done).await });
    }
    let watching = watch_over(&mut world, progress, steps, size.kills);
    let lived = async {
        while let Some(lived) = living.join_next().await {
            lived??;
        }
        anyhow::Ok(())
    };
    // Whoever fails first ends it; the other may wait for what never comes.
    let (grown, ()) = tokio::try_join!(watching, lived)?;
    let active = began.elapsed() - linked;

    world.network.faults().clear();
    world.is_whole().await?;
    let mut sums = Sums::default();
    for circle in &world.circles {
        let one = books::close(world.host.api(), circle).await?;
        sums.said += one.said;
        sums.sent += one.sent;
        sums.pictures += one.pictures;
    }
    let end = world.host.memory()?;
    report(
        size,
        &sums,
        &[linked, active, began.elapsed()],
        &grown,
        &world,
    )?;
    ensure!(
        end as f64 <= grown.late as f64 * GROWTH + ALLOWANCE as f64,
        "the host has grown from {} to {end} bytes",
        grown.late
    );
    world.network.stop().await;
    Ok(())
}

/// The host's memory in the course of its life, in bytes.
struct Grown {
    early: u64,
    late: u64,
}

/// Kills the host and starts it again every now and then, in the first half of its life, and notes
/// how it grows.
async fn watch_over(
    world: &mut World,
    mut progress: watch::Receiver<usize>,
    steps: usize,
    kills: usize,
) -> Result<Grown> {
    for kill in 1..=kills {
        let moment = steps * kill / (kills * 2 + 1);
        progress.wait_for(|done| *done >= moment).await?;
        world.host.kill()?;
        world.host.start_again().await?;
    }
    world.is_whole().await?;
    let early = world.host.memory()?;
    progress.wait_for(|done| *done >= steps * 2 / 3).await?;
    let late = world.host.memory()?;
    Ok(Grown { early, late })
}

fn report(
    size: Size,
    sums: &Sums,
    took: &[Duration; 3],
    grown: &Grown,
    world: &World,
) -> Result<()> {
    let mib = |bytes: u64| bytes >> 20;
    let [linked, active, all] = took;
    #[expect(
        clippy::print_stdout,
        reason = "the figures are what the long run is for"
    )]
    {
        println!(
            "{} sessions and {} contacts in {all:.0?} ({linked:.0?} to link, {active:.0?} of life, {} kills): {} messages \
             said and {} sent, {} pictures; the host has {} MiB early, {} late, {} at the end, and {} threads",
            size.sessions,
            size.contacts,
            size.kills,
            sums.said,
            sums.sent,
            sums.pictures,
            mib(grown.early),
            mib(grown.late),
            mib(world.host.memory()?),
            world.host.threads()?,
        );
    }
    Ok(())
}
