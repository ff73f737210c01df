//! The import functions of the contract. Translation only: what they do is in `effects`.

use super::contract::warbler::plugin::{config, kv, log, outbox, types};
use super::state::PluginState;
use crate::effects::{Denied, Halt};

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
        Ok(self.config.to_string())
    }
}
