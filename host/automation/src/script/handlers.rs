//! Which handlers a script has, and so for what it is called.

use rhai::{AST, Position};
use warbler_domain::extension::Hook;
use warbler_domain::{Event, EventKind};

use super::failure;
use super::unknown::{self, Known};
use crate::fault::Fault;

/// What every script is told when it has no handler.
const HANDLERS: &str = "a script defines `fn on_message(message) { … }`, `fn on_event(event) { … }`, \
                        `fn render(recipient) { … }` or `fn transform(delivery) { … }`, or says rules: \
                        `rule(\"name\")…`";

/// What handlers are called.
const NAMES: [&str; 4] = ["on_message", "on_event", "render", "transform"];

/// The handlers a script has, by where they begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Handlers {
    message: Option<Position>,
    event: Option<Position>,
    render: Option<Position>,
    transform: Option<Position>,
}

impl Handlers {
    fn of(ast: &AST) -> Self {
        let begins = |name: &str| {
            let function = ast.shared_lib().get_script_fn(name, 1);
            function.map(|function| function.body.start_position())
        };
        let [message, event, render, transform] = NAMES.map(begins);
        Self {
            message,
            event,
            render,
            transform,
        }
    }

    /// Where a handler begins.
    pub(super) fn place(self, handler: &str) -> Option<Position> {
        let places = [self.message, self.event, self.render, self.transform];
        let mut named = NAMES.into_iter().zip(places);
        named.find(|(name, _)| *name == handler)?.1
    }

    /// What the script is called for.
    pub(super) fn hooks(self) -> Vec<Hook> {
        let hooks = [
            (self.message.or(self.event), Hook::Event),
            (self.render, Hook::Template),
            (self.transform, Hook::Webhook),
        ];
        let there = hooks.into_iter().filter(|(there, _)| there.is_some());
        there.map(|(_, hook)| hook).collect()
    }

    /// The function for an event: `on_message` for messages that came in, `on_event` for the rest
    /// and where there is no `on_message`.
    pub(super) fn for_event(self, event: &Event) -> Option<&'static str> {
        if self.message.is_some() && event.kind() == EventKind::MESSAGE_RECEIVED {
            Some("on_message")
        } else if self.event.is_some() {
            Some("on_event")
        } else {
            None
        }
    }
}

/// Why a script with neither handlers nor rules is none. One that may have been meant is shown.
pub(super) fn missing(ast: &AST, source: &str) -> Fault {
    const CODE: &str = "script-missing-handler";
    let meant = ast.iter_functions().find_map(|function| {
        let name = unknown::nearest(function.name, NAMES.into_iter())?;
        Some((function.name, function.params.len(), name))
    });
    let Some((written, parameters, name)) = meant else {
        return Fault::new(CODE, HANDLERS);
    };
    let message = match written == name {
        true => format!("`{name}` has one parameter, and this one has {parameters}; {HANDLERS}"),
        false => format!("there is no handler `{written}`; did you mean `{name}`? {HANDLERS}"),
    };
    let function = ast.shared_lib().get_script_fn(written, parameters);
    match function.map(|function| function.body.start_position()) {
        Some(place) => failure::at(Fault::new(CODE, message), source, place),
        None => Fault::new(CODE, message),
    }
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
