//! The two hooks that make text of text. Their instances are always fresh.

use std::pin::pin;

use async_trait::async_trait;
use warbler_app::hook::{
    KvReader, Made, Payload, RenderCall, TemplateHook, TransformCall, WebhookHook,
};
use warbler_domain::{ExtensionName, Generation, SessionId, Timestamp};

use super::drive::Drive;
use super::plugin::Plugin;
use super::record;
use super::warm::Warm;
use crate::effects::Effects;
use crate::fault::Fault;
use crate::made;

/// When, for which session and over which key-value space a call is made.
struct Occasion<'a> {
    now: Timestamp,
    session: SessionId,
    kv: &'a KvReader,
}

impl Plugin {
    /// Makes one call: waits for its turn, runs `make`, and notes how it went.
    async fn make<T>(
        &self,
        occasion: Occasion<'_>,
        make: impl AsyncFnOnce(&mut Warm, &Drive) -> Result<T, Fault>,
    ) -> Made<T> {
        let Occasion { now, session, kv } = occasion;
        let usage = self.health.usage();
        let (queue, turn) = self.turn().await;
        let _turn = match turn {
            Ok(turn) => turn,
            Err(fault) => return self.no_turn(fault, now),
        };
        let _running = (self.engine.ticker.running(), usage.running());
        let effects = Effects::of_text(now, session, kv, &self.profile, &self.engine.services);
        let drive = self.drive(&effects, queue);
        let mut instance = self.fresh(effects);
        let result = make(&mut instance, &drive).await;
        let cost = drive.cost(instance.store.data().memory());
        let effects = instance.store.into_data().finish();
        usage.called(&effects.counted(cost), 0);
        // Failures are counted where they are noted, whoever found them.
        if result.is_ok() {
            self.health.succeeded();
        }
        effects.into_made(result.map_err(|fault| self.dated(fault, now)))
    }

    fn no_turn<T>(&self, fault: Fault, now: Timestamp) -> Made<T> {
        Made {
            result: Err(self.dated(fault, now)),
            kv_writes: Vec::new(),
            logs: Vec::new(),
        }
    }

    async fn render_text(
        &self,
        instance: &mut Warm,
        drive: &Drive,
        call: &RenderCall,
    ) -> Result<String, Fault> {
        let Some(renderer) = &self.exports.template else {
            return Err(not_exported("template-renderer"));
        };
        let what = record::rendering(call);
        let store = &mut instance.store;
        let run = pin!(async {
            let start = self.linked.instantiate_async(&mut *store);
            let made = drive.meter.starting(start).await?;
            let guest = renderer.load(&mut *store, &made)?;
            guest.call_render(&mut *store, &what).await
        });
        let text = drive.run(&instance.ticked, run).await?;
        let text = text.map_err(|message| Fault::new("guest-error", message))?;
        made::text(text)
    }

    async fn transform_payload(
        &self,
        instance: &mut Warm,
        drive: &Drive,
        call: &TransformCall,
    ) -> Result<Option<Payload>, Fault> {
        let Some(transformer) = &self.exports.webhook else {
            return Err(not_exported("webhook-transformer"));
        };
        let what = record::delivery(call);
        let store = &mut instance.store;
        let run = pin!(async {
            let start = self.linked.instantiate_async(&mut *store);
            let made = drive.meter.starting(start).await?;
            let guest = transformer.load(&mut *store, &made)?;
            guest.call_transform(&mut *store, &what).await
        });
        let made = drive.run(&instance.ticked, run).await?;
        let made = made.map_err(|message| Fault::new("guest-error", message))?;
        made.map(|made| made::payload(record::shaped(made), &call.payload))
            .transpose()
    }
}

#[async_trait]
impl TemplateHook for Plugin {
    fn name(&self) -> &ExtensionName {
        &self.profile.name
    }

    fn generation(&self) -> &Generation {
        &self.profile.generation
    }

    async fn render(&self, call: RenderCall) -> Made<String> {
        let occasion = Occasion {
            now: call.now,
            session: call.session,
            kv: &call.kv,
        };
        self.make(occasion, async |instance, drive| {
            self.render_text(instance, drive, &call).await
        })
        .await
    }
}

#[async_trait]
impl WebhookHook for Plugin {
    fn name(&self) -> &ExtensionName {
        &self.profile.name
    }

    fn generation(&self) -> &Generation {
        &self.profile.generation
    }

    async fn transform(&self, call: TransformCall) -> Made<Option<Payload>> {
        let occasion = Occasion {
            now: call.now,
            session: call.session,
            kv: &call.kv,
        };
        self.make(occasion, async |instance, drive| {
            self.transform_payload(instance, drive, &call).await
        })
        .await
    }
}

fn not_exported(interface: &str) -> Fault {
    Fault::new(
        "missing-export",
        format!("the component does not export {interface}"),
    )
}
