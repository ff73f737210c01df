//! The Rhai engine scripts run in: chosen packages, every limit on, no way to other files.

use rhai::packages::{
    BasicArrayPackage, BasicMapPackage, BasicMathPackage, CorePackage, LogicPackage,
    MoreStringPackage, Package,
};
use rhai::{Engine, OptimizationLevel};

use super::book::Book;
use super::modules::OwnFolder;
use super::{api, current, delivery, event, recipient, rules};
use crate::limits::ScriptLimits;

/// Nesting of expressions, at the top level and in functions. Set, because Rhai's own default
/// differs between debug and release builds.
const EXPRESSION_DEPTH: usize = 64;
const FUNCTION_EXPRESSION_DEPTH: usize = 32;
/// Variables a script may hold at once, and functions it may define.
pub(super) const VARIABLES: usize = 1000;
const FUNCTIONS: usize = 500;
/// Modules a call may import, each time it does.
pub(super) const MODULES: usize = 64;
/// How many operations pass between two looks at the clock.
const OPERATIONS_PER_LOOK: u64 = 64;

/// An engine with everything a script may use.
pub(super) fn new(limits: &ScriptLimits) -> Engine {
    let mut engine = Engine::new_raw();
    // Neither time (it comes from the call), nor blobs, nor debugging.
    CorePackage::new().register_into_engine(&mut engine);
    LogicPackage::new().register_into_engine(&mut engine);
    BasicMathPackage::new().register_into_engine(&mut engine);
    BasicArrayPackage::new().register_into_engine(&mut engine);
    BasicMapPackage::new().register_into_engine(&mut engine);
    MoreStringPackage::new().register_into_engine(&mut engine);
    engine.disable_symbol("eval");
    // It would hold a thread without an operation; a function of the same form takes its place.
    engine.register_fn("sleep", |_seconds: i64| api::no_sleep());
    engine.register_fn("sleep", |_seconds: f64| api::no_sleep());
    engine
        .set_optimization_level(OptimizationLevel::Simple)
        .set_max_operations(limits.operations)
        .set_max_call_levels(limits.call_depth)
        .set_max_string_size(limits.string)
        .set_max_array_size(limits.collection)
        .set_max_map_size(limits.collection)
        .set_max_expr_depths(EXPRESSION_DEPTH, FUNCTION_EXPRESSION_DEPTH)
        .set_max_variables(VARIABLES)
        .set_max_functions(FUNCTIONS)
        .set_max_modules(MODULES)
        .set_module_resolver(OwnFolder)
        .on_progress(|operations| {
            let look = operations % OPERATIONS_PER_LOOK == 0;
            (look && current::is_late()).then(|| "deadline".into())
        });
    with_constants(&mut engine);
    event::register(&mut engine);
    recipient::register(&mut engine);
    delivery::register(&mut engine);
    api::register(&mut Book::new(&mut engine));
    rules::register(&mut engine);
    engine
}

/// Functions see the names of their script's top level, which plain Rhai keeps from them.
#[expect(
    deprecated,
    reason = "Rhai marks this interface as one that may change, not as one that goes"
)]
fn with_constants(engine: &mut Engine) {
    engine.on_var(|name, index, context| {
        // An index is known for a local variable.
        Ok(if index == 0 {
            current::constant(context.source(), name).or_else(|| rules::word(name))
        } else {
            None
        })
    });
}
