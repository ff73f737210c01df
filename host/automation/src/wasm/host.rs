//! The import functions of the contract. Translation only: what they do is in `effects`; what passes
//! either way is counted here.

use super::contract::warbler::plugin::{
    config, history, http, kv, log, outbox, schedule, secrets, types,
};
use super::record;
use super::state::PluginState;
use crate::effects::{Denied, Halt, Request};

/// What an entry of a list takes beside its text, in bytes.
const EACH: usize = size_of::<String>();

/// A refusal is the guest's to handle; a halt ends its call.
fn answer<T>(result: Result<T, Denied>) -> wasmtime::Result<Result<T, types::Refusal>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Denied::Refused(refusal)) => Ok(Err(types::Refusal {
            code: refusal.code.to_owned(),
            message: refusal.message,
        })),
        Err(Denied::Halted(halt)) => Err(wasmtime::Error::new::<Halt>(halt)),
    }
}

/// Bytes of a text that may be absent.
fn of(text: &Option<String>) -> usize {
    text.as_ref().map_or(0, String::len)
}

/// Bytes of names and values.
fn pairs(pairs: &[(String, String)]) -> usize {
    let each = pairs.iter();
    each.map(|(name, value)| name.len() + value.len() + 2 * EACH)
        .sum()
}

impl types::Host for PluginState {}

impl outbox::Host for PluginState {
    fn reply(&mut self, text: String, quote: bool) -> wasmtime::Result<Result<(), types::Refusal>> {
        self.pass(text.len())?;
        answer(self.effects.reply(text, quote))
    }

    async fn send_text(
        &mut self,
        to: String,
        text: String,
    ) -> wasmtime::Result<Result<(), types::Refusal>> {
        self.pass(to.len() + text.len())?;
        answer(self.effects.send_text(&to, text).await)
    }

    fn react(
        &mut self,
        target: Option<String>,
        emoji: String,
    ) -> wasmtime::Result<Result<(), types::Refusal>> {
        self.pass(of(&target) + emoji.len())?;
        answer(self.effects.react(target.as_deref(), emoji))
    }

    async fn send_media(
        &mut self,
        to: Option<String>,
        form: String,
        source: String,
        caption: Option<String>,
        file_name: Option<String>,
    ) -> wasmtime::Result<Result<(), types::Refusal>> {
        self.pass(of(&to) + form.len() + source.len() + of(&caption) + of(&file_name))?;
        let effects = &mut self.effects;
        let sent = effects.send_media(to.as_deref(), &form, &source, caption, file_name);
        answer(sent.await)
    }

    async fn send_location(
        &mut self,
        to: Option<String>,
        latitude: f64,
        longitude: f64,
        name: Option<String>,
    ) -> wasmtime::Result<Result<(), types::Refusal>> {
        self.pass(of(&to) + of(&name))?;
        let effects = &mut self.effects;
        let sent = effects.send_location(to.as_deref(), latitude, longitude, name);
        answer(sent.await)
    }

    async fn send_contact(
        &mut self,
        to: Option<String>,
        name: String,
        phones: Vec<String>,
    ) -> wasmtime::Result<Result<(), types::Refusal>> {
        let numbers: usize = phones.iter().map(|phone| phone.len() + EACH).sum();
        self.pass(of(&to) + name.len() + numbers)?;
        let sent = self.effects.send_contact(to.as_deref(), &name, &phones);
        answer(sent.await)
    }

    fn edit(
        &mut self,
        target: String,
        text: String,
    ) -> wasmtime::Result<Result<(), types::Refusal>> {
        self.pass(target.len() + text.len())?;
        answer(self.effects.edit(&target, text))
    }

    fn revoke(&mut self, target: String) -> wasmtime::Result<Result<(), types::Refusal>> {
        self.pass(target.len())?;
        answer(self.effects.revoke(&target))
    }

    fn mark_read(&mut self) -> wasmtime::Result<Result<(), types::Refusal>> {
        answer(self.effects.mark_read())
    }

    fn set_typing(&mut self, state: String) -> wasmtime::Result<Result<(), types::Refusal>> {
        self.pass(state.len())?;
        answer(self.effects.set_typing(&state))
    }

    fn emit(&mut self, kind: String, data: String) -> wasmtime::Result<Result<(), types::Refusal>> {
        self.pass(kind.len() + data.len())?;
        answer(self.effects.emit(&kind, data))
    }
}

impl schedule::Host for PluginState {
    async fn set_timer(
        &mut self,
        name: String,
        after_seconds: u64,
        data: String,
    ) -> wasmtime::Result<Result<(), types::Refusal>> {
        self.pass(name.len() + data.len())?;
        answer(self.effects.set_timer(name, after_seconds, data).await)
    }

    async fn cancel_timer(&mut self, name: String) -> wasmtime::Result<Result<(), types::Refusal>> {
        self.pass(name.len())?;
        answer(self.effects.cancel_timer(name))
    }
}

impl kv::Host for PluginState {
    async fn get(
        &mut self,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, types::Refusal>> {
        self.pass(key.len())?;
        let found = self.effects.kv_get(&key).await;
        if let Ok(Some(value)) = &found {
            self.pass(value.len())?;
        }
        answer(found)
    }

    async fn set(
        &mut self,
        key: String,
        value: Vec<u8>,
        ttl_seconds: Option<u64>,
    ) -> wasmtime::Result<Result<(), types::Refusal>> {
        self.pass(key.len() + value.len())?;
        answer(self.effects.kv_set(&key, value, ttl_seconds).await)
    }

    async fn delete(&mut self, key: String) -> wasmtime::Result<Result<(), types::Refusal>> {
        self.pass(key.len())?;
        answer(self.effects.kv_delete(&key).await)
    }

    async fn increment(
        &mut self,
        key: String,
        by: i64,
    ) -> wasmtime::Result<Result<i64, types::Refusal>> {
        self.pass(key.len())?;
        answer(self.effects.kv_increment(&key, by).await)
    }

    async fn list(
        &mut self,
        prefix: String,
        after: String,
        limit: u32,
    ) -> wasmtime::Result<Result<Vec<String>, types::Refusal>> {
        self.pass(prefix.len() + after.len())?;
        let found = self.effects.kv_list(&prefix, &after, limit).await;
        if let Ok(keys) = &found {
            self.pass(keys.iter().map(|key| key.len() + EACH).sum())?;
        }
        answer(found)
    }
}

impl http::Host for PluginState {
    async fn fetch(
        &mut self,
        request: http::Request,
    ) -> wasmtime::Result<Result<http::Response, types::Refusal>> {
        let http::Request {
            method,
            url,
            headers,
            body,
        } = request;
        self.pass(method.len() + url.len() + pairs(&headers) + body.len())?;
        let fetched = self
            .effects
            .fetch(Request {
                method,
                url,
                headers,
                body,
            })
            .await;
        if let Ok(answer) = &fetched {
            self.pass(pairs(&answer.headers) + answer.body.len())?;
        }
        answer(fetched.map(|answer| http::Response {
            status: answer.status,
            headers: answer.headers,
            body: answer.body,
        }))
    }
}

impl history::Host for PluginState {
    async fn messages(
        &mut self,
        chat: Option<String>,
        after: Option<String>,
        limit: u32,
    ) -> wasmtime::Result<Result<history::Page, types::Refusal>> {
        self.pass(of(&chat) + of(&after))?;
        let effects = &self.effects;
        let page = effects.messages(chat.as_deref(), after.as_deref(), limit);
        let page = page.await.map(|page| history::Page {
            items: page.items.iter().map(record::message).collect(),
            next: page.next.map(|next| next.to_string()),
        });
        if let Ok(page) = &page {
            self.pass(page.items.iter().map(record::size).sum())?;
        }
        answer(page)
    }

    async fn find(
        &mut self,
        whatsapp_id: String,
    ) -> wasmtime::Result<Result<Option<history::Message>, types::Refusal>> {
        self.pass(whatsapp_id.len())?;
        let found = self.effects.find_message(&whatsapp_id).await;
        let found = found.map(|found| found.as_ref().map(record::message));
        if let Ok(Some(message)) = &found {
            self.pass(record::size(message))?;
        }
        answer(found)
    }
}

impl secrets::Host for PluginState {
    fn get(&mut self, name: String) -> wasmtime::Result<Result<String, types::Refusal>> {
        self.pass(name.len())?;
        answer(self.effects.secret(&name))
    }
}

impl log::Host for PluginState {
    fn log(&mut self, level: String, message: String) -> wasmtime::Result<()> {
        self.pass(level.len() + message.len())?;
        self.effects
            .log(&level, message)
            .map_err(wasmtime::Error::new)
    }
}

impl config::Host for PluginState {
    fn get(&mut self) -> wasmtime::Result<String> {
        self.pass(self.effects.config().len())?;
        Ok(self.effects.config().to_owned())
    }
}
