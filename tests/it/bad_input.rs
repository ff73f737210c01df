//! What must not be: each is answered with a clear error, and the host goes on.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use warbler_tests::{Answer, PATIENCE, TestHost, eventually, hears_text, project_root};

const OWNER: &str = "+15550001";
const ADA: &str = "+15550100";

/// Checks that an answer is a problem with this code, in the form of RFC 9457.
fn is_problem(answer: Answer, status: u16, code: &str) -> Result<Value> {
    let answer = answer.expect(status)?;
    assert_eq!(answer.content_type, "application/problem+json");
    assert_eq!(answer.text_at("/code")?, code, "{}", answer.body);
    assert_eq!(answer.body["status"], status);
    assert!(!answer.text_at("/title")?.is_empty());
    assert!(!answer.text_at("/detail")?.is_empty());
    Ok(answer.body)
}

#[tokio::test]
async fn bad_requests_say_what_is_wrong_with_them() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let api = host.api();
    let messages = "/v1/sessions/shop/messages";

    let bad = api
        .post(messages, json!({ "to": "nobody", "text": "x" }))
        .await?;
    let problem = is_problem(bad, 400, "bad_recipient")?;
    assert!(
        problem["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("+15550100")),
        "{problem}"
    );

    let unknown = api
        .post(
            "/v1/sessions/nowhere/messages",
            json!({ "to": ADA, "text": "x" }),
        )
        .await?;
    is_problem(unknown, 404, "unknown_session")?;
    is_problem(
        api.post_raw(messages, "{ \"to\": ").await?,
        400,
        "invalid_json",
    )?;
    is_problem(
        api.post(messages, json!({ "to": ADA, "txt": "x" })).await?,
        400,
        "unknown_field",
    )?;
    is_problem(
        api.post(messages, json!({ "to": ADA, "text": "  " }))
            .await?,
        400,
        "empty_text",
    )?;
    is_problem(
        api.post(messages, json!({ "to": ADA, "text": "x".repeat(70_000) }))
            .await?,
        400,
        "text_too_long",
    )?;
    let image = json!({ "to": ADA, "image": { "data": "bm90IGFuIGltYWdl" } });
    is_problem(api.post(messages, image).await?, 400, "media_wrong_type")?;
    is_problem(
        api.post_raw(messages, vec![b' '; 30 * 1024 * 1024]).await?,
        413,
        "body_too_large",
    )?;
    is_problem(
        api.post("/v1/sessions", json!({ "name": "no spaces" }))
            .await?,
        400,
        "bad_session_name",
    )?;
    is_problem(
        api.post("/v1/sessions", json!({ "name": "shop" })).await?,
        409,
        "session_name_taken",
    )?;
    is_problem(
        api.get("/v1/messages/not-an-id").await?,
        400,
        "invalid_path",
    )?;
    is_problem(api.get("/v1/nothing/here").await?, 404, "unknown_path")?;
    is_problem(api.delete("/v1/sessions").await?, 405, "method_not_allowed")?;
    is_problem(
        api.get("/v1/sessions/shop/messages?cursor=%21").await?,
        400,
        "invalid_query",
    )?;
    is_problem(
        api.get("/v1/sessions/shop/qr").await?,
        409,
        "already_paired",
    )?;

    assert_eq!(
        api.get("/v1/sessions/shop")
            .await?
            .expect(200)?
            .text_at("/state")?,
        "connected"
    );
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn without_the_right_key_nothing_is_shown() -> Result<()> {
    let host = TestHost::start().await?;
    let api = host.api();
    for path in [
        "/v1/sessions",
        "/v1/events",
        "/v1/extensions",
        "/v1/events/stream",
        "/v1/simulator/contacts",
    ] {
        is_problem(api.get_as(None, path).await?, 401, "missing_key")?;
        is_problem(
            api.get_as(Some("wbl_wrong"), path).await?,
            401,
            "invalid_key",
        )?;
    }
    for path in ["/healthz", "/readyz", "/openapi.json", "/docs", "/"] {
        api.get_as(None, path).await?.expect(200)?;
    }
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_message_of_a_session_that_was_never_paired_is_refused() -> Result<()> {
    let host = TestHost::start().await?;
    host.api()
        .post("/v1/sessions", json!({ "name": "new" }))
        .await?
        .expect(201)?;
    let refused = host
        .api()
        .post(
            "/v1/sessions/new/messages",
            json!({ "to": ADA, "text": "x" }),
        )
        .await?;
    is_problem(refused, 409, "not_paired")?;
    is_problem(
        host.api().get("/v1/sessions/new/qr").await?,
        409,
        "session_not_running",
    )?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_message_to_a_number_without_whatsapp_fails_and_says_so() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let id = shop.says("+19995550199", "anybody there?").await?;
    let message = shop.has_status(&id, "failed").await?;
    assert!(
        message["error"]
            .as_str()
            .is_some_and(|error| error.contains("not on WhatsApp")),
        "{message}"
    );
    host.stop().await;
    Ok(())
}

/// A script that does `body` fails with `code`, and the next extension still answers.
async fn script_fails(body: &str, code: &str) -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    host.put_script(
        "good",
        "// order: 100\nfn on_message(message) { reply(\"still here\"); }",
    )
    .await?;
    host.put_script("bad", &format!("// order: 1\n{body}"))
        .await?;
    ada.says(OWNER, "hi").await?;
    hears_text(&ada, "still here").await?;
    let bad = host.shows_error("bad").await?;
    assert_eq!(bad["lastError"]["code"], code, "{bad}");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_script_that_loops_for_ever_is_stopped() -> Result<()> {
    script_fails("fn on_message(message) { loop { } }", "script-operations").await
}

#[tokio::test]
async fn a_script_that_throws_is_passed_over() -> Result<()> {
    script_fails("fn on_message(message) { throw \"no\"; }", "script-error").await
}

#[tokio::test]
async fn a_script_that_grows_without_end_is_stopped() -> Result<()> {
    script_fails(
        "fn on_message(message) { let s = \"x\"; loop { s += s; } }",
        "script-memory",
    )
    .await
}

#[tokio::test]
async fn a_script_that_does_not_compile_and_never_did_is_shown_as_broken() -> Result<()> {
    let host = TestHost::start().await?;
    let shown = host
        .put_broken_script("broken", "fn on_message(message { }")
        .await?;
    assert_eq!(shown["state"], "broken");
    assert_eq!(shown["lastError"]["code"], "script-syntax");
    assert_eq!(shown["lastError"]["line"], 1);
    host.stop().await;
    Ok(())
}

fn guest(name: &str) -> Result<Vec<u8>> {
    let path = project_root()?
        .join("tests/guests")
        .join(format!("{name}.wat"));
    std::fs::read(&path).with_context(|| path.display().to_string())
}

/// The guest is refused when it is loaded.
async fn guest_is_refused(name: &str, code: &str) -> Result<()> {
    let host = TestHost::with_shipped_extensions().await?;
    host.put_guest("hostile", "order = -1\n", &guest(name)?)?;
    let shown = host.shows_error("hostile").await?;
    assert_eq!(shown["lastError"]["code"], code, "{shown}");
    assert_eq!(shown["state"], "broken");
    host.stop().await;
    Ok(())
}

/// The guest fails at an event, and the shipped plugin still answers.
async fn guest_fails(name: &str, code: &str) -> Result<()> {
    let host = TestHost::with_shipped_extensions().await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    host.put_guest("hostile", "order = -1\n", &guest(name)?)?;
    eventually("the guest runs", || async {
        let shown = host.extension("hostile").await?;
        Ok(shown.filter(|e| e["state"] == "active").map(|_| ()))
    })
    .await?;
    ada.says(OWNER, "what is the price?").await?;
    assert_eq!(
        ada.hears_within(PATIENCE).await?.text(),
        "Our prices start at $10"
    );
    let shown = host.shows_error("hostile").await?;
    assert_eq!(shown["lastError"]["code"], code, "{shown}");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_file_that_is_no_component_is_refused() -> Result<()> {
    guest_is_refused("garbage", "not-a-component").await
}

#[tokio::test]
async fn a_component_without_the_handler_is_refused() -> Result<()> {
    guest_is_refused("no-export", "missing-export").await
}

#[tokio::test]
async fn a_component_that_wants_unknown_imports_is_refused() -> Result<()> {
    guest_is_refused("unknown-import", "unknown-import").await
}

#[tokio::test]
async fn a_component_that_traps_is_passed_over() -> Result<()> {
    guest_fails("trap", "trap").await
}

#[tokio::test]
async fn a_component_that_spins_is_interrupted() -> Result<()> {
    guest_fails("spin", "cpu").await
}

#[tokio::test]
async fn a_component_that_grows_without_end_is_stopped() -> Result<()> {
    guest_fails("memory", "memory").await
}

#[tokio::test]
async fn a_component_that_floods_the_host_with_effects_is_stopped() -> Result<()> {
    guest_fails("flood", "too-many-actions").await
}
