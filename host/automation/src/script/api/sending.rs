//! What a script sends, changes and shows.

use rhai::{Array, Dynamic, ImmutableString, Map};

use super::{Answer, in_call, runtime, soon};
use crate::script::book::Book;
use crate::script::json;

pub(super) fn register(book: &mut Book<'_>) {
    register_texts(book);
    register_media(book);
    register_changes(book);
}

fn register_texts(book: &mut Book<'_>) {
    book.chapter("Sending")
        .add(
            "reply(text)",
            "Writes into the chat.",
            r#"reply("Our prices start at $10");"#,
            |text: Dynamic| -> Answer<()> {
                in_call(|call| call.effects.reply(text.to_string(), false))
            },
        )
        .add(
            "reply_quoted(text)",
            "The same, as an answer to the message.",
            r#"reply_quoted("Yes, we do");"#,
            |text: Dynamic| -> Answer<()> {
                in_call(|call| call.effects.reply(text.to_string(), true))
            },
        )
        .add(
            "send(to, text)",
            "Writes to a number or JID; needs the grant `send`.",
            r#"send("+1 555 0101", "A customer asks for you");"#,
            |to: &str, text: Dynamic| -> Answer<()> {
                let text = text.to_string();
                in_call(|call| soon(call.turn(), call.effects.send_text(to, text)))
            },
        )
        .add(
            "react(emoji)",
            "Reacts to the message; `\"\"` takes the reaction back.",
            r#"react("👍");"#,
            |emoji: &str| -> Answer<()> {
                in_call(|call| call.effects.react(None, emoji.to_owned()))
            },
        )
        .add(
            "react(emoji, whatsapp_id)",
            "Reacts to another message of the chat.",
            r#"react("✅", message.whatsapp_id);"#,
            |emoji: &str, target: &str| -> Answer<()> {
                in_call(|call| call.effects.react(Some(target), emoji.to_owned()))
            },
        );
}

fn register_media(book: &mut Book<'_>) {
    book.add(
        "send_media(form, source)",
        "Sends an `image`, `video`, `gif`, `audio`, `voice`, `document` or `sticker` into the chat; the source is a URL \
         or the id of an upload.",
        r#"send_media("image", "https://example.com/menu.png");"#,
        |form: &str, source: &str| -> Answer<()> { media(form, source, &Map::new()) },
    )
    .add(
        "send_media(form, source, caption)",
        "The same with a caption.",
        r#"send_media("image", "https://example.com/menu.png", "Today's menu");"#,
        |form: &str, source: &str, caption: &str| -> Answer<()> {
            let more = [("caption".into(), caption.into())].into();
            media(form, source, &more)
        },
    )
    .add(
        "send_media(form, source, #{…})",
        "The same with any of `caption`, `file_name` and `to`.",
        r#"send_media("document", "https://example.com/a.pdf", #{ file_name: "Invoice.pdf", to: "+1 555 0101" });"#,
        |form: &str, source: &str, more: Map| -> Answer<()> { media(form, source, &more) },
    )
    .add(
        "send_location(north, east)",
        "Sends a place into the chat, in degrees.",
        "send_location(52.52, 13.4);",
        |north: f64, east: f64| -> Answer<()> { location(None, north, east, None) },
    )
    .add(
        "send_location(north, east, name)",
        "The same with what is there.",
        r#"send_location(52.52, 13.4, "Our shop");"#,
        |north: f64, east: f64, name: &str| -> Answer<()> {
            location(None, north, east, Some(name.to_owned()))
        },
    )
    .add(
        "send_location(to, north, east, name)",
        "The same to a number or JID.",
        r#"send_location("+1 555 0101", 52.52, 13.4, "Our shop");"#,
        |to: &str, north: f64, east: f64, name: &str| -> Answer<()> {
            location(Some(to), north, east, Some(name.to_owned()))
        },
    )
    .add(
        "send_contact(name, phone)",
        "Sends an address-book entry into the chat; for several numbers write a list.",
        r#"send_contact("Ada Lovelace", "+1 555 0100");"#,
        |name: &str, phone: Dynamic| -> Answer<()> { contact(None, name, phone) },
    )
    .add(
        "send_contact(to, name, phone)",
        "The same to a number or JID.",
        r#"send_contact("+1 555 0101", "Ada Lovelace", ["+1 555 0100", "+1 555 0102"]);"#,
        |to: &str, name: &str, phone: Dynamic| -> Answer<()> { contact(Some(to), name, phone) },
    );
}

fn register_changes(book: &mut Book<'_>) {
    book.add(
        "edit(whatsapp_id, text)",
        "Changes an own message of the chat, within 15 minutes.",
        r#"edit("3EB00123456789ABCDEF01", "Sold out");"#,
        |target: &str, text: Dynamic| -> Answer<()> {
            in_call(|call| call.effects.edit(target, text.to_string()))
        },
    )
    .add(
        "revoke(whatsapp_id)",
        "Takes a message of the chat back for everyone: an own one, or as an admin of a group anybody's.",
        r#"revoke("3EB00123456789ABCDEF01");"#,
        |target: &str| -> Answer<()> { in_call(|call| call.effects.revoke(target)) },
    )
    .add(
        "mark_read()",
        "Marks the chat as read.",
        "mark_read();",
        || -> Answer<()> { in_call(|call| call.effects.mark_read()) },
    )
    .add(
        "typing(state)",
        "Shows in the chat that the account is `composing`, `recording` or `paused`.",
        r#"typing("composing");"#,
        |state: &str| -> Answer<()> { in_call(|call| call.effects.set_typing(state)) },
    )
    .add(
        "emit(kind, #{…})",
        "Makes an event `custom.…` for every extension that wants it; the map is at `event.body.data` there.",
        r#"emit("custom.lead", #{ from: message.sender });"#,
        |kind: &str, data: Map| -> Answer<()> {
            let data = json::text(&data.into()).map_err(runtime)?;
            in_call(|call| call.effects.emit(kind, data))
        },
    );
}

fn media(form: &str, source: &str, more: &Map) -> Answer<()> {
    let text = |key: &str| -> Answer<Option<String>> {
        let Some(value) = more.get(key) else {
            return Ok(None);
        };
        let text = value.clone().try_cast::<ImmutableString>();
        let text = text.ok_or_else(|| runtime(format!("`{key}` is a text")))?;
        Ok(Some(text.into()))
    };
    for key in more.keys() {
        if !["caption", "file_name", "to"].contains(&key.as_str()) {
            let message = format!("a medium has no `{key}`; there are caption, file_name and to");
            return Err(runtime(message));
        }
    }
    let (to, caption, file_name) = (text("to")?, text("caption")?, text("file_name")?);
    in_call(|call| {
        let turn = call.turn();
        let effects = &mut call.effects;
        let sent = effects.send_media(to.as_deref(), form, source, caption, file_name);
        soon(turn, sent)
    })
}

fn location(to: Option<&str>, north: f64, east: f64, name: Option<String>) -> Answer<()> {
    in_call(|call| {
        soon(
            call.turn(),
            call.effects.send_location(to, north, east, name),
        )
    })
}

fn contact(to: Option<&str>, name: &str, phone: Dynamic) -> Answer<()> {
    let phones: Vec<String> = match phone.try_cast_result::<Array>() {
        Ok(list) => list.iter().map(ToString::to_string).collect(),
        Err(one) => vec![one.to_string()],
    };
    in_call(|call| soon(call.turn(), call.effects.send_contact(to, name, &phones)))
}
