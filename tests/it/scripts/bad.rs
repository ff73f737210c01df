//! What must not be in a script: each is told by name and place, and the rest runs on.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use warbler_simulator::Person;
use warbler_tests::{PATIENCE, TestHost, eventually, hears_text};

use super::{ADA, OWNER, reaching_here};
use crate::webhooks::receiver::{OK, Receiver};

const GOOD: &str = "// order: 900\nfn on_message(message) { reply(\"still here\"); }";

/// A host with a script that answers, whatever others do.
async fn with_a_neighbour() -> Result<(TestHost, Person)> {
    let host = TestHost::start_with(reaching_here()?).await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    host.put_script("good", GOOD).await?;
    Ok((host, ada))
}

async fn the_rest_runs_on(ada: &Person) -> Result<()> {
    ada.says(OWNER, "hello").await?;
    hears_text(ada, "still here").await?;
    Ok(())
}

/// Waits until an extension shows this error.
async fn shows(host: &TestHost, name: &str, code: &str) -> Result<Value> {
    eventually(&format!("{name} shows {code}"), || async {
        let shown = host.extension(name).await?.unwrap_or_default();
        let error = shown["lastError"].clone();
        Ok((error["code"] == code).then_some(error))
    })
    .await
}

#[tokio::test]
async fn what_cannot_be_loaded_is_named_and_the_rest_runs_on() -> Result<()> {
    let (host, ada) = with_a_neighbour().await?;
    let megabyte = format!("{GOOD}\n{}", "// x\n".repeat(210_000));
    for (name, source, code, line) in [
        (
            "nothing",
            "// a rule that does nothing\nrule(\"empty\").when(text.contains(\"a\"));",
            "script-rule",
            Some(2),
        ),
        (
            "twins",
            "rule(\"a\").reply(\"1\");\nrule(\"b\").reply(\"2\");\nrule(\"a\").reply(\"3\");",
            "script-rule",
            Some(3),
        ),
        (
            "outside",
            "import \"../good\" as good;\nfn on_message(message) {}",
            "script-unknown",
            Some(1),
        ),
        (
            "absolute",
            "import \"/etc/passwd\" as good;\nfn on_message(message) {}",
            "script-unknown",
            Some(1),
        ),
        (
            "evals",
            "fn on_message(message) {\n    eval(\"1\");\n}",
            "script-syntax",
            Some(2),
        ),
        (
            "endless",
            "let n = 0;\nloop { n += 1; }\nfn on_message(message) {}",
            "script-operations",
            Some(2),
        ),
        ("megabyte", megabyte.as_str(), "too-large", None),
    ] {
        let shown = host.put_broken_script(name, source).await?;
        assert_eq!(shown["lastError"]["code"], code, "{name}: {shown}");
        assert_eq!(shown["lastError"]["line"].as_u64(), line, "{name}: {shown}");
        assert_eq!(shown["state"], "broken", "{name}");
    }
    the_rest_runs_on(&ada).await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_goes_wrong_in_a_call_is_named_and_harms_nobody() -> Result<()> {
    let (host, ada) = with_a_neighbour().await?;
    // It takes a connection and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}", silent.local_addr()?);
    let bad = [
        ("endless", "loop { }".to_owned(), "script-operations"),
        ("deep", "deeper(0);".to_owned(), "script-recursion"),
        (
            "long",
            "let s = \"x\"; loop { s += s; }".to_owned(),
            "script-memory",
        ),
        (
            "wide",
            "let a = [1]; loop { a += a; }".to_owned(),
            "script-memory",
        ),
        ("throws", "throw \"no\";".to_owned(), "script-error"),
        (
            "floods",
            "loop { react(\"x\"); }".to_owned(),
            "too-many-actions",
        ),
        (
            "pattern",
            "matches(message.text, `(\\w{50}){50}`);".to_owned(),
            "script-error",
        ),
        ("hangs", format!("http_get(\"{origin}/\");"), "script-error"),
    ];
    for (name, body, _) in &bad {
        let source = format!(
            "// http: {origin}\nfn deeper(n) {{ deeper(n + 1) }}\nfn on_message(message) {{\n    {body}\n}}"
        );
        host.put_script(name, &source).await?;
    }
    let grants = json!({ "http": [origin] });
    host.api()
        .put("/v1/extensions/hangs/grants", grants)
        .await?
        .expect(200)?;
    the_rest_runs_on(&ada).await?;
    for (name, _, code) in &bad {
        let error = shows(&host, name, code).await?;
        ensure!(error["event"].is_string(), "{name}: {error}");
        // Only that of `deeper` is where the function is.
        let line = if *name == "deep" { 2 } else { 4 };
        assert_eq!(error["line"], line, "{name}: {error}");
        ensure!(error["excerpt"].is_string(), "{name}: {error}");
        ensure!(
            error["file"]
                .as_str()
                .is_some_and(|file| file.ends_with(&format!("{name}.rhai"))),
            "{name}: {error}"
        );
    }
    // One that other engines never come back from is matched at once.
    let fine =
        "fn on_message(message) { if matches(message.text, `^(a+)+$`) { reply(\"matched\"); } }";
    host.put_script("fine", fine).await?;
    ada.says(OWNER, &"a".repeat(5_000)).await?;
    hears_text(&ada, "matched").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_wrong_answer_of_render_or_transform_is_named_and_changes_nothing() -> Result<()> {
    let (host, ada) = with_a_neighbour().await?;
    host.put_script("shaper", "fn transform(delivery) { 42 }")
        .await?;
    host.put_script("writer", "fn render(recipient) { [1, 2] }")
        .await?;
    let receiver = Receiver::start(|_| OK).await?;
    let new = json!({ "url": receiver.url(), "events": ["message.received"] });
    host.api().post("/v1/webhooks", new).await?.expect(201)?;
    the_rest_runs_on(&ada).await?;
    assert_eq!(receiver.hears(1).await?[0].text(), "hello");
    shows(&host, "shaper", "bad-payload").await?;

    let campaign = json!({
        "name": "x", "sessions": ["shop"], "message": { "text": "x" }, "template": "writer",
        "recipients": [{ "to": ADA }], "rules": { "delayMillis": 0 },
    });
    let made = host
        .api()
        .post("/v1/campaigns", campaign)
        .await?
        .expect(201)?;
    let path = format!("/v1/campaigns/{}", made.text_at("/id")?);
    host.api()
        .order(&format!("{path}/start"))
        .await?
        .expect(200)?;
    let failed = eventually("it failed for her", || async {
        let list = host
            .api()
            .get(&format!("{path}/recipients?state=failed"))
            .await?;
        let list = list.expect(200)?.body;
        Ok(list["items"].get(0).cloned())
    })
    .await?;
    assert_eq!(failed["code"], "bad-text", "{failed}");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn files_that_are_replaced_or_removed_while_they_run_answer_once_or_not_at_all() -> Result<()>
{
    let (host, ada) = with_a_neighbour().await?;
    let long = |word: &str| {
        format!(
            "// order: 1\nfn on_message(message) {{ let n = 0; while n < 30_000 {{ n += 1; }} reply(\"{word}\"); stop(); }}"
        )
    };
    host.put_script("turns", &long("old")).await?;
    ada.says(OWNER, "first").await?;
    host.put_script("turns", &long("new")).await?;
    let first = ada.hears_within(PATIENCE).await?;
    ensure!(["old", "new"].contains(&first.text()), "{}", first.text());
    ada.says(OWNER, "second").await?;
    assert_eq!(ada.hears_within(PATIENCE).await?.text(), "new");

    let folder = host.script_path("good");
    let folder = folder.parent().context("a folder")?;
    std::fs::remove_dir_all(folder)?;
    eventually("they are gone", || async {
        let left = (
            host.extension("good").await?,
            host.extension("turns").await?,
        );
        Ok((left == (None, None)).then_some(()))
    })
    .await?;
    host.api().get("/readyz").await?.expect(200)?;
    std::fs::create_dir_all(folder)?;
    host.put_script("good", GOOD).await?;
    the_rest_runs_on(&ada).await?;
    host.stop().await;
    Ok(())
}
