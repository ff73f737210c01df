//! The machine code of single functions, kept between loads and starts.
//!
//! Components of one language are mostly the same interpreter, and a new version of a plugin is
//! mostly the one before it: what was compiled for one need not be compiled for the other. Cranelift
//! names each function by a digest of what it is compiled from and with.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use warbler_store::shelf::Shelf;
use wasmtime::CacheStore;

/// Bytes of compiled functions that are kept.
const KEPT: u64 = 256 * 1024 * 1024;
/// Bytes of compiled functions of one component that are kept.
const OF_ONE: usize = 128 * 1024 * 1024;

/// Functions that were compiled before.
pub(super) struct Functions {
    kept: Shelf,
    fresh: Mutex<Fresh>,
}

/// What was compiled since something was kept last.
#[derive(Default)]
struct Fresh {
    functions: Vec<(Vec<u8>, Vec<u8>)>,
    bytes: usize,
}

impl Functions {
    /// Those of the file at `path`, which is made when it is absent.
    pub(super) fn open(path: &Path) -> warbler_store::Result<Self> {
        Ok(Self {
            kept: Shelf::open(path, KEPT)?,
            fresh: Mutex::default(),
        })
    }

    /// Keeps what was compiled since the last time, and says how many functions that is. What cannot
    /// be kept is compiled again one day.
    pub(super) fn keep(&self) -> usize {
        let fresh = {
            let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *fresh)
        };
        if fresh.functions.is_empty() {
            return 0;
        }
        if let Err(error) = self.kept.put(&fresh.functions) {
            tracing::warn!(%error, "Compiled functions of a plugin are not kept: {error}");
        }
        fresh.functions.len()
    }
}

impl CacheStore for Functions {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        // One that cannot be read is compiled again.
        self.kept.get(key).ok().flatten().map(Cow::Owned)
    }

    fn insert(&self, key: &[u8], value: Vec<u8>) -> bool {
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = fresh.bytes.saturating_add(key.len() + value.len());
        if bytes > OF_ONE {
            return false;
        }
        fresh.bytes = bytes;
        fresh.functions.push((key.to_owned(), value));
        true
    }
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Functions")
    }
}
