//! `warbler script check`: whether scripts can be loaded, and where not.

use std::path::Path;

use serde::Serialize;
use warbler_domain::extension::{ExtensionFault, ExtensionKind, Hook};

use crate::command::plugin::test::extensions;
use crate::command::plugin::{told, workshop};
use crate::failure::Failure;
use crate::terminal::{Screen, plain};

/// Longest warning that is shown.
const MAX_WARNING: usize = 300;

/// What `--json` prints of one script.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    hooks: Vec<Hook>,
    /// Lines of grants that it asks for.
    asks: Vec<String>,
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ExtensionFault>,
}

/// Looks at the script, or at those in the folder.
pub(super) async fn run(path: &Path, json: bool, screen: Screen) -> Result<(), Failure> {
    let workshop = workshop()?;
    let mut all = Vec::new();
    for path in extensions(path)? {
        if path.extension().is_none_or(|ending| ending != "rhai") {
            continue;
        }
        let shown = path.display().to_string();
        let checked = match workshop.load(&path).await {
            Ok(candidate) if candidate.kind == ExtensionKind::Script => Checked {
                path: shown,
                name: Some(candidate.name.to_string()),
                hooks: candidate.hooks,
                asks: candidate.asked.lines(),
                warnings: candidate.warnings,
                error: None,
            },
            Ok(_) => continue,
            Err(fault) => Checked {
                path: shown,
                name: None,
                hooks: Vec::new(),
                asks: Vec::new(),
                warnings: Vec::new(),
                error: Some(fault),
            },
        };
        if !json {
            show(&checked, screen)?;
        }
        all.push(checked);
    }
    let broken = all.iter().filter(|one| one.error.is_some()).count();
    if json {
        let text = serde_json::to_string_pretty(&all).map_err(anyhow::Error::from)?;
        screen.line(text)?;
    }
    match (all.len(), broken) {
        (0, _) => Err(Failure::Usage(format!(
            "{} has no scripts; their names end in .rhai",
            path.display()
        ))),
        (_, 0) => Ok(()),
        (_, 1) => Err(Failure::failed("1 script cannot be loaded")),
        (_, many) => Err(Failure::failed(format!("{many} scripts cannot be loaded"))),
    }
}

fn show(checked: &Checked, screen: Screen) -> Result<(), Failure> {
    if let Some(fault) = &checked.error {
        for (index, line) in told(fault).into_iter().enumerate() {
            let mark = if index == 0 {
                screen.bad("✗")
            } else {
                " ".to_owned()
            };
            screen.line(format!("  {mark} {line}"))?;
        }
        return Ok(());
    }
    let name = checked.name.as_deref().unwrap_or_default();
    let hooks: Vec<&str> = checked.hooks.iter().map(|hook| hook.as_str()).collect();
    let hooks = screen.faint(format!("hooks: {}", hooks.join(", ")));
    screen.line(format!("  {} {name:<24} {hooks}", screen.good("✓")))?;
    if !checked.asks.is_empty() {
        screen.line(format!("      asks for {}", checked.asks.join(", ")))?;
    }
    for warning in &checked.warnings {
        screen.line(screen.warn(format!("      {}", plain(warning, MAX_WARNING))))?;
    }
    Ok(())
}
