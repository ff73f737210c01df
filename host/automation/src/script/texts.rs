//! The two hooks that make text of text: `render(recipient)` and `transform(delivery)`.

use std::sync::Arc;

use async_trait::async_trait;
use rhai::{Dynamic, ImmutableString};
use warbler_app::hook::{Made, Payload, RenderCall, TemplateHook, TransformCall, WebhookHook};
use warbler_domain::extension::CallCost;
use warbler_domain::{ExtensionName, Generation};

use super::call::{self, Ended};
use super::current::Envelope;
use super::delivery::ScriptDelivery;
use super::occasion::Occasion;
use super::{Script, failure, json};
use crate::fault::Fault;
use crate::made::{self, Shaped};

/// What a transformer may answer, for the message about anything else.
const ANSWERS: &str = "`transform` answers with a map or a list (sent as JSON), a text, `delivery` (sent as it was) or \
                       `false` (nothing is sent)";

impl Script {
    /// Makes one call, reads its answer with `take`, and notes how it went.
    async fn make<T>(
        &self,
        handler: &'static str,
        occasion: Occasion,
        take: impl FnOnce(Dynamic, Envelope) -> Result<T, Fault>,
    ) -> Made<T> {
        let usage = self.health.usage();
        let _running = usage.running();
        let now = occasion.now();
        let Ended {
            result,
            effects,
            envelope,
            took,
            ..
        } = call::make(&self.engine, &self.code, handler, occasion).await;
        let cost = CallCost {
            guest: took,
            ..CallCost::default()
        };
        let cost = effects
            .as_ref()
            .map_or(cost, |effects| effects.counted(cost));
        usage.called(&cost, 0);
        let result = result.and_then(|value| {
            take(value, envelope).map_err(|fault| self.code.of_handler(fault, handler))
        });
        // Failures are counted where they are noted, whoever found them.
        if result.is_ok() {
            self.health.succeeded();
        }
        let result = result.map_err(|fault| self.code.dated(fault, now));
        match effects {
            Some(effects) => effects.into_made(result),
            None => Made {
                result,
                kv_writes: Vec::new(),
                logs: Vec::new(),
            },
        }
    }
}

#[async_trait]
impl TemplateHook for Script {
    fn name(&self) -> &ExtensionName {
        &self.code.profile.name
    }

    fn generation(&self) -> &Generation {
        &self.code.profile.generation
    }

    async fn render(&self, call: RenderCall) -> Made<String> {
        let occasion = Occasion::Render(Arc::new(call));
        self.make("render", occasion, |answer, _| rendered(answer))
            .await
    }
}

#[async_trait]
impl WebhookHook for Script {
    fn name(&self) -> &ExtensionName {
        &self.code.profile.name
    }

    fn generation(&self) -> &Generation {
        &self.code.profile.generation
    }

    async fn transform(&self, call: TransformCall) -> Made<Option<Payload>> {
        let call = Arc::new(call);
        let occasion = Occasion::Transform(Arc::clone(&call));
        self.make("transform", occasion, |answer, envelope| {
            transformed(answer, envelope, &call)
        })
        .await
    }
}

fn rendered(answer: Dynamic) -> Result<String, Fault> {
    let kind = answer.type_name();
    match answer.try_cast::<ImmutableString>() {
        Some(text) => made::text(text.into()),
        None => {
            let message = format!(
                "`render` answers with a text, and this is {}",
                failure::kind_of(kind)
            );
            Err(Fault::new("bad-text", message))
        }
    }
}

fn transformed(
    answer: Dynamic,
    envelope: Envelope,
    call: &TransformCall,
) -> Result<Option<Payload>, Fault> {
    let usual = &call.payload.content_type;
    let (content_type, bytes) = if answer.is::<ScriptDelivery>() {
        (usual.clone(), Arc::clone(&call.payload.bytes))
    } else if answer.is_map() || answer.is_array() {
        let text = json::text(&answer).map_err(|message| Fault::new("bad-payload", message))?;
        ("application/json".to_owned(), text.into_bytes().into())
    } else if let Some(text) = answer.clone().try_cast::<ImmutableString>() {
        (usual.clone(), text.as_bytes().into())
    } else if matches!(answer.as_bool(), Ok(false)) {
        return Ok(None);
    } else {
        let message = format!(
            "{ANSWERS}, and this is {}",
            failure::kind_of(answer.type_name())
        );
        return Err(Fault::new("bad-payload", message));
    };
    let shaped = Shaped {
        method: envelope.method,
        path: envelope.path,
        content_type: envelope.content_type.unwrap_or(content_type),
        bytes,
        headers: envelope.headers,
    };
    made::payload(shaped, &call.payload).map(Some)
}
