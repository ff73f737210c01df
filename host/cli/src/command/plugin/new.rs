//! `warbler plugin new`: a folder that builds and passes its fixture at once.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::Context;
use warbler_domain::ExtensionName;

use super::files::{self, Names};
use crate::args::{HookWord, Language};
use crate::failure::Failure;
use crate::terminal::Screen;

/// Longest name: it is also that of a crate, a package, a file.
const MAX_NAME: usize = 40;

/// Writes the folder.
pub(super) fn run(
    name: &str,
    language: Language,
    hook: HookWord,
    parent: &Path,
    screen: Screen,
) -> Result<(), Failure> {
    check(name)?;
    let (language, hook) = (language.as_str(), hook.as_str());
    if !files::has(language) {
        return Err(Failure::Usage(format!(
            "this binary has no beginning in {language}"
        )));
    }
    let dir = parent.join(name);
    if let Err(error) = fs::create_dir(&dir) {
        let dir = dir.display();
        return Err(match error.kind() {
            io::ErrorKind::AlreadyExists => Failure::Usage(format!(
                "{dir} is there already; choose another name, or another folder with --in"
            )),
            io::ErrorKind::NotFound => {
                Failure::Usage(format!("{} is not a folder", parent.display()))
            }
            _ => Failure::failed(format!("{dir} could not be made: {error}")),
        });
    }
    for (path, bytes) in files::of(language, &Names { name, hook }) {
        let path = dir.join(path);
        let written = path
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&path, bytes));
        written.with_context(|| format!("{} could not be written", path.display()))?;
    }
    let made = if parent == Path::new(".") {
        name.to_owned()
    } else {
        dir.display().to_string()
    };
    screen.line(format!(
        "{} {made}: a plugin in {language} for the {hook} hook. Next:",
        screen.good("✓")
    ))?;
    screen.line("")?;
    for (command, what) in [
        (format!("cd {made}"), ""),
        ("warbler plugin build".to_owned(), "build it"),
        ("warbler plugin test".to_owned(), "run its fixtures"),
        (
            "warbler demo --plugins .".to_owned(),
            "see it answer; it reloads when you build",
        ),
    ] {
        let line = format!("  {command:<28}{}", screen.faint(what));
        screen.line(line.trim_end())?;
    }
    Ok(())
}

/// A name that every language, the folder and the host can live with.
fn check(name: &str) -> Result<(), Failure> {
    let plain = name
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    let good = plain
        && begins
        && !name.ends_with('-')
        && !name.contains("--")
        && name.len() <= MAX_NAME
        && name.parse::<ExtensionName>().is_ok();
    if good && !RESERVED.contains(&name) {
        return Ok(());
    }
    let name: String = name.chars().take(80).collect();
    Err(Failure::Usage(format!(
        "`{name}` cannot name a new plugin; use up to {MAX_NAME} lower-case letters, digits and `-`, beginning with \
         a letter, such as order-status"
    )))
}

/// Words that a language keeps for itself, or that stand for something else in a plugin's folder.
const RESERVED: [&str; 12] = [
    "test", "core", "std", "alloc", "self", "super", "crate", "wit", "fixtures", "src", "target",
    "plugin",
];

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_name_works_everywhere_or_is_refused() {
        for good in ["greeter", "order-status", "a1"] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in [
            "", "-a", "1a", "A", "../x", "a/b", "a b", "a--b", "test", "ä", "a-",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
