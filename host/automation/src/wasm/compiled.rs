//! Compiled code, kept between loads and starts.
//!
//! wasmtime keeps it under a digest of the component, of the compiler and of its settings. A
//! component with an interpreter inside takes half a minute to compile and a moment to be read
//! again. What is kept is machine code and is believed, so nobody else may write to its folder.

use std::fs::{self, DirBuilder};
use std::io;
use std::path::{Path, PathBuf};

use wasmtime::{Cache, CacheConfig};

/// Bytes of compiled code that are kept; beyond them, what was not used for longest goes.
const KEPT: u64 = 512 * 1024 * 1024;

/// What keeps compiled code in `dir`, which is made when it is absent; nothing, with a warning, when
/// it cannot be used.
pub(crate) fn cache(dir: &Path) -> Option<Cache> {
    let opened = own_folder(dir).map_err(|error| error.to_string());
    let opened = opened.and_then(|dir| {
        let mut config = CacheConfig::new();
        config
            .with_directory(dir)
            .with_files_total_size_soft_limit(KEPT);
        Cache::new(config).map_err(|error| format!("{error:#}"))
    });
    opened
        .map_err(|reason| {
            let folder = dir.display();
            tracing::warn!(%folder, reason, "Compiled plugins are not kept: they are compiled at every start");
        })
        .ok()
}

/// A folder that nobody else may write to; its absolute path.
fn own_folder(dir: &Path) -> io::Result<PathBuf> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let mode = fs::metadata(dir)?.mode();
        if mode & 0o022 != 0 {
            let mode = mode & 0o777;
            return Err(io::Error::other(format!(
                "others may write to it (mode {mode:o}); chmod go-w takes that away"
            )));
        }
    }
    fs::canonicalize(dir)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use anyhow::{Context, Result};
    use wasmtime::component::Component;

    use super::*;
    use crate::limits::Limits;
    use crate::services::Services;
    use crate::wasm::PluginEngine;

    const COMPONENT: &str = r#"(component (core module (func (export "f"))))"#;

    /// Compiles in an engine of its own; how often the folder had the code.
    fn compile(dir: &Path) -> Result<usize> {
        let limits = Limits::default();
        let services = Arc::new(Services {
            fetcher: None,
            limits: limits.effects.clone(),
            random: Arc::new(warbler_domain::Random::seeded(1)),
        });
        let cache = cache(dir).context("a cache")?;
        let engine = PluginEngine::new(&limits, services, Some(cache.clone()))?;
        Component::new(&engine.engine, COMPONENT).map_err(|error| anyhow::anyhow!("{error:#}"))?;
        Ok(cache.cache_hits())
    }

    /// Every file below a folder.
    fn files(dir: &Path) -> Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            if path.is_dir() {
                found.extend(files(&path)?);
            } else {
                found.push(path);
            }
        }
        Ok(found)
    }

    #[test]
    fn what_was_compiled_is_there_for_the_next_host() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let kept = dir.path().join("compiled");
        assert_eq!(compile(&kept)?, 0);
        assert_eq!(compile(&kept)?, 1);
        Ok(())
    }

    #[test]
    fn compiled_code_that_is_damaged_is_compiled_again() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let kept = dir.path().join("compiled");
        compile(&kept)?;
        let damaged = files(&kept)?;
        assert!(!damaged.is_empty(), "something is kept");
        for file in damaged {
            fs::write(file, b"this is no code")?;
        }
        assert_eq!(compile(&kept)?, 0);
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_others_may_write_to_is_not_used() -> Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir()?;
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777))?;
        assert!(cache(dir.path()).is_none());
        Ok(())
    }
}
