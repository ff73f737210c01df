//! The import functions of the contract. Translation only: what they do is in `effects`.

use super::contract::warbler::plugin::{
    config, history, http, kv, log, outbox, schedule, secrets, types,
};
use super::record;
use super::state::PluginState;
use crate::effects::{Denied, Halt, Request};

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

impl types::Host for PluginState {}

impl outbox::Host for PluginState {
    fn reply(&mut self, text: String, quote: bool) -> wasmtime::Result<Result<(), types::Refusal>> {
        answer(self.effects.reply(text, quote))
    }

    fn send_text(
        &mut self,
        to: String,
        text: String,
    ) -> wasmtime::Result<Result<(), types::Refusal>> {
        answer(self.effects.send_text(&to, text))
    }

    fn react(
        &mut self,
        target: Option<String>,
        emoji: String,
    ) -> wasmtime::Result<Result<(), types::Refusal>> {
        answer(self.effects.react(target.as_deref(), emoji))
    }

    fn send_media(
        &mut self,
        to: Option<String>,
        form: String,
        source: String,
        caption: Option<String>,
        file_name: Option<String>,
    ) -> wasmtime::Result<Result<(), types::Refusal>> {
        let effects = &mut self.effects;
        answer(effects.send_media(to.as_deref(), &form, &source, caption, file_name))
    }

    fn send_location(
        &mut self,
        to: Option<String>,
        latitude: f64,
        longitude: f64,
        name: Option<String>,
    ) -> wasmtime::Result<Result<(), types::Refusal>> {
        let effects = &mut self.effects;
        answer(effects.send_location(to.as_deref(), latitude, longitude, name))
    }

    fn send_contact(
        &mut self,
        to: Option<String>,
        name: String,
        phones: Vec<String>,
    ) -> wasmtime::Result<Result<(), types::Refusal>> {
        answer(self.effects.send_contact(to.as_deref(), &name, &phones))
    }

    fn edit(
        &mut self,
        target: String,
        text: String,
    ) -> wasmtime::Result<Result<(), types::Refusal>> {
        answer(self.effects.edit(&target, text))
    }

    fn revoke(&mut self, target: String) -> wasmtime::Result<Result<(), types::Refusal>> {
        answer(self.effects.revoke(&target))
    }

    fn mark_read(&mut self) -> wasmtime::Result<Result<(), types::Refusal>> {
        answer(self.effects.mark_read())
    }

    fn set_typing(&mut self, state: String) -> wasmtime::Result<Result<(), types::Refusal>> {
        answer(self.effects.set_typing(&state))
    }

    fn emit(&mut self, kind: String, data: String) -> wasmtime::Result<Result<(), types::Refusal>> {
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
        answer(self.effects.set_timer(name, after_seconds, data).await)
    }

    async fn cancel_timer(&mut self, name: String) -> wasmtime::Result<Result<(), types::Refusal>> {
        answer(self.effects.cancel_timer(name))
    }
}

impl kv::Host for PluginState {
    async fn get(
        &mut self,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, types::Refusal>> {
        answer(self.effects.kv_get(&key).await)
    }

    async fn set(
        &mut self,
        key: String,
        value: Vec<u8>,
        ttl_seconds: Option<u64>,
    ) -> wasmtime::Result<Result<(), types::Refusal>> {
        answer(self.effects.kv_set(&key, value, ttl_seconds).await)
    }

    async fn delete(&mut self, key: String) -> wasmtime::Result<Result<(), types::Refusal>> {
        answer(self.effects.kv_delete(&key).await)
    }

    async fn increment(
        &mut self,
        key: String,
        by: i64,
    ) -> wasmtime::Result<Result<i64, types::Refusal>> {
        answer(self.effects.kv_increment(&key, by).await)
    }

    async fn list(
        &mut self,
        prefix: String,
        after: String,
        limit: u32,
    ) -> wasmtime::Result<Result<Vec<String>, types::Refusal>> {
        answer(self.effects.kv_list(&prefix, &after, limit).await)
    }
}

impl http::Host for PluginState {
    async fn fetch(
        &mut self,
        request: http::Request,
    ) -> wasmtime::Result<Result<http::Response, types::Refusal>> {
        let fetched = self
            .effects
            .fetch(Request {
                method: request.method,
                url: request.url,
                headers: request.headers,
                body: request.body,
            })
            .await;
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
        let effects = &self.effects;
        let page = effects.messages(chat.as_deref(), after.as_deref(), limit);
        answer(page.await.map(|page| history::Page {
            items: page.items.iter().map(record::message).collect(),
            next: page.next.map(|next| next.to_string()),
        }))
    }

    async fn find(
        &mut self,
        whatsapp_id: String,
    ) -> wasmtime::Result<Result<Option<history::Message>, types::Refusal>> {
        let found = self.effects.find_message(&whatsapp_id).await;
        answer(found.map(|found| found.as_ref().map(record::message)))
    }
}

impl secrets::Host for PluginState {
    fn get(&mut self, name: String) -> wasmtime::Result<Result<String, types::Refusal>> {
        answer(self.effects.secret(&name))
    }
}

impl log::Host for PluginState {
    fn log(&mut self, level: String, message: String) -> wasmtime::Result<()> {
        self.effects
            .log(&level, message)
            .map_err(wasmtime::Error::new)
    }
}

impl config::Host for PluginState {
    fn get(&mut self) -> wasmtime::Result<String> {
        Ok(self.effects.config().to_owned())
    }
}
