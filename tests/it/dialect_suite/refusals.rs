//! How the dialect `suite` says no, and to whom.

use anyhow::Result;
use serde_json::{Value, json};
use warbler_tests::{Documented, KEY, TestHost};

use super::{Account, PHONE, host, refused, serve};

/// Endpoints that need no credential.
const OPEN: [&str; 7] = [
    "/api/auth/register",
    "/api/auth/login",
    "/api/auth/refresh",
    "/api/status/health",
    "/api/status/info",
    "/uploads/{filename}",
    "/docs",
];
const WRONG: &str = "AUTH_INVALID_CREDENTIALS";

#[tokio::test]
async fn whatever_is_not_understood_is_refused_in_the_words_of_the_document() -> Result<()> {
    let host = host().await?;
    let ada = Account::register(&host, "ada_l").await?;
    let open = |method: &'static str, path: &'static str| ada.api.call(method, path, &[], None);
    refused(&open("GET", "/nowhere").await?, 404, "NOT_FOUND")?;
    refused(&open("GET", "/api/nowhere").await?, 404, "NOT_FOUND")?;
    refused(
        &open("PATCH", "/api/sessions").await?,
        405,
        "METHOD_NOT_ALLOWED",
    )?;
    refused(&open("GET", "/uploads/x.png").await?, 404, "FILE_NOT_FOUND")?;
    let raw = ada.api.with_key("none");
    for body in ["{ \"username\": ", "", "[]"] {
        let broken = raw.post_raw("/api/auth/login", body).await?;
        refused(&broken, 400, "VALIDATION_ERROR")?;
    }
    let large = raw.post_raw("/api/auth/login", vec![b' '; 100_000]).await?;
    refused(&large, 400, "FILE_TOO_LARGE")?;
    for (name, email, password) in [
        ("ab", "bob@example.com", "long enough"),
        ("bob-b", "bob@example.com", "long enough"),
        ("bob_b", "nobody", "long enough"),
        ("bob_b", "bob@example.com", "short"),
        ("ada_l", "bob@example.com", "long enough"),
    ] {
        let body = json!({ "username": name, "email": email, "password": password });
        let path = "/api/auth/register";
        let tried = ada.api.call("POST", path, &[], Some(body)).await?;
        refused(&tried, 400, "VALIDATION_ERROR")?;
    }
    let nameless = ada.keyed("POST", "/api/sessions", Some(json!({}))).await?;
    refused(&nameless, 400, "VALIDATION_ERROR")?;
    let id = ada.makes("Hers").await?;
    let send = |to: &str| json!({ "sessionId": id, "to": to, "text": "hi" });
    let path = "/api/messages/send/text";
    let nobody = ada.keyed("POST", path, Some(send("nobody"))).await?;
    refused(&nobody, 400, "INVALID_PHONE_NUMBER")?;
    let unlinked = ada.keyed("POST", path, Some(send("15550100"))).await?;
    refused(&unlinked, 400, "SESSION_NOT_CONNECTED")?;
    // A session is found by its id alone.
    let named = ada.keyed("GET", "/api/sessions/Hers", None).await?;
    refused(&named, 404, "SESSION_NOT_FOUND")?;
    let below = host.api().call("GET", "/suite/nowhere", &[], None).await?;
    refused(&below, 404, "NOT_FOUND")?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn no_endpoint_answers_without_the_credential_it_documents() -> Result<()> {
    let host = host().await?;
    let ada = Account::register(&host, "ada_l").await?;
    let (as_key, as_token) = (ada.token.as_str(), format!("Bearer {}", ada.key));
    let native = format!("Bearer {KEY}");
    for endpoint in Documented::of("suite")?.endpoints()? {
        if OPEN.contains(&endpoint.path.as_str()) {
            continue;
        }
        let path = endpoint
            .path
            .replace("{sessionId}", "5bc99cea8975b95fe7077c64a3312145");
        for (headers, code) in [
            (vec![], "AUTH_REQUIRED"),
            (vec![("x-api-key", as_key)], WRONG),
            (vec![("authorization", as_token.as_str())], WRONG),
            (vec![("authorization", native.as_str())], WRONG),
            (vec![("x-api-key", KEY)], WRONG),
        ] {
            let body = (endpoint.method != "GET").then(|| json!({}));
            let asked = ada.api.call(&endpoint.method, &path, &headers, body);
            refused(&asked.await?, 401, code)?;
        }
    }
    // Nor is a credential of this dialect any good elsewhere.
    for credential in [&ada.key, &ada.token] {
        let asked = host.api().get_as(Some(credential), "/v1/sessions").await?;
        assert_eq!(asked.refusal(), (401, "invalid_key"));
        let headers = [("x-api-key", credential.as_str())];
        let hub = host.api().call("GET", "/hub/session/list", &headers, None);
        assert_eq!(hub.await?.status, 401);
    }
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_is_somebody_elses_does_not_exist() -> Result<()> {
    let host = host().await?;
    let ada = Account::register(&host, "ada_l").await?;
    let bob = Account::register(&host, "bob_b").await?;
    let id = ada.links(&host.person(PHONE, "Ada")?).await?;
    let hook = json!({ "url": "https://example.com/hook" });
    let path = format!("/api/webhook/config/{id}");
    ada.keyed("PUT", &path, Some(hook.clone()))
        .await?
        .expect(200)?;
    let (url, place) = (
        "http://x.example/x",
        json!({ "latitude": 1.0, "longitude": 1.0 }),
    );
    let card = json!({ "contact": { "fullName": "A", "phoneNumber": "+15550101" } });
    let messages = json!({ "messages": [{ "to": "15550100", "text": "hi" }] });
    for endpoint in Documented::of("suite")?.endpoints()? {
        let body = match endpoint.id.as_str() {
            "suite.send-text" => Some(json!({ "text": "hi" })),
            "suite.send-image" => Some(json!({ "imageUrl": url })),
            "suite.send-document" => Some(json!({ "documentUrl": url })),
            "suite.send-video" => Some(json!({ "videoUrl": url })),
            "suite.send-audio" => Some(json!({ "audioUrl": url })),
            "suite.send-location" => Some(place.clone()),
            "suite.send-contact" => Some(card.clone()),
            "suite.send-bulk" => Some(messages.clone()),
            "suite.session-settings" => Some(json!({ "name": "Mine" })),
            "suite.configure-webhook" => Some(hook.clone()),
            _ if endpoint.path.contains("{sessionId}") => None,
            _ => continue,
        };
        let body = body.map(|mut body: Value| {
            body["sessionId"] = json!(id);
            body["to"] = json!("15550100");
            body
        });
        let path = endpoint.path.replace("{sessionId}", &id);
        let asked = bob.keyed(&endpoint.method, &path, body).await?;
        refused(&asked, 404, "SESSION_NOT_FOUND")?;
        let told = asked.body.to_string();
        assert!(!told.contains(&id) && !told.contains("1555"), "{told}");
    }
    let list = bob.keyed("GET", "/api/sessions", None).await?;
    assert_eq!(
        (&list.body["sessions"], &list.body["total"]),
        (&json!([]), &json!(0))
    );
    let status = bob.ask("GET", "/api/status/stats", None).await?;
    assert_eq!(status.body["stats"]["sessions"]["total"], 0);
    let profile = bob.ask("GET", "/api/auth/profile", None).await?;
    assert_eq!(profile.body["stats"]["totalSessions"], 0);
    let queue = bob.ask("GET", "/api/webhook/queue", None).await?;
    assert_eq!(queue.body["queue"]["pending"], 0);
    let mine = ada
        .keyed("GET", &format!("/api/sessions/{id}"), None)
        .await?;
    assert_eq!(
        mine.text_at("/session/status")?,
        "connected",
        "nothing was done to it"
    );
    assert_eq!(mine.text_at("/session/name")?, "My Session");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn the_documented_limits_hold_and_say_when_to_try_again() -> Result<()> {
    let host = TestHost::start_as(|options| serve(options, true)).await?;
    let ada = Account::register(&host, "ada_l").await?;
    let id = ada.links(&host.person(PHONE, "Ada")?).await?;
    let path = "/api/messages/send/bulk";
    let messages = vec![json!({ "to": "15550100", "text": "hi" }); 12];
    let body = json!({ "sessionId": id, "messages": messages });
    let sent = ada
        .keyed("POST", path, Some(body.clone()))
        .await?
        .expect(200)?;
    assert_eq!(
        sent.body["summary"]["successful"], 12,
        "more than a minute's are paced"
    );
    let more = ada.keyed("POST", path, Some(body)).await?;
    refused(&more, 429, "RATE_LIMIT_EXCEEDED")?;
    assert!(!more.header("retry-after").is_empty());
    let one = json!({ "sessionId": id, "to": "15550100", "text": "hi" });
    let one = ada
        .keyed("POST", "/api/messages/send/text", Some(one))
        .await?;
    refused(&one, 429, "RATE_LIMIT_EXCEEDED")?;
    let qr = format!("/api/sessions/{id}/qr");
    let mut codes = Vec::new();
    for _ in 0..3 {
        codes.push(ada.keyed("GET", &qr, None).await?.status);
    }
    assert_eq!(codes, [400, 400, 429], "the one that was scanned counts");
    let body = json!({ "username": "nobody", "password": "wrong" });
    let mut codes = Vec::new();
    for _ in 0..5 {
        let tried = ada
            .api
            .call("POST", "/api/auth/login", &[], Some(body.clone()));
        codes.push(tried.await?.status);
    }
    assert_eq!(codes, [401, 401, 401, 401, 429], "registering counted too");
    host.stop().await;
    Ok(())
}
