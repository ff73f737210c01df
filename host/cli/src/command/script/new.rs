//! `warbler script new`: a script that works and passes its fixture at once.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::Context;
use warbler_domain::ExtensionName;

use crate::args::HookWord;
use crate::command::plugin::files::{self, Names};
use crate::failure::Failure;
use crate::terminal::Screen;

/// Writes the script and its first fixture.
pub(super) fn run(
    name: &str,
    hook: HookWord,
    parent: &Path,
    screen: Screen,
) -> Result<(), Failure> {
    let name = name.strip_suffix(".rhai").unwrap_or(name);
    let named: ExtensionName = name
        .parse()
        .map_err(|error| Failure::Usage(format!("{error}")))?;
    if !parent.is_dir() {
        return Err(Failure::Usage(format!(
            "{} is not a folder",
            parent.display()
        )));
    }
    let hook = hook.as_str();
    let files = files::of_script(&Names {
        name: named.as_str(),
        hook,
    });
    let script = parent.join(format!("{named}.rhai"));
    if script.exists() {
        return Err(Failure::Usage(format!(
            "{} is there already; choose another name, or another folder with --in",
            script.display()
        )));
    }
    // The script last, so that a host that watches the folder sees its fixture with it.
    for (path, bytes) in files {
        let path = parent.join(path);
        let written = make(&path, &bytes);
        written.with_context(|| format!("{} could not be written", path.display()))?;
    }
    let script = script.strip_prefix(".").unwrap_or(&script).display();
    screen.line(format!(
        "{} {script}: a script for the {hook} hook. Next:",
        screen.good("✓")
    ))?;
    screen.line("")?;
    let shown = if parent == Path::new(".") {
        ".".to_owned()
    } else {
        parent.display().to_string()
    };
    for (command, what) in [
        (
            format!("warbler script check {script}"),
            "whether it can be loaded",
        ),
        (format!("warbler script test {script}"), "run its fixtures"),
        (
            format!("warbler demo --scripts {shown}"),
            "see it work; it reloads when you save",
        ),
    ] {
        screen.line(format!("  {command:<44} {}", screen.faint(what)))?;
    }
    Ok(())
}

fn make(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = fs::File::create_new(path)?;
    io::Write::write_all(&mut file, bytes)
}
