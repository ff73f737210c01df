//! Scripts in the hooks that make text of text, their settings and their modules.

use anyhow::{Context, Result};
use http::Method;
use warbler_app::hook::{Extensions, KvReader, Made, Payload, RenderCall, TransformCall};
use warbler_domain::extension::Hook;
use warbler_domain::{EventKind, Random};

use crate::stage::{Stage, WEDNESDAY_MORNING, replies};

async fn with(script: &str) -> Result<Stage> {
    let stage = Stage::start().await?;
    stage.put("scripts/text.rhai", script)?;
    stage.registry.rescan().await;
    Ok(stage)
}

async fn rendered(script: &str) -> Result<Made<String>> {
    let stage = with(script).await?;
    let chain = stage.registry.templates();
    let hook = chain.first().context("no template hook")?;
    let call = RenderCall {
        id: "1".to_owned(),
        session: stage.session,
        session_name: "shop".parse()?,
        template: "Hi {{Name}}".to_owned(),
        to: "15550100@s.whatsapp.net".parse()?,
        recipient: Some("Ada".to_owned()),
        fields: vec![("City".to_owned(), "Berlin".to_owned())],
        body: "{\"attempt\":1}".to_owned(),
        now: WEDNESDAY_MORNING,
        kv: KvReader::new(stage.store.clone(), hook.name().clone(), WEDNESDAY_MORNING),
    };
    Ok(hook.render(call).await)
}

async fn transformed(script: &str) -> Result<Made<Option<Payload>>> {
    let stage = with(script).await?;
    let chain = stage.registry.webhooks();
    let hook = chain.first().context("no webhook hook")?;
    let call = TransformCall {
        id: "1".to_owned(),
        kind: EventKind::MESSAGE_RECEIVED,
        session: stage.session,
        session_name: "shop".parse()?,
        url: "https://crm.example.com/hook".to_owned(),
        payload: Payload::posted("application/json", br#"{"data":{"text":"hi"}}"#.as_slice()),
        body: "{}".to_owned(),
        now: WEDNESDAY_MORNING,
        kv: KvReader::new(stage.store.clone(), hook.name().clone(), WEDNESDAY_MORNING),
    };
    Ok(hook.transform(call).await)
}

fn code<T>(made: &Made<T>) -> &str {
    made.result.as_ref().err().map_or("", |fault| &fault.code)
}

#[tokio::test]
async fn a_script_writes_the_messages_of_a_campaign() -> Result<()> {
    let made = rendered(
        "fn render(recipient) { kv_increment(\"written\"); `${fill(recipient.template, #{ name: recipient.name })} from \
         ${recipient.city}, ${recipient.session}, try ${recipient.body.attempt}` }",
    )
    .await?;
    assert_eq!(
        made.result,
        Ok("Hi Ada from Berlin, shop, try 1".to_owned())
    );
    assert_eq!(made.kv_writes.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_text_that_is_written_again_has_the_same_choices() -> Result<()> {
    let script = "fn render(recipient) { join(shuffle([1, 2, 3, 4, 5, 6, 7, 8]), \"\") + random_number(1, 1_000_000) }";
    assert_eq!(
        rendered(script).await?.result,
        rendered(script).await?.result
    );
    Ok(())
}

#[tokio::test]
async fn what_render_answers_is_a_text_or_a_fault() -> Result<()> {
    for (script, expected) in [
        ("fn render(recipient) { 1 }", "bad-text"),
        ("fn render(recipient) { }", "bad-text"),
        ("fn render(recipient) { \"\" }", "bad-text"),
        ("fn render(recipient) { recipient.colour }", "script-error"),
        (
            "fn render(recipient) { reply(\"x\"); \"x\" }",
            "script-error",
        ),
        ("fn render(recipient) { throw \"no\" }", "script-error"),
        ("fn render(recipient) { loop {} }", "script-operations"),
    ] {
        assert_eq!(code(&rendered(script).await?), expected, "{script}");
    }
    Ok(())
}

#[tokio::test]
async fn a_script_shapes_what_an_endpoint_is_sent() -> Result<()> {
    let payload = |content_type: &str, text: &str, headers: &[(&str, &str)]| {
        let headers = headers.iter();
        Some(Payload {
            headers: headers
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..Payload::posted(content_type, text.as_bytes())
        })
    };
    for (answer, expected) in [
        (
            "header(\"x-kind\", delivery.kind); #{ said: delivery.data.data.text }",
            payload(
                "application/json",
                "{\"said\":\"hi\"}",
                &[("x-kind", "message.received")],
            ),
        ),
        (
            "content_type(\"text/plain\"); \"hi\"",
            payload("text/plain", "hi", &[]),
        ),
        (
            "delivery",
            payload("application/json", "{\"data\":{\"text\":\"hi\"}}", &[]),
        ),
        ("[1]", payload("application/json", "[1]", &[])),
        (
            "method(\"PUT\"); path(\"/leads/7?by=\" + delivery.method); delivery",
            Some(Payload {
                method: Method::PUT,
                path: Some("/leads/7?by=POST".parse()?),
                ..Payload::posted("application/json", br#"{"data":{"text":"hi"}}"#.as_slice())
            }),
        ),
        ("false", None),
    ] {
        let made = transformed(&format!("fn transform(delivery) {{ {answer} }}")).await?;
        assert_eq!(made.result, Ok(expected), "{answer}");
    }
    Ok(())
}

#[tokio::test]
async fn what_transform_answers_is_one_of_those_or_a_fault() -> Result<()> {
    for (answer, expected) in [
        ("", "bad-payload"),
        ("true", "bad-payload"),
        ("42", "bad-payload"),
        ("#{ f: || 1 }", "bad-payload"),
        (
            "for i in 0..40 { header(\"x\", i); } delivery",
            "bad-payload",
        ),
        ("method(\"TRACE\"); delivery", "bad-payload"),
        (
            "path(\"https://elsewhere.example.com/\"); delivery",
            "bad-payload",
        ),
        ("path(\"/a b\"); delivery", "bad-payload"),
        ("reply(\"x\"); delivery", "script-error"),
    ] {
        let made = transformed(&format!("fn transform(delivery) {{ {answer} }}")).await?;
        assert_eq!(code(&made), expected, "{answer}");
    }
    Ok(())
}

#[tokio::test]
async fn a_script_may_be_in_all_hooks_at_once_and_says_so() -> Result<()> {
    let stage = with("fn on_event(event) {}\nfn render(recipient) { \"x\" }\nfn transform(delivery) { delivery }").await?;
    let hooks = stage.status("text")?.hooks;
    assert_eq!(hooks, [Hook::Event, Hook::Template, Hook::Webhook]);
    let stage = with("fn render(recipient) { \"x\" }").await?;
    assert_eq!(stage.status("text")?.hooks, [Hook::Template]);
    assert!(stage.registry.chain().is_empty());
    assert!(stage.registry.webhooks().is_empty());
    Ok(())
}

#[tokio::test]
async fn settings_come_from_the_header_and_the_file_beside_goes_over_them() -> Result<()> {
    let script = "// config.city: Berlin\n// config.seats: 4\nconst CITY = config(\"city\");\nfn on_message(message) { \
                  reply(`${CITY} ${config(\"seats\") + 1} ${config(\"colour\", \"blue\")}`); }";
    let stage = with(script).await?;
    assert_eq!(replies(&stage.says("text", "x").await?), ["Berlin 5 blue"]);
    stage.put("scripts/text.toml", "city = \"Rome\"\n")?;
    stage.registry.rescan().await;
    assert_eq!(replies(&stage.says("text", "x").await?), ["Rome 5 blue"]);
    stage.put("scripts/text.toml", "city = \n")?;
    stage.registry.rescan().await;
    let fault = stage.fault("text")?;
    assert_eq!((fault.code.as_str(), fault.line), ("manifest", Some(1)));
    assert!(fault.file.unwrap_or_default().ends_with("text.toml"));
    assert_eq!(replies(&stage.says("text", "x").await?), ["Rome 5 blue"]);
    Ok(())
}

#[tokio::test]
async fn a_script_that_is_off_is_called_for_nothing_and_says_why() -> Result<()> {
    let script = "// config.enabled: false\nfn on_event(event) {}\nfn render(recipient) { \"x\" }\nfn transform(delivery) { delivery }";
    let stage = with(script).await?;
    let (hook, event) = (stage.hook("text")?, stage.message("x")?);
    assert!(!hook.wants(&event));
    let name = "shop".parse()?;
    let shop = warbler_domain::session::Called {
        id: stage.session,
        name: &name,
        owner: None,
    };
    let why = hook.why_not(&event, shop);
    assert_eq!(
        why.as_deref(),
        Some("it is off: its setting `enabled` is false")
    );
    assert!(stage.registry.templates().is_empty() && stage.registry.webhooks().is_empty());
    stage.put("scripts/text.toml", "enabled = true\n")?;
    stage.registry.rescan().await;
    assert!(stage.hook("text")?.wants(&event));
    assert_eq!(stage.registry.templates().len(), 1);
    assert_eq!(stage.registry.webhooks().len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_script_imports_modules_of_its_own_folder_and_a_change_reloads_it() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put(
        "scripts/shop/words.rhai",
        "import \"names\" as names;\nconst GREETING = \"Hello\";\nfn greet(name) { GREETING + \" \" + names::nice(name) }",
    )?;
    stage.put(
        "scripts/shop/names.rhai",
        "fn nice(name) { if name == \"\" { \"friend\" } else { name } }",
    )?;
    stage.put(
        "scripts/shop.rhai",
        "import \"words\" as words;\nconst GREETING = \"another\";\nfn on_message(message) { reply(words::greet(message.sender_name)); reply(GREETING); }",
    )?;
    stage.registry.rescan().await;
    for _ in 0..3 {
        let outcome = stage.says("shop", "x").await?;
        assert_eq!(outcome.fault, None);
        assert_eq!(replies(&outcome), ["Hello Ada", "another"]);
    }
    stage.put("scripts/shop/names.rhai", "fn nice(name) { name + \"!\" }")?;
    stage.registry.rescan().await;
    assert_eq!(
        replies(&stage.says("shop", "x").await?),
        ["Hello Ada!", "another"]
    );

    // A module that is broken keeps the version that worked, and is where the fault is.
    stage.put("scripts/shop/names.rhai", "fn nice(name) {\n    name +;\n}")?;
    stage.registry.rescan().await;
    let fault = stage.fault("shop")?;
    assert_eq!(
        (fault.code.as_str(), fault.line),
        ("script-syntax", Some(2))
    );
    assert!(fault.file.unwrap_or_default().ends_with("names.rhai"));
    assert_eq!(fault.excerpt.as_deref(), Some("    name +;\n          ^"));
    assert_eq!(
        replies(&stage.says("shop", "x").await?),
        ["Hello Ada!", "another"]
    );
    // So does a restart, from what was kept.
    let stage = stage.restart().await?;
    assert_eq!(
        replies(&stage.says("shop", "x").await?),
        ["Hello Ada!", "another"]
    );
    Ok(())
}

#[tokio::test]
async fn a_fault_in_a_module_is_shown_there() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put(
        "scripts/shop/words.rhai",
        "fn greet() {\n    throw \"lost for words\";\n}",
    )?;
    stage.put(
        "scripts/shop.rhai",
        "import \"words\" as words;\nfn on_message(message) { words::greet(); }",
    )?;
    stage.registry.rescan().await;
    let outcome = stage.says("shop", "x").await?;
    let fault = outcome.fault.context("a fault")?;
    assert_eq!(fault.message, "lost for words");
    assert_eq!(fault.line, Some(2));
    assert!(fault.file.unwrap_or_default().ends_with("words.rhai"));
    Ok(())
}

#[tokio::test]
async fn nothing_outside_of_the_own_folder_is_imported() -> Result<()> {
    for (import, part) in [
        ("../secret", "without a path"),
        ("/etc/passwd", "without a path"),
        ("a/b", "without a path"),
        ("other", "there is no module `other`"),
        ("wrods", "did you mean `words`?"),
        ("linked", "there is no module `linked`"),
        (
            "circle",
            "modules import one another: circle → round → circle",
        ),
        ("misspelt", "did you mean `reply`?"),
    ] {
        let stage = Stage::start().await?;
        stage.put("secret.rhai", "fn a() {}")?;
        stage.put("scripts/other.rhai", "fn on_message(message) {}")?;
        stage.put("scripts/shop/words.rhai", "fn a() {}")?;
        stage.put("scripts/shop/circle.rhai", "import \"round\" as round;")?;
        stage.put("scripts/shop/round.rhai", "import \"circle\" as circle;")?;
        stage.put("scripts/shop/misspelt.rhai", "fn a() { repyl(1); }")?;
        #[cfg(unix)]
        std::os::unix::fs::symlink(
            stage.path("secret.rhai"),
            stage.path("scripts/shop/linked.rhai"),
        )?;
        let source = format!("import \"{import}\" as other;\nfn on_message(message) {{}}");
        stage.put("scripts/shop.rhai", source)?;
        stage.registry.rescan().await;
        let fault = stage.fault("shop")?;
        assert_eq!(fault.code, "script-unknown", "{import}");
        assert!(fault.message.contains(part), "{import}: {}", fault.message);
    }
    Ok(())
}

#[tokio::test]
async fn chance_comes_from_outside() -> Result<()> {
    let said = || async {
        let stage = Stage::start_with(|config| {
            config.random = std::sync::Arc::new(Random::seeded(5));
        })
        .await?;
        stage.put(
            "scripts/dice.rhai",
            "fn on_message(message) { reply(random_number(1, 1_000_000)); reply(shuffle([1, 2, 3, 4, 5, 6])); }",
        )?;
        stage.registry.rescan().await;
        let outcome = stage.says("dice", "x").await?;
        anyhow::Ok(replies(&outcome).join(" "))
    };
    assert_eq!(said().await?, said().await?);
    Ok(())
}
