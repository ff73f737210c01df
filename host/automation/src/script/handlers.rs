//! Which handlers a script has, and so for what it is called.

use rhai::AST;
use warbler_domain::extension::Hook;
use warbler_domain::{Event, EventKind};

use super::failure;
use super::unknown::{self, Known};
use crate::fault::Fault;

/// What every script is told when it has no handler.
const HANDLERS: &str = "a script defines `fn on_message(message) { … }`, `fn on_event(event) { … }`, \
                        `fn render(recipient) { … }` or `fn transform(delivery) { … }`, or says rules: \
                        `rule(\"name\")…`";

/// The handlers a script has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Handlers {
    message: bool,
    event: bool,
    render: bool,
    transform: bool,
}

impl Handlers {
    fn of(ast: &AST) -> Self {
        let has = |name: &str| {
            ast.iter_functions()
                .any(|function| function.name == name && function.params.len() == 1)
        };
        Self {
            message: has("on_message"),
            event: has("on_event"),
            render: has("render"),
            transform: has("transform"),
        }
    }

    /// What the script is called for.
    pub(super) fn hooks(self) -> Vec<Hook> {
        let hooks = [
            (self.message || self.event, Hook::Event),
            (self.render, Hook::Template),
            (self.transform, Hook::Webhook),
        ];
        let there = hooks.into_iter().filter(|(there, _)| *there);
        there.map(|(_, hook)| hook).collect()
    }

    /// The function for an event: `on_message` for messages that came in, `on_event` for the rest
    /// and where there is no `on_message`.
    pub(super) fn for_event(self, event: &Event) -> Option<&'static str> {
        if self.message && event.kind() == EventKind::MESSAGE_RECEIVED {
            Some("on_message")
        } else if self.event {
            Some("on_event")
        } else {
            None
        }
    }
}

/// Why a script with neither handlers nor rules is none.
pub(super) fn missing() -> Fault {
    Fault::new("script-missing-handler", HANDLERS)
}

/// The handlers of a script in which every name exists.
pub(super) fn look_at(known: &Known, ast: &AST, source: &str) -> Result<Handlers, Fault> {
    let handlers = Handlers::of(ast);
    match unknown::mistake(known, ast) {
        Some(mistake) => {
            let fault = Fault::new("script-unknown", mistake.message);
            Err(failure::at(fault, source, mistake.place))
        }
        None => Ok(handlers),
    }
}
