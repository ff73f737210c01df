//! Sessions and pairing.

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::json;

use super::harness::{KEY, QR_TEXT, TestApi};

#[tokio::test]
async fn a_session_is_made_found_by_name_and_id_and_deleted() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let made = api
        .call("POST", "/v1/sessions", Some(json!({ "name": "shop" })))
        .await?;
    assert_eq!(made.status, StatusCode::CREATED);
    let shop = json!({
        "id": "<id>", "name": "shop", "state": "created", "wanted": "stopped", "changedAt": "<time>",
        "createdAt": "<time>", "engine": "whatsapp-rust",
    });
    assert_eq!(made.shape()?, shop);
    let location = made.header("location").to_owned();

    let by_id = api.get(&location).await?;
    assert_eq!(
        (by_id.status, by_id.json()?),
        (StatusCode::OK, made.json()?)
    );
    let by_name = api.get("/v1/sessions/shop").await?;
    assert_eq!(
        (by_name.status, by_name.json()?),
        (StatusCode::OK, made.json()?)
    );
    let all = api.get("/v1/sessions").await?;
    assert_eq!(all.shape()?, json!({ "items": [shop], "next": null }));

    let again = api
        .call("POST", "/v1/sessions", Some(json!({ "name": "shop" })))
        .await?;
    assert_eq!(again.problem()?, (409, "session_name_taken".to_owned()));
    let deleted = api.call("DELETE", "/v1/sessions/shop", None).await?;
    assert_eq!(
        (deleted.status, deleted.bytes.len()),
        (StatusCode::NO_CONTENT, 0)
    );
    let gone = api.get("/v1/sessions/shop").await?;
    assert_eq!(gone.problem()?, (404, "unknown_session".to_owned()));
    Ok(())
}

#[tokio::test]
async fn a_session_that_is_not_named_gets_a_name_that_cannot_be_guessed() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let mut names = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let made = api.call("POST", "/v1/sessions", Some(json!({}))).await?;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        let made = made.json()?;
        let name = made["name"].as_str().unwrap_or_default().to_owned();
        let chance = name.strip_prefix("session-").unwrap_or_default();
        assert_eq!(chance.len(), 16, "{name}");
        let found = api.get(&format!("/v1/sessions/{name}")).await?;
        assert_eq!(found.json()?["id"], made["id"]);
        names.insert(name);
    }
    assert_eq!(names.len(), 3);
    Ok(())
}

#[tokio::test]
async fn a_session_goes_through_its_life() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    let online = api.get("/v1/sessions/shop").await?;
    assert_eq!(
        online.shape()?,
        json!({
            "id": "<id>", "name": "shop", "state": "connected", "wanted": "running", "changedAt": "<time>",
            "createdAt": "<time>", "engine": "whatsapp-rust",
            "account": {
                "jid": "15550100@s.whatsapp.net", "phone": "+15550100", "lid": "98765@lid", "pushName": "The Shop",
            },
        })
    );
    for (verb, state) in [
        ("stop", "stopped"),
        ("start", "starting"),
        ("logout", "logged-out"),
    ] {
        let answer = api
            .call("POST", &format!("/v1/sessions/shop/{verb}"), None)
            .await?;
        assert_eq!(
            (answer.status, answer.json()?["state"].clone()),
            (StatusCode::OK, json!(state)),
            "{verb}"
        );
    }
    let unlinked = api.call("POST", "/v1/sessions/shop/logout", None).await?;
    assert_eq!(unlinked.problem()?, (409, "not_paired".to_owned()));
    let restarted = api.call("POST", "/v1/sessions/shop/restart", None).await?;
    assert_eq!(
        (restarted.status, restarted.json()?["state"].clone()),
        (StatusCode::OK, json!("starting"))
    );
    Ok(())
}

#[tokio::test]
async fn the_pairing_qr_comes_as_text_data_url_and_image() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.call(
        "POST",
        "/v1/sessions",
        Some(json!({ "name": "shop", "start": true })),
    )
    .await?;
    let qr = api.get("/v1/sessions/shop/qr").await?;
    let body = qr.shape()?;
    assert_eq!(
        (qr.status, qr.header("cache-control")),
        (StatusCode::OK, "no-store")
    );
    assert_eq!(
        (&body["text"], &body["expiresAt"]),
        (&json!(QR_TEXT), &json!("<time>"))
    );
    let image = api.get("/v1/sessions/shop/qr.png").await?;
    assert_eq!(
        (image.status, image.header("content-type")),
        (StatusCode::OK, "image/png")
    );
    let data_url = format!(
        "data:image/png;base64,{}",
        data_encoding::BASE64.encode(&image.bytes)
    );
    assert_eq!(body["dataUrl"], json!(data_url));

    for (accept, kind) in [
        ("image/png", "image/png"),
        ("image/*, */*;q=0.5", "image/png"),
        ("text/html, application/json", "application/json"),
        ("*/*", "application/json"),
    ] {
        let request = Request::get("/v1/sessions/shop/qr")
            .header("x-api-key", KEY)
            .header("accept", accept);
        let answer = api.send(request.body(Body::empty())?).await?;
        assert_eq!(
            (answer.header("content-type"), answer.header("vary")),
            (kind, "Accept"),
            "{accept}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_pairing_code_is_shown_as_people_read_it() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let made = api
        .call(
            "POST",
            "/v1/sessions",
            Some(json!({ "name": "shop", "start": true })),
        )
        .await?;
    assert_eq!(made.status, StatusCode::CREATED);
    let path = "/v1/sessions/shop/pairing-code";
    let code = api
        .call("POST", path, Some(json!({ "phone": "+1 (555) 0100" })))
        .await?;
    assert_eq!(
        (code.status, code.shape()?),
        (
            StatusCode::OK,
            json!({ "code": "ABCD-1234", "raw": "ABCD1234", "expiresAt": "<time>" })
        )
    );
    let nobody = api
        .call("POST", path, Some(json!({ "phone": "me" })))
        .await?;
    assert_eq!(nobody.problem()?, (400, "bad_phone_number".to_owned()));
    assert_eq!(nobody.json()?["field"], json!("phone"));
    Ok(())
}

#[tokio::test]
async fn a_session_that_cannot_be_paired_says_why() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.call("POST", "/v1/sessions", Some(json!({ "name": "idle" })))
        .await?;
    let idle = api.get("/v1/sessions/idle/qr").await?;
    assert_eq!(idle.problem()?, (409, "session_not_running".to_owned()));
    api.connected_session("shop").await?;
    let paired = api.get("/v1/sessions/shop/qr.png").await?;
    assert_eq!(paired.problem()?, (409, "already_paired".to_owned()));
    Ok(())
}
