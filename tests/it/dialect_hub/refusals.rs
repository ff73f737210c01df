//! How the dialect `hub` says no, and to whom.

use anyhow::Result;
use serde_json::{Value, json};
use warbler_domain::Dialect;
use warbler_tests::{Documented, KEY};

use super::{Account, ID, PHONE, host, refused};

/// Endpoints that need no credential.
const OPEN: [&str; 5] = [
    "/auth/register",
    "/auth/login",
    "/health",
    "/api-docs/ui",
    "/api-docs/spec",
];

#[tokio::test]
async fn whatever_is_not_understood_is_refused_in_the_words_of_the_document() -> Result<()> {
    let host = host().await?;
    let ada = Account::register(&host, "ada@example.com").await?;
    refused(&ada.api.call("GET", "/nowhere", &[], None).await?, 404)?;
    refused(
        &ada.api.call("GET", "/session/nowhere", &[], None).await?,
        404,
    )?;
    refused(
        &ada.api.call("DELETE", "/session/list", &[], None).await?,
        405,
    )?;
    refused(&ada.keyed("POST", "/message/send-text", None).await?, 415)?;
    let raw = ada.api.with_key("none");
    let broken = raw.post_raw("/auth/login", "{ \"email\": ").await?;
    refused(&broken, 400)?;
    refused(&raw.post_raw("/auth/login", "").await?, 400)?;
    refused(
        &raw.post_raw("/auth/login", vec![b' '; 100_000]).await?,
        413,
    )?;
    for body in [
        json!({ "email": "nobody", "password": "long enough" }),
        json!({ "email": "bob@example.com", "password": "short" }),
        json!({ "email": "bob@example.com" }),
    ] {
        let tried = ada
            .api
            .call("POST", "/auth/register", &[], Some(body))
            .await?;
        refused(&tried, 400)?;
    }
    for path in [
        "/session/status",
        "/session/qr-image",
        "/message/queue-status",
    ] {
        refused(&ada.keyed("GET", path, None).await?, 400)?;
    }
    let body = json!({ "session": ID, "to": "nobody", "text": "hi" });
    refused(
        &ada.keyed("POST", "/message/send-text", Some(body)).await?,
        400,
    )?;
    let below = host.api().call("GET", "/hub/nowhere", &[], None).await?;
    refused(&below, 404)?;
    refused(&host.api().call("GET", "/hub/", &[], None).await?, 404)?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn no_endpoint_answers_without_the_credential_it_documents() -> Result<()> {
    let host = host().await?;
    let ada = Account::register(&host, "ada@example.com").await?;
    let (key, token) = (ada.key.as_str(), format!("Bearer {}", ada.token));
    let native = format!("Bearer {KEY}");
    for endpoint in Documented::of("hub")?.endpoints()? {
        if OPEN.contains(&endpoint.path.as_str()) {
            continue;
        }
        let wants_login = ["/auth/", "/user/"]
            .iter()
            .any(|at| endpoint.path.starts_with(at));
        let other_kind = match wants_login {
            true => ("x-api-key", key),
            false => ("authorization", token.as_str()),
        };
        for headers in [
            vec![],
            vec![other_kind],
            vec![("authorization", native.as_str()), ("x-api-key", KEY)],
            vec![
                ("authorization", "Bearer nonsense"),
                ("x-api-key", "nonsense"),
            ],
        ] {
            let body = (endpoint.method != "GET").then(|| json!({}));
            let asked = ada
                .api
                .call(&endpoint.method, &endpoint.path, &headers, body);
            refused(&asked.await?, 401)?;
        }
    }
    // Nor is a credential of this dialect any good elsewhere.
    for credential in [&ada.key, &ada.token] {
        let asked = host.api().get_as(Some(credential), "/v1/sessions").await?;
        assert_eq!(asked.refusal(), (401, "invalid_key"));
    }
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_is_somebody_elses_does_not_exist() -> Result<()> {
    let host = host().await?;
    let ada = Account::register(&host, "ada@example.com").await?;
    let bob = Account::register(&host, "bob@example.com").await?;
    ada.links(&host, PHONE).await?;
    for (method, path, body, status) in [
        ("GET", "/session/status", None, 404),
        ("GET", "/session/qr-image", None, 400),
        ("GET", "/message/queue-status", None, 400),
        ("GET", "/message/send-text?to=15550100&text=hi", None, 400),
        ("POST", "/session/logout", None, 404),
        (
            "POST",
            "/message/send-text",
            Some(json!({ "text": "hi" })),
            400,
        ),
        (
            "POST",
            "/message/send-image",
            Some(json!({ "image_url": "http://x.example/x" })),
            400,
        ),
        (
            "POST",
            "/message/send-document",
            Some(json!({ "document_url": "http://x.example/x" })),
            400,
        ),
        (
            "POST",
            "/message/send-sticker",
            Some(json!({ "image_url": "http://x.example/x" })),
            400,
        ),
        (
            "POST",
            "/profile",
            Some(json!({ "target": "15550100" })),
            400,
        ),
    ] {
        let body = body.map(|mut body: Value| {
            body["session"] = json!(ID);
            body["to"] = json!("15550100");
            body
        });
        let path = match (method, path.contains('?')) {
            ("GET", false) => format!("{path}?session={ID}"),
            ("GET", true) => format!("{path}&session={ID}"),
            _ if body.is_none() => format!("{path}?session={ID}"),
            _ => path.to_owned(),
        };
        let asked = bob.keyed(method, &path, body).await?;
        refused(&asked, status)?;
        let told = asked.body.to_string();
        assert!(!told.contains("+1555") && !told.contains("ada@"), "{told}");
    }
    let body = json!({ "phoneNumber": PHONE });
    let checked = bob
        .keyed("POST", "/session/check-phone", Some(body))
        .await?;
    assert_eq!(checked.body, json!({ "hasActiveSession": false }));
    let cleaned = bob.keyed("POST", "/session/cleanup?hours=1", None).await?;
    assert_eq!(cleaned.body["data"]["cleanedCount"], 0);
    for path in ["/session/list"] {
        assert_eq!(bob.keyed("GET", path, None).await?.body["data"], json!([]));
    }
    assert_eq!(
        bob.ask("GET", "/user/accounts", None).await?.body["data"],
        json!([])
    );
    // What he calls the same is his own.
    let body = json!({ "session": ID });
    let begun = bob.keyed("POST", "/session/create", Some(body)).await?;
    assert_eq!(begun.status, 200, "{}", begun.body);
    let his = bob.keyed("GET", "/session/list", None).await?;
    assert_ne!(his.body["data"][0]["status"], "connected");
    let mine = ada.keyed("GET", "/session/list", None).await?;
    assert_eq!(
        mine.body["data"][0]["status"], "connected",
        "and nothing was done to it"
    );
    let native = host.api().at(&host.dialect_url(Dialect::Hub)?);
    refused(&native.call("GET", "/v1/sessions", &[], None).await?, 404)?;
    host.stop().await;
    Ok(())
}
