//! How the dialect `gateway` says no, and to whom.

use anyhow::Result;
use serde_json::{Value, json};
use warbler_app::limits::Rate;
use warbler_tests::{Documented, KEY};

use super::{Client, PHONE, SESSION, host, host_with, refused};

/// Endpoints that need no credential.
const OPEN: [(&str, &str); 2] = [("GET", "/api/v1/sessions"), ("GET", "/media/{mediaId}")];

#[tokio::test]
async fn whatever_is_not_understood_is_refused_in_the_words_of_the_document() -> Result<()> {
    let host = host().await?;
    let client = Client::create(&host, SESSION).await?;
    for (method, path, status) in [
        ("GET", "/nowhere", 404),
        ("GET", "/api/v1/nowhere", 404),
        ("GET", "/v1/sessions", 404),
        ("PUT", "/api/v1/sessions", 405),
        ("POST", "/api/v1/message", 405),
        ("POST", "/api/v1/webhook", 415),
        ("GET", "/api/v1/webhook", 400),
        ("DELETE", "/api/v1/webhook", 400),
        ("DELETE", "/api/v1/sessions/a%20b", 400),
        ("POST", "/api/v1/campaigns/campaign_1234567890/send", 404),
    ] {
        refused(&client.ask(method, path, None).await?, status)?;
    }
    let bearer = format!("Bearer {}", client.token);
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    for (body, status) in [
        (b"{ \"sessionId\": ".to_vec(), 400),
        (Vec::new(), 400),
        (vec![b' '; 100_000], 413),
    ] {
        let tried = client
            .api
            .call_with("POST", "/api/v1/webhook", &headers, body);
        refused(&tried.await?, status)?;
    }
    let master = [("x-master-key", KEY)];
    for body in [
        json!({}),
        json!({ "sessionId": "a b" }),
        json!({ "sessionId": "" }),
    ] {
        let tried = client
            .api
            .call("POST", "/api/v1/sessions", &master, Some(body));
        refused(&tried.await?, 400)?;
    }
    let below = host
        .api()
        .call("GET", "/gateway/nowhere", &[], None)
        .await?;
    refused(&below, 404)?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn no_endpoint_answers_without_the_credential_it_documents() -> Result<()> {
    // More strangers ask here than one address may be.
    let host = host_with(|options| {
        options.settings.access.limits.address = Rate::new(0, 1);
    })
    .await?;
    let client = Client::create(&host, SESSION).await?;
    let native = format!("Bearer {KEY}");
    let token = format!("Bearer {}", client.token);
    for endpoint in Documented::of("gateway")?.endpoints()? {
        if OPEN.contains(&(endpoint.method.as_str(), endpoint.path.as_str())) {
            continue;
        }
        let mut foreign = vec![
            vec![],
            vec![("authorization", native.as_str())],
            vec![("authorization", "Bearer nonsense")],
            vec![("x-master-key", "nonsense")],
            vec![("x-master-key", "")],
            vec![("x-master-key", client.token.as_str())],
        ];
        if endpoint.id == "gateway.create-session" {
            foreign.push(vec![("authorization", token.as_str())]);
        }
        for headers in foreign {
            let body = json!({ "sessionId": SESSION, "number": "15550100", "message": "x" });
            let asked = match endpoint.id.as_str() {
                "gateway.legacy-form-message" => {
                    let kind = "application/x-www-form-urlencoded";
                    let headers = [headers, vec![("content-type", kind)]].concat();
                    let form = "phone=15550100&message=x";
                    client
                        .api
                        .call_with("POST", &endpoint.path, &headers, form)
                        .await?
                }
                _ => {
                    let body = (endpoint.method != "GET").then_some(body);
                    client
                        .api
                        .call(&endpoint.method, &endpoint.path, &headers, body)
                        .await?
                }
            };
            refused(&asked, 401)?;
        }
    }
    // Nor is a token of this dialect any good elsewhere.
    let asked = host
        .api()
        .get_as(Some(&client.token), "/v1/sessions")
        .await?;
    assert_eq!(asked.refusal(), (401, "invalid_key"));
    let headers = [("x-api-key", client.token.as_str())];
    let hub = host
        .api()
        .call("GET", "/hub/session/list", &headers, None)
        .await?;
    assert_eq!(hub.status, 401);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_token_does_nothing_with_other_sessions_nor_says_which_there_are() -> Result<()> {
    let host = host().await?;
    let ada = Client::linked(&host, SESSION, PHONE).await?;
    let bob = Client::create(&host, "bobs").await?;
    let mut told: Vec<Value> = Vec::new();
    for name in [SESSION, "nobodys"] {
        for (method, path, body) in [
            ("DELETE", format!("/api/v1/sessions/{name}"), None),
            ("GET", format!("/api/v1/webhook?sessionId={name}"), None),
            ("DELETE", format!("/api/v1/webhook?sessionId={name}"), None),
            (
                "POST",
                "/api/v1/webhook".to_owned(),
                Some(json!({ "sessionId": name, "url": "https://example.com/" })),
            ),
            (
                "POST",
                format!("/api/v1/messages?sessionId={name}"),
                Some(
                    json!({ "recipient_type": "individual", "to": "15550100", "type": "text",
                             "text": { "body": "x" } }),
                ),
            ),
            (
                "DELETE",
                "/api/v1/message".to_owned(),
                Some(
                    json!({ "sessionId": name, "remoteJid": "15550100@s.whatsapp.net",
                             "messageId": "3EB0D8E8D8F9A7B6" }),
                ),
            ),
            (
                "POST",
                "/api/send-message".to_owned(),
                Some(json!({ "sessionId": name, "number": "15550100", "message": "x" })),
            ),
        ] {
            let asked = bob.ask(method, &path, body).await?;
            refused(&asked, 403)?;
            told.push(asked.body);
        }
    }
    let (theirs, nobodys) = told.split_at(told.len() / 2);
    assert_eq!(theirs, nobodys, "what is not its own might not be there");
    assert_eq!(
        ada.shown().await?["status"],
        "CONNECTED",
        "and nothing was done to it"
    );
    host.stop().await;
    Ok(())
}
