//! Compiled code, kept between loads and starts.
//!
//! wasmtime keeps it under a digest of the component, of the compiler and of its settings. A
//! component with an interpreter inside takes half a minute to compile and a moment to be read
//! again; another one with the same interpreter has most of its functions in [`Functions`]. What is
//! kept is machine code and is believed, so nobody else may write to its folder.

use std::fs::{self, DirBuilder};
use std::io;
use std::path::{Path, PathBuf};

use std::sync::Arc;

use wasmtime::{Cache, CacheConfig};

use super::functions::Functions;

/// Bytes of compiled code that are kept; beyond them, what was not used for longest goes.
const KEPT: u64 = 512 * 1024 * 1024;

/// The file of single functions.
const FUNCTIONS: &str = "functions.db";
/// The folder of whole components, in which wasmtime takes away what is not its own.
const COMPONENTS: &str = "components";

/// Code that was compiled before: of whole components, and of single functions.
#[derive(Clone)]
pub(crate) struct Compiled {
    pub(super) components: Cache,
    pub(super) functions: Arc<Functions>,
}

/// What keeps compiled code in `dir`, which is made when it is absent; nothing, with a warning, when
/// it cannot be used.
pub(crate) fn compiled(dir: &Path) -> Option<Compiled> {
    let opened = own_folder(dir).map_err(|error| error.to_string());
    let opened = opened.and_then(|dir| {
        let functions = Functions::open(&dir.join(FUNCTIONS)).map_err(|error| error.to_string())?;
        let mut config = CacheConfig::new();
        config
            .with_directory(dir.join(COMPONENTS))
            .with_files_total_size_soft_limit(KEPT);
        let components = Cache::new(config).map_err(|error| format!("{error:#}"))?;
        Ok(Compiled {
            components,
            functions: Arc::new(functions),
        })
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
    use super::*;
    use crate::limits::Limits;
    use crate::services::Services;
    use crate::wasm::PluginEngine;
    use anyhow::{Context, Result};
    use wasmtime::component::Component;

    const COMPONENT: &str = r#"(component (core module (func (export "f"))))"#;

    fn services(limits: &Limits) -> Arc<Services> {
        Arc::new(Services {
            fetcher: None,
            limits: limits.effects.clone(),
            random: Arc::new(warbler_domain::Random::seeded(1)),
        })
    }

    /// Compiles in an engine of its own; how often the folder had the code.
    fn compile(dir: &Path) -> Result<usize> {
        let limits = Limits::default();
        let kept = compiled(dir).context("a cache")?;
        let engine = PluginEngine::new(&limits, services(&limits), Some(kept.clone()))?;
        engine
            .component(COMPONENT.as_bytes())
            .map_err(|error| anyhow::anyhow!("{error:#}"))?;
        Ok(kept.components.cache_hits())
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
    fn what_two_versions_share_is_compiled_once() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let kept = compiled(dir.path().join("compiled").as_path()).context("a cache")?;
        let limits = Limits::default();
        let engine = PluginEngine::new(&limits, services(&limits), Some(kept.clone()))?;
        let functions = |last: u32| -> Result<usize> {
            let shared = (0..20).map(|n| format!("(func (result i32) (i32.const {n}))"));
            let text = format!(
                "(component (core module {} (func (result i32) (i32.const {last}))))",
                shared.collect::<String>()
            );
            Component::new(&engine.engine, text).map_err(|error| anyhow::anyhow!("{error:#}"))?;
            Ok(kept.functions.keep())
        };
        let first = functions(100)?;
        assert!(first > 20, "{first}");
        assert_eq!(functions(101)?, 1);
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
        assert!(compiled(dir.path()).is_none());
        Ok(())
    }
}
