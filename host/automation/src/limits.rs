//! What one call of an extension may use. The defaults are the documented limits.

use std::time::Duration;

/// All limits.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// Of a plugin's call.
    pub plugin: PluginLimits,
    /// Of a script's call.
    pub script: ScriptLimits,
    /// Of what a call asks for, plugin or script.
    pub effects: EffectLimits,
}

/// Limits of a plugin's call.
#[derive(Debug, Clone)]
pub struct PluginLimits {
    /// Time on the clock.
    pub wall: Duration,
    /// Time the guest computes, in epoch ticks of a millisecond.
    pub cpu: Duration,
    /// Linear memory, all of the guest's together, in bytes.
    pub memory: usize,
    /// Elements of one table.
    pub table_elements: usize,
    /// What the host allocates for the data of one call from guest to host, in bytes.
    pub host_call: usize,
    /// Size of a component file, in bytes.
    pub component: usize,
    /// Calls at the same time, all plugins together.
    pub concurrent: u32,
}

impl Default for PluginLimits {
    fn default() -> Self {
        Self {
            wall: Duration::from_millis(250),
            cpu: Duration::from_millis(50),
            memory: 32 * 1024 * 1024,
            table_elements: 10_000,
            host_call: 1024 * 1024,
            component: 32 * 1024 * 1024,
            concurrent: 64,
        }
    }
}

/// Limits of a script's call.
#[derive(Debug, Clone)]
pub struct ScriptLimits {
    /// Time on the clock.
    pub wall: Duration,
    /// Rhai's operations.
    pub operations: u64,
    /// Functions that call functions.
    pub call_depth: usize,
    /// Bytes of one string.
    pub string: usize,
    /// Elements of one array or map, with what is in them.
    pub collection: usize,
    /// Size of a script file, in bytes.
    pub source: usize,
    /// Calls at the same time, all scripts together.
    pub concurrent: usize,
}

impl Default for ScriptLimits {
    fn default() -> Self {
        Self {
            wall: Duration::from_millis(100),
            operations: 200_000,
            call_depth: 32,
            string: 64 * 1024,
            collection: 10_000,
            source: 256 * 1024,
            concurrent: 32,
        }
    }
}

/// Limits of what one call asks for.
#[derive(Debug, Clone)]
pub struct EffectLimits {
    /// Actions.
    pub actions: usize,
    /// Bytes of all their texts.
    pub action_bytes: usize,
    /// Log lines.
    pub log_lines: usize,
    /// Bytes of one log line; longer ones are cut.
    pub log_line: usize,
}

impl Default for EffectLimits {
    fn default() -> Self {
        Self {
            actions: 32,
            action_bytes: 256 * 1024,
            log_lines: 100,
            log_line: 4 * 1024,
        }
    }
}
