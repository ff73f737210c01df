//! `warbler script …`: what an author of scripts does before a host has them.

mod check;
mod docs;
mod message;
mod new;

use crate::args::{Script, ScriptVerb};
use crate::failure::Failure;
use crate::terminal::Screen;

use super::plugin::test;

/// Does it.
pub(super) async fn run(args: Script, screen: Screen) -> Result<(), Failure> {
    match args.verb {
        ScriptVerb::New { name, hook, parent } => new::run(&name, hook, &parent, screen),
        ScriptVerb::Check { path, json } => check::run(&path, json, screen).await,
        ScriptVerb::Test {
            path,
            message,
            json,
            ..
        } if message.text.is_some() || message.kind.is_some() => {
            message::run(&path, message, json, screen).await
        }
        ScriptVerb::Test {
            path, bless, json, ..
        } => test::run(&path, bless, json, screen).await,
        ScriptVerb::Docs { definitions } => docs::run(definitions, screen),
    }
}
