//! Who may call the dialect `manager`, which documents no credentials.

use anyhow::Result;
use data_encoding::BASE64;
use serde_json::json;
use warbler_api::Switch;
use warbler_domain::Dialect;
use warbler_tests::{Documented, KEY};

use super::{Account, GRACE, host, host_with, kept, refused};

#[tokio::test]
async fn no_endpoint_answers_without_a_key_of_the_dialect() -> Result<()> {
    let host = host().await?;
    let ada = Account::new(&host, "ada").await?;
    ada.makes(json!({ "session_name": "Shop" })).await?;
    let native = format!("Bearer {KEY}");
    for endpoint in Documented::of("manager")?.endpoints()? {
        let path = endpoint
            .path
            .replace("{sessionId}", "1")
            .replace("{id}", "1");
        for headers in [
            vec![],
            vec![("authorization", native.as_str())],
            vec![("x-api-key", "wmg_nonsense")],
            vec![("authorization", "Basic bm9uc2Vuc2U=")],
        ] {
            let body = (endpoint.method != "GET").then(|| json!({}));
            let asked = ada.api.call(&endpoint.method, &path, &headers, body);
            refused(&asked.await?, 401)?;
        }
    }
    let elsewhere = host.api().get_as(Some(&ada.key), "/v1/sessions").await?;
    assert_eq!(elsewhere.refusal(), (401, "invalid_key"));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_client_that_can_change_only_its_url_puts_the_key_there() -> Result<()> {
    let host = host().await?;
    let ada = Account::new(&host, "ada").await?;
    let basic = format!(
        "Basic {}",
        BASE64.encode(format!("key:{}", ada.key).as_bytes())
    );
    let page = ("origin", "https://elsewhere.example");
    for (headers, good) in [
        (vec![("x-api-key", ada.key.as_str())], true),
        (vec![("authorization", basic.as_str())], true),
        // A browser adds such a password by itself, whoever's page asks.
        (vec![("authorization", basic.as_str()), page], false),
    ] {
        let list = ada.api.call("GET", "/api/sessions", &headers, None).await?;
        match good {
            true => kept("manager.list-sessions", &list)?,
            false => refused(&list, 403)?,
        }
    }
    // The same below its prefix.
    let headers = [("x-api-key", ada.key.as_str())];
    let below = host
        .api()
        .call("GET", "/manager/api/sessions", &headers, None);
    kept("manager.list-sessions", &below.await?)?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn whatever_is_not_understood_is_refused_in_the_words_of_the_document() -> Result<()> {
    let host = host().await?;
    let ada = Account::new(&host, "ada").await?;
    refused(&ada.get("/nowhere").await?, 404)?;
    refused(&ada.get("/api/nowhere").await?, 404)?;
    refused(&ada.ask("DELETE", "/api/sessions", None).await?, 405)?;
    refused(&ada.ask("POST", "/api/sessions", None).await?, 400)?;
    refused(&ada.get("/api/sessions/one").await?, 400)?;
    let bearer = format!("Bearer {}", ada.key);
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    for body in ["{ \"session_name\": ", "", "[]"] {
        let asked = ada.api.call_with("POST", "/api/sessions", &headers, body);
        refused(&asked.await?, 400)?;
    }
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn everybody_may_call_where_the_operator_opens_it_but_no_foreign_page() -> Result<()> {
    let host = host_with(|options| {
        let open = &mut options.dialects.documented_unsafe;
        open.insert(Switch::ManagerNoAuth);
    })
    .await?;
    let api = host.api().at(&host.dialect_url(Dialect::Manager)?);
    let body = json!({ "session_name": "My Session", "user_id": 1 });
    let made = api
        .call("POST", "/api/sessions", &[], Some(body.clone()))
        .await?;
    kept("manager.create-session", &made)?;
    let list = api.call("GET", "/api/sessions", &[], None).await?;
    kept("manager.list-sessions", &list)?;
    for header in [
        ("origin", "https://elsewhere.example"),
        ("host", "elsewhere.example"),
        ("origin", "null"),
    ] {
        for (method, path) in [("GET", "/api/sessions"), ("POST", "/api/sessions/1/start")] {
            refused(&api.call(method, path, &[header], None).await?, 403)?;
        }
    }
    let wrong = [("x-api-key", "wmg_nonsense")];
    refused(&api.call("GET", "/api/sessions", &wrong, None).await?, 401)?;
    host.stop().await;

    let host = host_with(|options| {
        let open = &mut options.dialects.documented_unsafe;
        open.insert(Switch::ManagerOpenInboundWebhook);
    })
    .await?;
    let ada = Account::new(&host, "ada").await?;
    let id = ada.makes(json!({ "session_name": "Shop" })).await?;
    let answer = json!({ "message_id": "A1", "reply_to": GRACE, "reply_message": "hi" });
    let path = format!("/api/webhook/{id}");
    // It gets as far as the session, which is not linked.
    refused(&ada.api.call("POST", &path, &[], Some(answer)).await?, 400)?;
    refused(&ada.api.call("GET", &path, &[], None).await?, 401)?;
    host.stop().await;
    Ok(())
}
