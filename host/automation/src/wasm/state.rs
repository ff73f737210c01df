//! What the host keeps for one instance: its effects, its limits, its empty WASI.

use wasmtime::ResourceLimiter;
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView};

use super::stdio::GuestStream;
use crate::effects::{Effects, Halt};
use crate::limits::PluginLimits;

/// Most handles of WASI (clocks, streams) a call may hold.
const MAX_HANDLES: usize = 1000;

/// The store's data of one call.
pub(crate) struct PluginState {
    pub(super) effects: Effects,
    pub(super) limiter: Limiter,
    wasi: Option<Wasi>,
    table: ResourceTable,
}

/// Made when a guest first asks for something of WASI; most never do.
struct Wasi {
    ctx: WasiCtx,
    stdout: GuestStream,
    stderr: GuestStream,
}

impl PluginState {
    /// A call that may take `memory` bytes.
    pub(super) fn new(effects: Effects, memory: usize, limits: &PluginLimits) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_HANDLES);
        Self {
            effects,
            limiter: Limiter {
                memory,
                used: 0,
                table_elements: limits.table_elements,
            },
            wasi: None,
            table,
        }
    }

    /// The effects, when the call is over.
    pub(super) fn finish(self) -> Effects {
        if let Some(wasi) = self.wasi {
            wasi.stdout.finish();
            wasi.stderr.finish();
        }
        self.effects
    }
}

impl WasiView for PluginState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let logs = self.effects.logs();
        let wasi = self.wasi.get_or_insert_with(|| {
            let stdout = GuestStream::new("info", logs.clone());
            let stderr = GuestStream::new("warn", logs.clone());
            // Nothing else is put in: no arguments, environment, files or addresses.
            let ctx = WasiCtx::builder()
                .stdout(stdout.clone())
                .stderr(stderr.clone())
                .build();
            Wasi {
                ctx,
                stdout,
                stderr,
            }
        });
        WasiCtxView {
            ctx: &mut wasi.ctx,
            table: &mut self.table,
        }
    }
}

/// Keeps a guest's memories, all together, and each of its tables below their limits.
pub(super) struct Limiter {
    memory: usize,
    used: usize,
    table_elements: usize,
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        if used > self.memory {
            return Err(wasmtime::Error::new(Halt {
                code: "memory",
                message: format!("more than {} MiB of memory", self.memory / (1024 * 1024)),
            }));
        }
        self.used = used;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired > self.table_elements {
            return Err(wasmtime::Error::new(Halt {
                code: "memory",
                message: format!("a table of more than {} elements", self.table_elements),
            }));
        }
        Ok(true)
    }
}
