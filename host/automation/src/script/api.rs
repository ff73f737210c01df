//! The functions of scripts, by what they are about, and how they reach the call they belong to.
//!
//! What the host refuses is an error a script can catch; a limit ends the call.

mod chance;
mod keeping;
mod past;
mod patterns;
mod phone;
mod sending;
mod texts;
mod web;

use std::future::Future;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use rhai::{Dynamic, EvalAltResult, Position};
use tokio::runtime::Handle;

use super::book::Book;
use super::current::{self, Current};
use super::time;
use crate::effects::{Denied, Halt};

type Answer<T> = Result<T, Box<EvalAltResult>>;

/// How much longer than its own limit a request to the outside is waited for.
const SLACK: Duration = Duration::from_secs(1);

/// What stands where Rhai has `sleep`.
pub(super) fn no_sleep() -> Answer<()> {
    Err(runtime(
        "a script cannot sleep; `set_timer(name, seconds)` calls its `on_event` later",
    ))
}

/// Makes the functions known.
pub(super) fn register(book: &mut Book<'_>) {
    sending::register(book);
    keeping::register(book);
    past::register(book);
    texts::register(book);
    phone::register(book);
    patterns::register(book);
    time::register(book);
    chance::register(book);
    web::register(book);
    register_log(book);
}

fn register_log(book: &mut Book<'_>) {
    book.chapter("Log and chain")
        .add(
            "log(line)",
            "Notes a line, for the operator; never a person's messages.",
            r#"log("asked for prices");"#,
            |line: Dynamic| -> Answer<()> { log("info", &line.to_string()) },
        )
        .add(
            "log(level, line)",
            "The same as `debug`, `info`, `warn` or `error`. `print(line)` is `log(\"info\", line)`.",
            r#"log("warn", "no stock left");"#,
            |level: &str, line: Dynamic| -> Answer<()> { log(level, &line.to_string()) },
        )
        .add(
            "stop()",
            "Later extensions do not see the event.",
            "stop();",
            || -> Answer<()> {
                in_call(|call| {
                    call.stopped = true;
                    Ok(())
                })
            },
        );
    // `print` and `debug` cannot fail; a full log ends the call at its next operation.
    let engine = &mut book.engine;
    engine.on_print(|line| drop(log("info", line)));
    engine.on_debug(|line, _source, _position| drop(log("debug", line)));
}

fn log(level: &str, line: &str) -> Answer<()> {
    in_call(|call| call.effects.log(level, line).map_err(Denied::Halted))
}

/// Does something in the call of this thread.
pub(super) fn in_call<T>(act: impl FnOnce(&mut Current) -> Result<T, Denied>) -> Answer<T> {
    let result = current::with(|call| {
        // Nothing more happens in a call that has gone over a limit.
        if let Some(halt) = &call.halted {
            return Err(Denied::Halted(halt.clone()));
        }
        let result = act(call);
        if let Err(Denied::Halted(halt)) = &result {
            call.halted = Some(halt.clone());
        }
        result
    });
    match result {
        Some(Ok(value)) => Ok(value),
        Some(Err(Denied::Refused(refusal))) => {
            Err(runtime(format!("{}: {}", refusal.code, refusal.message)))
        }
        Some(Err(Denied::Halted(halt))) => Err(terminated(&halt)),
        None => Err(runtime("this can be called in a handler only".to_owned())),
    }
}

/// The code of the halt that sends a call to a thread that may wait; authors never see it.
pub(super) const NEEDS_THREAD: &str = "needs-thread";

/// What needs the store now and then: done at once where it does not.
fn soon<T>(
    turn: (bool, Instant),
    answer: impl Future<Output = Result<T, Denied>>,
) -> Result<T, Denied> {
    let mut answer = std::pin::pin!(answer);
    let mut context = Context::from_waker(Waker::noop());
    match answer.as_mut().poll(&mut context) {
        Poll::Ready(done) => done,
        Poll::Pending => wait(turn, answer),
    }
}

/// Waits for the store, at most until the call's deadline.
fn wait<T>(
    (may_wait, deadline): (bool, Instant),
    answer: impl Future<Output = Result<T, Denied>>,
) -> Result<T, Denied> {
    let late = || {
        Denied::Halted(Halt {
            code: "script-deadline",
            message: "the key-value store did not answer in time".to_owned(),
        })
    };
    wait_until(may_wait, deadline, late, answer)
}

/// Waits for somebody outside of this host, which has its own limit of time.
fn wait_for_others<T>(
    may_wait: bool,
    most: Duration,
    answer: impl Future<Output = Result<T, Denied>>,
) -> Result<T, Denied> {
    let late = || Denied::refusal("timeout", "there was no answer in time");
    wait_until(may_wait, Instant::now() + most + SLACK, late, answer)
}

fn wait_until<T>(
    may_wait: bool,
    deadline: Instant,
    late: impl Fn() -> Denied,
    answer: impl Future<Output = Result<T, Denied>>,
) -> Result<T, Denied> {
    if !may_wait {
        return Err(Denied::Halted(Halt {
            code: NEEDS_THREAD,
            message: "somebody is asked".to_owned(),
        }));
    }
    let Ok(runtime) = Handle::try_current() else {
        return Err(late());
    };
    runtime.block_on(async {
        let deadline = tokio::time::Instant::from_std(deadline);
        tokio::time::timeout_at(deadline, answer)
            .await
            .unwrap_or_else(|_elapsed| Err(late()))
    })
}

pub(super) fn runtime(message: impl Into<String>) -> Box<EvalAltResult> {
    EvalAltResult::ErrorRuntime(message.into().into(), Position::NONE).into()
}

/// An error that no `try` catches.
fn terminated(halt: &Halt) -> Box<EvalAltResult> {
    EvalAltResult::ErrorTerminated(halt.code.into(), Position::NONE).into()
}
