//! What plugins can do: every effect, and the hooks besides the one for events.

use anyhow::{Context, Result};
use http::Method;
use warbler_app::hook::{Extensions, KvReader, Payload, RenderCall, TransformCall};
use warbler_domain::extension::Hook;
use warbler_domain::kinds::KindPattern;
use warbler_domain::{EventBody, EventKind};

use crate::stage::{Stage, WEDNESDAY_MORNING, code, replies};

#[tokio::test]
async fn every_effect_is_asked_for_in_order_and_carried_out_by_nobody_yet() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put_guest("effects")?;
    stage.registry.rescan().await;

    let outcome = stage.says("effects", "hello").await?;
    assert_eq!(outcome.fault, None);
    let words: Vec<_> = outcome.actions.iter().map(|action| action.word()).collect();
    assert_eq!(
        words,
        [
            "send-media",
            "send-location",
            "send-contact",
            "edit",
            "revoke",
            "mark-read",
            "set-typing",
            "emit",
            "set-timer",
            "cancel-timer",
            "reply",
        ]
    );
    assert_eq!(
        replies(&outcome),
        ["a1"],
        "keys are listed with this call's own"
    );
    let traced = serde_json::to_value(&outcome.actions)?;
    assert_eq!(
        traced[0],
        serde_json::json!({
            "action": "send-media", "form": "image",
            "source": { "url": "https://example.com/a.png" }, "caption": "look",
        })
    );
    assert_eq!(traced[7]["kind"], "custom.order");
    assert_eq!(traced[8]["dueAt"], "2026-03-04T10:01:00.000Z");
    let stored: Vec<warbler_domain::Action> = serde_json::from_value(traced)?;
    assert_eq!(stored, outcome.actions, "a trace is read back as it was");
    Ok(())
}

#[tokio::test]
async fn a_timer_is_for_the_extension_that_set_it_alone() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put_guest("effects")?;
    stage.put("scripts/all.rhai", "// events: *\nfn on_event(event) {}")?;
    stage.registry.rescan().await;

    let mut timer = stage.message("x")?;
    timer.body = EventBody::Timer {
        extension: "effects".parse()?,
        name: "remind".to_owned(),
        chat: None,
        data: "{}".to_owned(),
    };
    assert!(
        stage.hook("effects")?.wants(&timer),
        "whatever its filter says"
    );
    assert!(!stage.hook("all")?.wants(&timer));
    Ok(())
}

#[tokio::test]
async fn an_event_of_an_extensions_own_passes_the_filter_of_who_wants_it() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put(
        "scripts/orders.rhai",
        "// events: custom.*\nfn on_event(event) { reply(event.body.data.number); }",
    )?;
    stage.registry.rescan().await;

    let mut order = stage.message("x")?;
    order.body = EventBody::Custom {
        kind: EventKind::new("custom.order"),
        by: "shop".parse()?,
        chat: Some("15550100@s.whatsapp.net".parse()?),
        data: r#"{"number":7}"#.to_owned(),
        depth: 1,
    };
    let hook = stage.hook("orders")?;
    assert!(hook.wants(&order));
    let call = stage.call(&*hook, order.clone(), WEDNESDAY_MORNING)?;
    assert_eq!(replies(&hook.handle(call).await), ["7"]);
    assert!("custom.*".parse::<KindPattern>()?.matches(&order.kind()));
    Ok(())
}

fn kv(stage: &Stage, name: &str) -> Result<KvReader> {
    let store = stage.store.clone();
    Ok(KvReader::new(store, name.parse()?, WEDNESDAY_MORNING))
}

#[tokio::test]
async fn a_template_plugin_writes_text_and_has_no_outbox() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put_guest("template")?;
    stage.registry.rescan().await;

    let fault = stage.fault("template");
    assert_eq!(
        stage.status("template")?.hooks,
        [Hook::Template],
        "{fault:?}"
    );
    assert!(
        stage.registry.chain().is_empty(),
        "it is not called for events"
    );
    let templates = stage.registry.templates();
    let renderer = templates.first().context("a renderer")?;
    let call = |template: &str| -> Result<RenderCall> {
        Ok(RenderCall {
            id: "1".to_owned(),
            session: stage.session,
            session_name: "shop".parse()?,
            template: template.to_owned(),
            to: "15550100@s.whatsapp.net".parse()?,
            recipient: Some("Ada".to_owned()),
            fields: vec![("city".to_owned(), "Berlin".to_owned())],
            body: "{}".to_owned(),
            now: WEDNESDAY_MORNING,
            kv: kv(&stage, "template")?,
        })
    };
    let made = renderer.render(call("Hello {{name}}")?).await;
    assert_eq!(made.result, Ok("Hello {{name}}".to_owned()));
    let made = renderer.render(call("")?).await;
    let fault = made.result.err().context("an empty text is refused")?;
    assert_eq!(fault.code, "bad-text");

    // As whoever asked for the text does with it.
    stage
        .registry
        .note_fault(&stage.status("template")?.name, &fault);
    let usage = stage.status("template")?.usage;
    let failed: Vec<_> = usage.failed.into_iter().collect();
    assert_eq!(failed, [("bad-text".to_owned(), 1)], "it counts once");
    Ok(())
}

#[tokio::test]
async fn a_webhook_plugin_shapes_a_payload_or_holds_it_back() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put_guest("webhook")?;
    stage.registry.rescan().await;

    let fault = stage.fault("webhook");
    assert_eq!(stage.status("webhook")?.hooks, [Hook::Webhook], "{fault:?}");
    let webhooks = stage.registry.webhooks();
    let transformer = webhooks.first().context("a transformer")?;
    let call = |payload: &str| -> Result<TransformCall> {
        Ok(TransformCall {
            id: "1".to_owned(),
            kind: EventKind::MESSAGE_RECEIVED,
            session: stage.session,
            session_name: "shop".parse()?,
            url: "https://crm.example.com/hook".to_owned(),
            payload: Payload::posted("application/json", payload.as_bytes()),
            body: "{}".to_owned(),
            now: WEDNESDAY_MORNING,
            kv: kv(&stage, "webhook")?,
        })
    };
    let made = transformer.transform(call("{\"a\":1}")?).await;
    let expected = Payload {
        method: Method::PUT,
        path: Some("/crm?by=plugin".parse()?),
        headers: vec![("x-shaped".to_owned(), "1".to_owned())],
        ..Payload::posted("text/plain", b"{\"a\":1}".as_slice())
    };
    assert_eq!(made.result, Ok(Some(expected)));
    assert_eq!(transformer.transform(call("")?).await.result, Ok(None));
    let large = "x".repeat(300 * 1024);
    let made = transformer.transform(call(&large)?).await;
    assert_eq!(
        made.result.err().map(|fault| fault.code),
        Some("bad-payload".to_owned())
    );
    Ok(())
}

#[tokio::test]
async fn a_plugin_whose_init_says_no_is_not_loaded_and_the_one_before_runs_on() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put_guest("init-fails")?;
    stage.registry.rescan().await;
    let fault = stage.fault("init-fails")?;
    assert_eq!(fault.code, "init-failed");
    assert_eq!(fault.message, "`answers` is missing from [config]");

    stage.put_guest("effects")?;
    stage.registry.rescan().await;
    let broken = std::fs::read(crate::stage::root().join("tests/guests/init-fails.wat"))?;
    stage.put("plugins/effects.wasm", broken)?;
    stage.registry.rescan().await;
    assert_eq!(stage.fault("effects")?.code, "init-failed");
    assert_eq!(code(&stage.says("effects", "hello").await?), "");
    Ok(())
}
