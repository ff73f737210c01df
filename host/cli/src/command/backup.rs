//! `warbler backup` and `warbler restore`.

use std::path::{Path, PathBuf};

use serde_json::json;
use warbler_domain::{Clock, SystemClock};
use warbler_store::backup::Progress;

use crate::args::{Backup, Restore};
use crate::config::{Config, Environment};
use crate::failure::Failure;
use crate::host::{BackupFailure, back_up, media_of, restore};
use crate::terminal::Screen;

/// Copies the database, and the media if asked to.
pub(super) fn run(args: &Backup, environment: &Environment, screen: Screen) -> Result<(), Failure> {
    let data = data(args.config.as_deref(), args.data.as_ref(), environment)?;
    let watched = screen.is_terminal() && !args.json;
    let mut shown = 0;
    let made = back_up(&data, &args.file, args.media, |progress| {
        if watched && show(progress, shown, screen).is_ok() {
            shown = 1;
        }
    })
    .map_err(explained)?;
    let media = args.media.then(|| media_of(&args.file));
    if args.json {
        let told = json!({
            "file": args.file, "bytes": made.database, "mediaFolder": media, "media": made.media,
        });
        screen.line(told)?;
        return Ok(());
    }
    screen.take_back(shown)?;
    let (file, size) = (args.file.display(), size(made.database));
    screen.line(format!(
        "{} {file} holds the database ({size})",
        screen.good("✓")
    ))?;
    if let Some(folder) = media {
        let (folder, count) = (folder.display(), made.media);
        screen.line(format!(
            "{} {folder} holds the media ({count} new)",
            screen.good("✓")
        ))?;
    }
    screen.line("It holds every key of the linked devices: keep it as safe as the data folder.")?;
    Ok(())
}

/// Puts a backup in place of the database of a stopped host.
pub(super) fn run_restore(
    args: &Restore,
    environment: &Environment,
    screen: Screen,
) -> Result<(), Failure> {
    let data = data(args.config.as_deref(), args.data.as_ref(), environment)?;
    let aside = restore(&args.file, &data, SystemClock.now()).map_err(explained)?;
    if args.json {
        screen.line(json!({ "data": data, "replaced": aside }))?;
        return Ok(());
    }
    let (file, data) = (args.file.display(), data.display());
    screen.line(format!("{} {file} is in place in {data}", screen.good("✓")))?;
    if let Some(aside) = aside {
        screen.line(format!("What was there before is in {}", aside.display()))?;
    }
    screen.line("Start the host as before. Never run two hosts on copies of one database: linked phones would lose messages.")?;
    Ok(())
}

fn data(
    config: Option<&Path>,
    data: Option<&PathBuf>,
    environment: &Environment,
) -> Result<PathBuf, Failure> {
    match data {
        Some(data) => Ok(data.clone()),
        None => Ok(Config::load(config, environment)?.data.dir),
    }
}

fn explained(failure: BackupFailure) -> Failure {
    match failure {
        BackupFailure::Folder(err) => err.into(),
        err => Failure::failed(err.to_string()),
    }
}

fn show(progress: Progress, shown: usize, screen: Screen) -> std::io::Result<()> {
    screen.take_back(shown)?;
    let (written, total) = (size(progress.written), size(progress.total));
    screen.line(format!("Copying the database: {written} of {total}"))
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_048_576 => format!("{} KiB", bytes.div_ceil(1024)),
        _ => format!("{} MiB", bytes.div_ceil(1_048_576)),
    }
}
