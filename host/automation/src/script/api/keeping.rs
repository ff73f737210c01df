//! What a script remembers, is told, and sets for later.

use rhai::{Array, Dynamic, Map};
use warbler_app::hook::KvBuffer;

use super::{Answer, in_call, runtime, wait};
use crate::script::book::Book;
use crate::script::json;
use crate::script::time::Time;

pub(super) fn register(book: &mut Book<'_>) {
    register_kv(book);
    register_timers(book);
    register_settings(book);
}

fn register_kv(book: &mut Book<'_>) {
    book.chapter("Remembering")
        .add(
            "kv_set(key, value)",
            "Remembers; maps and lists are kept as JSON.",
            "kv_set(\"greeted\", \"yes\");\nkv_get(\"greeted\") // \"yes\"",
            |key: &str, value: Dynamic| -> Answer<()> { kv_set(key, &value, None) },
        )
        .add(
            "kv_set(key, value, seconds)",
            "Remembers for so long.",
            r#"kv_set("greeted " + message.chat, "yes", 24 * 60 * 60);"#,
            |key: &str, value: Dynamic, ttl_seconds: i64| -> Answer<()> {
                kv_set(key, &value, Some(u64::try_from(ttl_seconds).unwrap_or(0)))
            },
        )
        .add(
            "kv_get(key) -> text",
            "What was remembered, as text; `()` when nothing was.",
            "kv_get(\"nothing of that name\") // ()\nkv_get(\"nothing of that name\") ?? \"none\" // \"none\"",
            |key: &str| -> Answer<Dynamic> {
                Ok(kv_get(key)?.map_or(Dynamic::UNIT, Dynamic::from))
            },
        )
        .add(
            "kv_get_json(key) -> value",
            "What was remembered, as the map, list or number it was; `()` when nothing was.",
            "kv_set(\"order\", #{ pizza: 2 });\nkv_get_json(\"order\").pizza // 2",
            |key: &str| -> Answer<Dynamic> {
                let Some(text) = kv_get(key)? else {
                    return Ok(Dynamic::UNIT);
                };
                json::parse(&text).map_err(|error| runtime(format!("what is at `{key}` {error}")))
            },
        )
        .add(
            "kv_increment(key) -> count",
            "Counts, and answers the count; calls at the same time lose nothing.",
            "kv_increment(\"visitors\") // 1",
            |key: &str| -> Answer<i64> { kv_increment(key, 1) },
        )
        .add(
            "kv_increment(key, by) -> count",
            "Counts by more than one, or down.",
            "kv_increment(\"stock\", -2) // -2",
            kv_increment,
        )
        .add(
            "kv_delete(key)",
            "Forgets.",
            "kv_set(\"a\", 1);\nkv_delete(\"a\");\nkv_get(\"a\") // ()",
            |key: &str| -> Answer<()> {
                in_call(|call| wait(call.turn(), call.effects.kv_delete(key)))
            },
        )
        .add(
            "kv_keys(prefix) -> list",
            "The keys that begin so, in order; at most 1,000.",
            "kv_set(\"vip ada\", 1);\nkv_set(\"vip bob\", 1);\nkv_keys(\"vip \") // [\"vip ada\", \"vip bob\"]",
            |prefix: &str| -> Answer<Array> { kv_keys(prefix, "", i64::MAX) },
        )
        .add(
            "kv_keys(prefix, after, limit) -> list",
            "The same, only those after one, and so many.",
            "kv_set(\"vip ada\", 1);\nkv_set(\"vip bob\", 1);\nkv_keys(\"vip \", \"vip ada\", 10) // [\"vip bob\"]",
            kv_keys,
        );
}

fn register_timers(book: &mut Book<'_>) {
    book.chapter("Later")
        .add(
            "set_timer(name, seconds)",
            "Calls `on_event` later with an event of kind `timer` in the same chat. One for each name and chat; it \
             survives a restart.",
            r#"set_timer("remind", 60 * 60);"#,
            |name: &str, seconds: i64| -> Answer<()> { set_timer(name, seconds, Map::new()) },
        )
        .add(
            "set_timer(name, seconds, #{…})",
            "The same; the map is at `event.body.data` then, the name at `event.body.name`.",
            r#"set_timer("remind", 60 * 60, #{ what: "your table" });"#,
            set_timer,
        )
        .add(
            "set_timer(name, time, #{…})",
            "The same at a time.",
            r#"set_timer("remind", now("Europe/Berlin").add_days(1), #{ what: "your table" });"#,
            |name: &str, time: Time, data: Map| -> Answer<()> {
                let now = Time::now("UTC")?;
                set_timer(name, time.seconds_since(&now), data)
            },
        )
        .add(
            "cancel_timer(name)",
            "Not any more.",
            r#"cancel_timer("remind");"#,
            |name: &str| -> Answer<()> {
                in_call(|call| call.effects.cancel_timer(name.to_owned()))
            },
        );
}

fn register_settings(book: &mut Book<'_>) {
    book.chapter("Settings and secrets")
        .add(
            "config(name) -> value",
            "A setting: from `NAME.toml` beside the script, else from a line `// config.name: value` at its top.",
            "config(\"city\") // \"Berlin\"",
            |name: &str| -> Answer<Dynamic> {
                setting(name)?.ok_or_else(|| {
                    runtime(format!(
                        "there is no setting `{name}`: write `// config.{name}: value` at the top of the script, or \
                         `{name} = \"value\"` into the .toml beside it"
                    ))
                })
            },
        )
        .add(
            "config(name, otherwise) -> value",
            "The same, or something else where it is not set.",
            "config(\"colour\", \"blue\") // \"blue\"",
            |name: &str, otherwise: Dynamic| -> Answer<Dynamic> {
                Ok(setting(name)?.unwrap_or(otherwise))
            },
        )
        .add(
            "secret(name) -> text",
            "A secret of the operator's that is granted. In the log it shows as `***`.",
            "secret(\"crm_token\") // \"s3cr3t\"",
            |name: &str| -> Answer<String> { in_call(|call| call.effects.secret(name)) },
        );
}

fn setting(name: &str) -> Answer<Option<Dynamic>> {
    in_call(|call| {
        let config = call.fixed.config.as_map_ref();
        Ok(config.ok().and_then(|config| config.get(name).cloned()))
    })
}

fn kv_get(key: &str) -> Answer<Option<String>> {
    let value = in_call(|call| wait(call.turn(), call.effects.kv_get(key)))?;
    Ok(value.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

fn kv_set(key: &str, value: &Dynamic, ttl_seconds: Option<u64>) -> Answer<()> {
    let text = if value.is_map() || value.is_array() {
        json::text(value).map_err(runtime)?
    } else {
        value.to_string()
    };
    in_call(|call| {
        let turn = call.turn();
        wait(
            turn,
            call.effects.kv_set(key, text.into_bytes(), ttl_seconds),
        )
    })
}

fn kv_increment(key: &str, by: i64) -> Answer<i64> {
    in_call(|call| wait(call.turn(), call.effects.kv_increment(key, by)))
}

fn kv_keys(prefix: &str, after: &str, limit: i64) -> Answer<Array> {
    let most = u32::try_from(limit.max(0)).unwrap_or(KvBuffer::MAX_LISTED);
    let most = most.min(KvBuffer::MAX_LISTED);
    let keys = in_call(|call| wait(call.turn(), call.effects.kv_list(prefix, after, most)))?;
    Ok(keys.into_iter().map(Dynamic::from).collect())
}

fn set_timer(name: &str, seconds: i64, data: Map) -> Answer<()> {
    let data = json::text(&data.into()).map_err(runtime)?;
    // What is not after now is refused as any other bad time.
    let after = u64::try_from(seconds).unwrap_or(0);
    in_call(|call| {
        let turn = call.turn();
        wait(turn, call.effects.set_timer(name.to_owned(), after, data))
    })
}
