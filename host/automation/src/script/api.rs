//! The functions of scripts: effects, kv, log and text.
//!
//! What the host refuses is an error a script can catch; a limit ends the call.

use std::future::Future;
use std::task::{Context, Poll, Waker};

use rhai::{Array, Dynamic, Engine, EvalAltResult, ImmutableString, Map, Position};
use tokio::runtime::Handle;
use warbler_app::hook::KvBuffer;

use super::current::{self, Current};
use crate::effects::{Denied, Halt};

type Answer<T> = Result<T, Box<EvalAltResult>>;

/// What stands where Rhai has `sleep`.
pub(super) fn no_sleep() -> Answer<()> {
    Err(runtime("a script cannot sleep".to_owned()))
}

/// Makes the functions known.
pub(super) fn register(engine: &mut Engine) {
    register_effects(engine);
    register_more_effects(engine);
    register_kv(engine);
    register_text(engine);
    engine.register_fn("log", |line: Dynamic| -> Answer<()> {
        log("info", &line.to_string())
    });
    engine.register_fn("log", |level: &str, line: Dynamic| -> Answer<()> {
        log(level, &line.to_string())
    });
    engine.register_fn("stop", || -> Answer<()> {
        in_call(|call| {
            call.stopped = true;
            Ok(())
        })
    });
    // `print` and `debug` cannot fail; a full log ends the call at its next operation.
    engine.on_print(|line| drop(log("info", line)));
    engine.on_debug(|line, _source, _position| drop(log("debug", line)));
}

fn register_effects(engine: &mut Engine) {
    engine.register_fn("reply", |text: Dynamic| -> Answer<()> {
        in_call(|call| call.effects.reply(text.to_string(), false))
    });
    engine.register_fn("reply_quoted", |text: Dynamic| -> Answer<()> {
        in_call(|call| call.effects.reply(text.to_string(), true))
    });
    engine.register_fn("send", |to: &str, text: Dynamic| -> Answer<()> {
        let text = text.to_string();
        in_call(|call| {
            let turn = call.turn();
            soon(turn, call.effects.send_text(to, text))
        })
    });
    engine.register_fn("react", |emoji: &str| -> Answer<()> {
        in_call(|call| call.effects.react(None, emoji.to_owned()))
    });
    engine.register_fn("react", |emoji: &str, target: &str| -> Answer<()> {
        in_call(|call| call.effects.react(Some(target), emoji.to_owned()))
    });
}

fn register_more_effects(engine: &mut Engine) {
    engine.register_fn("send_media", |form: &str, source: &str| -> Answer<()> {
        in_call(|call| {
            soon(
                call.turn(),
                call.effects.send_media(None, form, source, None, None),
            )
        })
    });
    engine.register_fn(
        "send_media",
        |form: &str, source: &str, caption: &str| -> Answer<()> {
            let caption = Some(caption.to_owned());
            in_call(|call| {
                soon(
                    call.turn(),
                    call.effects.send_media(None, form, source, caption, None),
                )
            })
        },
    );
    engine.register_fn("send_location", |north: f64, east: f64| -> Answer<()> {
        in_call(|call| {
            soon(
                call.turn(),
                call.effects.send_location(None, north, east, None),
            )
        })
    });
    engine.register_fn(
        "send_location",
        |north: f64, east: f64, name: &str| -> Answer<()> {
            let name = Some(name.to_owned());
            in_call(|call| {
                soon(
                    call.turn(),
                    call.effects.send_location(None, north, east, name),
                )
            })
        },
    );
    engine.register_fn("send_contact", |name: &str, phone: &str| -> Answer<()> {
        let phones = [phone.to_owned()];
        in_call(|call| soon(call.turn(), call.effects.send_contact(None, name, &phones)))
    });
    engine.register_fn("edit", |target: &str, text: Dynamic| -> Answer<()> {
        in_call(|call| call.effects.edit(target, text.to_string()))
    });
    engine.register_fn("revoke", |target: &str| -> Answer<()> {
        in_call(|call| call.effects.revoke(target))
    });
    engine.register_fn("mark_read", || -> Answer<()> {
        in_call(|call| call.effects.mark_read())
    });
    engine.register_fn("typing", |state: &str| -> Answer<()> {
        in_call(|call| call.effects.set_typing(state))
    });
    engine.register_fn("emit", |kind: &str, data: Map| -> Answer<()> {
        let data = rhai::format_map_as_json(&data);
        in_call(|call| call.effects.emit(kind, data))
    });
    engine.register_fn("set_timer", |name: &str, seconds: i64| -> Answer<()> {
        set_timer(name, seconds, &Map::new())
    });
    engine.register_fn(
        "set_timer",
        |name: &str, seconds: i64, data: Map| -> Answer<()> { set_timer(name, seconds, &data) },
    );
    engine.register_fn("cancel_timer", |name: &str| -> Answer<()> {
        in_call(|call| call.effects.cancel_timer(name.to_owned()))
    });
    engine.register_fn("secret", |name: &str| -> Answer<String> {
        in_call(|call| call.effects.secret(name))
    });
}

fn set_timer(name: &str, seconds: i64, data: &Map) -> Answer<()> {
    let (name, data) = (name.to_owned(), rhai::format_map_as_json(data));
    // What is not after now is refused as any other bad time.
    let after = u64::try_from(seconds).unwrap_or(0);
    in_call(|call| {
        wait(
            call.may_wait,
            call.deadline(),
            call.effects.set_timer(name, after, data),
        )
    })
}

fn register_kv(engine: &mut Engine) {
    engine.register_fn("kv_keys", |prefix: &str| -> Answer<Array> {
        let most = KvBuffer::MAX_LISTED;
        let keys = in_call(|call| {
            wait(
                call.may_wait,
                call.deadline(),
                call.effects.kv_list(prefix, "", most),
            )
        })?;
        Ok(keys.into_iter().map(Dynamic::from).collect())
    });
    engine.register_fn("kv_get", |key: &str| -> Answer<Dynamic> {
        let value = in_call(|call| wait(call.may_wait, call.deadline(), call.effects.kv_get(key)))?;
        Ok(match value {
            Some(bytes) => String::from_utf8_lossy(&bytes).into_owned().into(),
            None => Dynamic::UNIT,
        })
    });
    engine.register_fn("kv_set", |key: &str, value: Dynamic| -> Answer<()> {
        kv_set(key, &value, None)
    });
    engine.register_fn(
        "kv_set",
        |key: &str, value: Dynamic, ttl_seconds: i64| -> Answer<()> {
            kv_set(key, &value, Some(u64::try_from(ttl_seconds).unwrap_or(0)))
        },
    );
    engine.register_fn("kv_delete", |key: &str| -> Answer<()> {
        in_call(|call| wait(call.may_wait, call.deadline(), call.effects.kv_delete(key)))
    });
    engine.register_fn("kv_increment", |key: &str| -> Answer<i64> {
        kv_increment(key, 1)
    });
    engine.register_fn("kv_increment", kv_increment);
}

fn kv_set(key: &str, value: &Dynamic, ttl_seconds: Option<u64>) -> Answer<()> {
    let value = value.to_string().into_bytes();
    in_call(|call| {
        wait(
            call.may_wait,
            call.deadline(),
            call.effects.kv_set(key, value, ttl_seconds),
        )
    })
}

fn kv_increment(key: &str, by: i64) -> Answer<i64> {
    in_call(|call| {
        wait(
            call.may_wait,
            call.deadline(),
            call.effects.kv_increment(key, by),
        )
    })
}

fn register_text(engine: &mut Engine) {
    engine.register_fn("to_lower", |text: &str| text.to_lowercase());
    engine.register_fn("to_upper", |text: &str| text.to_uppercase());
    engine.register_fn("trim", |text: &str| text.trim().to_owned());
    engine.register_fn("contains_any", |text: &str, parts: Array| {
        any(text, &parts, |text, part| text.contains(part))
    });
    engine.register_fn("has_any_word", |text: &str, words: Array| {
        any(text, &words, has_word)
    });
}

/// Whether one of `parts` is in `text`, whatever their case.
fn any(text: &str, parts: &Array, is_in: impl Fn(&str, &str) -> bool) -> Answer<bool> {
    let text = text.to_lowercase();
    for part in parts {
        let part = part.clone().try_cast::<ImmutableString>();
        let part = part.ok_or_else(|| runtime("a list of texts is expected".to_owned()))?;
        if !part.is_empty() && is_in(&text, &part.to_lowercase()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether `word` stands in `text` with no letter or digit right before or after it.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(start, found)| {
        let before = text
            .get(..start)
            .and_then(|before| before.chars().next_back());
        let after = text
            .get(start + found.len()..)
            .and_then(|after| after.chars().next());
        let joins = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        !joins(before) && !joins(after)
    })
}

fn log(level: &str, line: &str) -> Answer<()> {
    in_call(|call| call.effects.log(level, line).map_err(Denied::Halted))
}

/// Does something in the call of this thread.
fn in_call<T>(act: impl FnOnce(&mut Current) -> Result<T, Denied>) -> Answer<T> {
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
    (may_wait, deadline): (bool, std::time::Instant),
    answer: impl Future<Output = Result<T, Denied>>,
) -> Result<T, Denied> {
    let mut answer = std::pin::pin!(answer);
    let mut context = Context::from_waker(Waker::noop());
    match answer.as_mut().poll(&mut context) {
        Poll::Ready(done) => done,
        Poll::Pending => wait(may_wait, deadline, answer),
    }
}

/// Waits for the store, at most until the call's deadline.
fn wait<T>(
    may_wait: bool,
    deadline: std::time::Instant,
    answer: impl Future<Output = Result<T, Denied>>,
) -> Result<T, Denied> {
    if !may_wait {
        return Err(Denied::Halted(Halt {
            code: NEEDS_THREAD,
            message: "the store is asked".to_owned(),
        }));
    }
    let late = || {
        Denied::Halted(Halt {
            code: "script-deadline",
            message: "the key-value store did not answer in time".to_owned(),
        })
    };
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

fn runtime(message: String) -> Box<EvalAltResult> {
    EvalAltResult::ErrorRuntime(message.into(), Position::NONE).into()
}

/// An error that no `try` catches.
fn terminated(halt: &Halt) -> Box<EvalAltResult> {
    EvalAltResult::ErrorTerminated(halt.code.into(), Position::NONE).into()
}
