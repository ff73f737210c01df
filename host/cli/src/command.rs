//! The commands: from arguments to an exit code.

mod backup;
mod campaign;
mod doctor;
mod events;
mod extensions;
mod key;
mod plugin;
mod rules;
mod script;
mod serve;
mod session;
mod user;
mod webhook;

#[cfg(feature = "simulator")]
mod demo;
#[cfg(feature = "simulator")]
mod simulator;

use std::future::Future;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokio::runtime::Builder;

use crate::args::{Arguments, Command, LogArguments};
use crate::config::{Config, Environment, Log};
use crate::failure::Failure;
use crate::logging;
use crate::terminal::Screen;

/// How long threads that are still busy may delay the end of the process.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// What commands log that have a screen of their own; `demo` shows reloads there, and what it opens.
const QUIET: &str = "error,warbler=warn,warbler_cli::unsafe=off,warbler_automation::reload=off,wacore_libsignal=off,wacore_noise=off";

/// Where compiled plugins of this user are kept between commands: `warbler/compiled` in
/// `XDG_CACHE_HOME`, or else in `~/.cache`.
fn user_cache() -> Option<PathBuf> {
    let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = named
        .filter(|path| path.is_absolute())
        .or_else(|| Some(std::env::home_dir()?.join(".cache")))?;
    Some(cache.join("warbler").join("compiled"))
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let environment = Environment::of_process();
    match dispatch(arguments, &environment) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !matches!(failure, Failure::OutputClosed) {
                // When stderr is gone too, the exit code is all that is left to say.
                drop(writeln!(std::io::stderr(), "warbler: {failure}"));
            }
            failure.exit_code()
        }
    }
}

fn dispatch(arguments: Arguments, environment: &Environment) -> Result<(), Failure> {
    let screen = Screen::of_process(environment);
    let log = arguments.log;
    match arguments.command {
        Command::Serve(args) => {
            let config = load(args.config.as_deref(), environment)?;
            logging::start(&chosen(config.log.clone(), &log), environment)?;
            on_runtime(serve::run(args, config))
        }
        #[cfg(feature = "simulator")]
        Command::Demo(args) => {
            quiet(&log, environment)?;
            on_runtime(demo::run(args, screen))
        }
        #[cfg(feature = "simulator")]
        Command::Simulator(args) => {
            let config = load(None, environment)?;
            logging::start(&chosen(config.log, &log), environment)?;
            on_runtime(simulator::run(args, screen))
        }
        Command::Session(args) => {
            quiet(&log, environment)?;
            on_runtime(session::run(args, environment, screen))
        }
        Command::Key(args) => {
            quiet(&log, environment)?;
            on_runtime(key::run(args, environment, screen))
        }
        Command::User(args) => {
            quiet(&log, environment)?;
            on_runtime(user::run(args, environment, screen))
        }
        Command::Events(args) => {
            quiet(&log, environment)?;
            on_runtime(events::run(args, environment, screen))
        }
        Command::Campaign(args) => {
            quiet(&log, environment)?;
            on_runtime(campaign::run(args, environment, screen))
        }
        Command::Extensions(args) => {
            quiet(&log, environment)?;
            on_runtime(extensions::run(args, environment, screen))
        }
        Command::Rules(args) => {
            quiet(&log, environment)?;
            on_runtime(rules::run(args, environment, screen))
        }
        Command::Webhook(args) => {
            quiet(&log, environment)?;
            on_runtime(webhook::run(args, environment, screen))
        }
        Command::Plugin(args) => {
            quiet(&log, environment)?;
            on_runtime(plugin::run(args, screen))
        }
        Command::Script(args) => {
            quiet(&log, environment)?;
            on_runtime(script::run(args, screen))
        }
        Command::Backup(args) => {
            quiet(&log, environment)?;
            backup::run(&args, environment, screen)
        }
        Command::Restore(args) => {
            quiet(&log, environment)?;
            backup::run_restore(&args, environment, screen)
        }
        Command::Doctor(args) => {
            quiet(&log, environment)?;
            on_runtime(doctor::run(args, environment, screen))
        }
    }
}

fn load(path: Option<&Path>, environment: &Environment) -> Result<Config, Failure> {
    Ok(Config::load(path, environment)?)
}

/// What the arguments say over what the settings say.
fn chosen(mut log: Log, arguments: &LogArguments) -> Log {
    if let Some(filter) = &arguments.filter {
        log.filter.clone_from(filter);
    }
    log.format = arguments.format.unwrap_or(log.format);
    log
}

/// Logging for commands with a screen of their own: warnings, unless more was asked for.
fn quiet(arguments: &LogArguments, environment: &Environment) -> Result<(), Failure> {
    let mut log = load(None, &Environment::default())?.log;
    QUIET.clone_into(&mut log.filter);
    environment.log_over(&mut log)?;
    logging::start(&chosen(log, arguments), environment)?;
    Ok(())
}

fn on_runtime(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|err| Failure::failed(format!("the runtime did not start: {err}")))?;
    let ended = runtime.block_on(Box::pin(command));
    runtime.shutdown_timeout(LAST_WORDS);
    ended
}
