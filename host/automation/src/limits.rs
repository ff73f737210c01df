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
    /// When an extension that fails again and again is left out.
    pub quarantine: QuarantineLimits,
}

/// Limits of a plugin's call.
#[derive(Debug, Clone)]
pub struct PluginLimits {
    /// Time on the clock.
    pub wall: Duration,
    /// Time the guest computes: while it holds a thread, and not while it waits for the host.
    pub cpu: Duration,
    /// Linear memory, all of the guest's together, in bytes.
    pub memory: usize,
    /// Elements of one table.
    pub table_elements: usize,
    /// What the host allocates for the data of one function call from guest to host, in bytes.
    pub host_call: usize,
    /// What passes between guest and host in all function calls of one call together, in bytes.
    pub host_memory: usize,
    /// Size of a component file, in bytes.
    pub component: usize,
    /// Time on the clock, and of computing, of the start of a version.
    pub init: Duration,
    /// Calls at the same time, all plugins together.
    pub concurrent: u32,
    /// Calls of one plugin at the same time.
    pub concurrent_of_one: usize,
    /// Calls of one plugin that wait for their turn, the oldest first; one more is the fault `busy`.
    pub waiting: usize,
    /// How long and how many instances are kept that a plugin wants kept.
    pub warm: WarmLimits,
}

/// How long and how many instances are kept between calls, where a plugin wants that.
#[derive(Debug, Clone)]
pub struct WarmLimits {
    /// Instances of one plugin, each for another session.
    pub of_one: usize,
    /// Instances of all plugins together.
    pub of_all: usize,
    /// How long one may go without a call.
    pub idle: Duration,
    /// Calls of one instance.
    pub calls: u32,
}

impl Default for WarmLimits {
    fn default() -> Self {
        Self {
            of_one: 16,
            of_all: 64,
            idle: Duration::from_secs(60),
            calls: 10_000,
        }
    }
}

impl Default for PluginLimits {
    fn default() -> Self {
        Self {
            wall: Duration::from_millis(250),
            cpu: Duration::from_millis(50),
            memory: 32 * 1024 * 1024,
            table_elements: 10_000,
            host_call: 1024 * 1024,
            host_memory: 8 * 1024 * 1024,
            component: 32 * 1024 * 1024,
            init: Duration::from_secs(2),
            concurrent: 64,
            concurrent_of_one: 16,
            // More than events can be under way, so that no event is ever turned away.
            waiting: 1024,
            warm: WarmLimits::default(),
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
    /// HTTP requests.
    pub fetches: u32,
    /// Time of one request, which does not count against the call's own.
    pub fetch_time: Duration,
    /// Bytes of the body of one answer.
    pub fetch_bytes: u64,
    /// Bytes of the body of one request.
    pub fetch_body: usize,
}

impl Default for EffectLimits {
    fn default() -> Self {
        Self {
            actions: 32,
            action_bytes: 256 * 1024,
            log_lines: 100,
            log_line: 4 * 1024,
            fetches: 4,
            fetch_time: Duration::from_secs(5),
            fetch_bytes: 1024 * 1024,
            fetch_body: 256 * 1024,
        }
    }
}

/// When an extension that fails again and again is left out, and for how long.
#[derive(Debug, Clone)]
pub struct QuarantineLimits {
    /// Failures one after the other.
    pub in_a_row: u32,
    /// Failures among the last hundred calls.
    pub of_hundred: u32,
    /// The first pause; it doubles each time.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
}

impl Default for QuarantineLimits {
    fn default() -> Self {
        Self {
            in_a_row: 5,
            of_hundred: 20,
            first: Duration::from_secs(30),
            longest: Duration::from_secs(3600),
        }
    }
}
