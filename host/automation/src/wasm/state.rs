//! What the host keeps for one instance: its effects, its limits, its empty WASI.

use wasmtime::ResourceLimiter;
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView};

use super::stdio::GuestStream;
use crate::effects::{Effects, Halt};
use crate::limits::PluginLimits;

/// Most handles (clocks, streams, the guest's own) a call may hold.
pub(super) const MAX_HANDLES: usize = 1000;

/// The store's data of one call.
pub(crate) struct PluginState {
    pub(super) effects: Effects,
    /// Bytes that may still pass between the guest and the host in this call.
    room: usize,
    host_memory: usize,
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
            room: limits.host_memory,
            host_memory: limits.host_memory,
            limiter: Limiter {
                memory,
                used: 0,
                table_elements: limits.table_elements,
            },
            wasi: None,
            table,
        }
    }

    /// Begins another call of an instance that was kept.
    pub(super) fn begin(&mut self, mut effects: Effects) {
        // What the guest prints still goes where it went at its first call.
        effects.share_log(self.effects.logs().clone());
        self.effects = effects;
        self.room = self.host_memory;
    }

    /// The effects, when the call is over; `idle` takes their place.
    pub(super) fn end(&mut self, mut idle: Effects) -> Effects {
        self.flush();
        idle.share_log(self.effects.logs().clone());
        std::mem::replace(&mut self.effects, idle)
    }

    /// The effects, when the call is over and the instance is not needed again.
    pub(super) fn finish(self) -> Effects {
        self.flush();
        self.effects
    }

    /// Counts what passes between the guest and the host in one function call.
    pub(super) fn pass(&mut self, bytes: usize) -> wasmtime::Result<()> {
        match self.room.checked_sub(bytes) {
            Some(room) => {
                self.room = room;
                Ok(())
            }
            None => Err(wasmtime::Error::new(Halt {
                code: "host-memory",
                message: format!(
                    "more than {} MiB passed between the plugin and the host",
                    self.host_memory / (1024 * 1024)
                ),
            })),
        }
    }

    /// The most memory it has had, in bytes: memories never shrink.
    pub(super) fn memory(&self) -> u64 {
        self.limiter.used as u64
    }

    fn flush(&self) {
        if let Some(wasi) = &self.wasi {
            wasi.stdout.finish();
            wasi.stderr.finish();
        }
    }
}

impl WasiView for PluginState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let logs = self.effects.logs();
        let wasi = self.wasi.get_or_insert_with(|| {
            let stdout = GuestStream::new("info", logs.clone());
            let stderr = GuestStream::new("warn", logs.clone());
            // Nothing else is put in: no arguments, environment, files or addresses.
            let mut ctx = WasiCtx::builder();
            ctx.stdout(stdout.clone()).stderr(stderr.clone());
            if let Some(rehearsal) = self.effects.rehearsal() {
                rehearsal.set_up(&mut ctx);
            }
            Wasi {
                ctx: ctx.build(),
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
