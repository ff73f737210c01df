//! What was written before: stored messages of a chat.

use rhai::{Array, Dynamic, Map};
use warbler_domain::Message;
use warbler_domain::message::Direction;

use super::{Answer, in_call, wait};
use crate::script::book::Book;

pub(super) fn register(book: &mut Book<'_>) {
    book.chapter("Earlier messages")
        .add(
            "history(limit) -> list",
            "The newest messages of the chat, the newest first, at most 100; needs the grant `history`. Each is a map \
             with `id`, `whatsapp_id`, `chat`, `sender`, `sender_name`, `from_me`, `kind`, `text` and `timestamp`.",
            "history(10)[0].text // \"Is there parking?\"",
            |limit: i64| -> Answer<Array> { messages(None, limit) },
        )
        .add(
            "history(chat, limit) -> list",
            "The same of another chat; needs `history: any`.",
            "history(message.chat, 1).len() // 1",
            |chat: &str, limit: i64| -> Answer<Array> { messages(Some(chat), limit) },
        )
        .add(
            "find_message(whatsapp_id) -> message",
            "One stored message, such as the one that is answered; `()` when there is none.",
            "find_message(\"NOT-STORED\") // ()",
            |id: &str| -> Answer<Dynamic> {
                let found = in_call(|call| wait(call.turn(), call.effects.find_message(id)))?;
                Ok(found.map_or(Dynamic::UNIT, |message| map(&message).into()))
            },
        );
}

fn messages(chat: Option<&str>, limit: i64) -> Answer<Array> {
    let limit = u32::try_from(limit.max(1)).unwrap_or(u32::MAX);
    let page = in_call(|call| wait(call.turn(), call.effects.messages(chat, None, limit)))?;
    let messages = page.items.iter();
    Ok(messages.map(|message| map(message).into()).collect())
}

fn map(message: &Message) -> Map {
    let text = |text: Option<&str>| Dynamic::from(text.unwrap_or_default().to_owned());
    [
        ("id", Dynamic::from(message.id.to_string())),
        ("whatsapp_id", message.whatsapp_id.to_string().into()),
        ("chat", message.chat.to_string().into()),
        ("sender", message.sender.to_string().into()),
        ("sender_name", text(message.sender_name.as_deref())),
        ("from_me", (message.direction == Direction::Outbound).into()),
        ("kind", text(Some(message.content.word()))),
        ("text", text(message.content.readable())),
        ("timestamp", message.timestamp.as_millis().into()),
    ]
    .into_iter()
    .map(|(key, value)| (key.into(), value))
    .collect()
}
