//! What lies beside a script and belongs to it: its settings, and the modules it may import.
//!
//! The modules of `NAME.rhai` are the `.rhai` files right in the folder `NAME/` beside it. Links are not
//! followed, so that nothing outside of that folder is read.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Unusable, digest, has_extension, is_temporary, read};
use crate::fault::Fault;
use crate::manifest::MAX_MANIFEST;

/// Most modules of one script.
pub(crate) const MAX_MODULES: usize = 32;

/// A module, as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ModuleText {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) text: Arc<str>,
}

/// The folder with the modules of the script at `path`.
pub(super) fn folder_of(path: &Path) -> PathBuf {
    path.with_extension("")
}

/// The text of the settings beside the script at `path`, if there are any.
pub(super) fn settings_of(path: &Path) -> Result<Option<String>, Unusable> {
    let file = path.with_extension("toml");
    if !file.is_file() {
        return Ok(None);
    }
    let bytes = read(&file, MAX_MANIFEST)?;
    let text = String::from_utf8(bytes)
        .map_err(|bad| unusable(&file, "manifest", "it is not UTF-8 text", bad.as_bytes()))?;
    Ok(Some(text))
}

/// The modules of the script at `path`, in the order of their names: at most `max` bytes together.
pub(super) fn read_all(path: &Path, max: usize) -> Result<Vec<ModuleText>, Unusable> {
    let folder = folder_of(path);
    let Ok(entries) = fs::read_dir(&folder) else {
        return Ok(Vec::new());
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .map(|entry| entry.path())
        .filter(|path| has_extension(path, "rhai") && !is_temporary(path))
        .collect();
    files.sort();
    if files.len() > MAX_MODULES {
        let message = format!("a script has at most {MAX_MODULES} modules");
        return Err(unusable(&folder, "too-large", &message, b""));
    }
    let mut room = max;
    let mut modules = Vec::new();
    for path in files {
        let bytes = read(&path, room)?;
        room = room.saturating_sub(bytes.len());
        let text = String::from_utf8(bytes).map_err(|bad| {
            let message = "the module is not UTF-8 text";
            unusable(&path, "script-syntax", message, bad.as_bytes())
        })?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        modules.push(ModuleText {
            name: name.into_owned(),
            text: text.into(),
            path,
        });
    }
    Ok(modules)
}

fn unusable(file: &Path, code: &'static str, message: &str, bytes: &[u8]) -> Unusable {
    let fault = Fault::new(code, message).in_file(file);
    Unusable(digest(bytes), Box::new(fault))
}
