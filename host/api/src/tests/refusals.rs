//! How the API says no, whatever the request was.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Request, StatusCode};
use serde_json::json;

use super::harness::{KEY, TestApi};

#[tokio::test]
async fn nobody_gets_past_v1_without_a_key() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    for (headers, code) in [
        (vec![], "missing_key"),
        (vec![("authorization", "Basic dXNlcjpwYXNz")], "missing_key"),
        (vec![("authorization", "Bearer wbl_wrong")], "invalid_key"),
        (vec![("x-api-key", "wbl_wrong")], "invalid_key"),
        (vec![("x-api-key", "")], "invalid_key"),
    ] {
        for path in [
            "/v1/sessions",
            "/v1/nothing",
            "/v1",
            "/v1/",
            "/v1/events/stream",
            "/v1/sessions?key=wbl_test",
        ] {
            let mut request = Request::get(path);
            for (name, value) in &headers {
                request = request.header(*name, *value);
            }
            let answer = api.send(request.body(Body::empty())?).await?;
            assert_eq!(
                answer.problem()?,
                (401, code.to_owned()),
                "{path} {headers:?}"
            );
            assert!(
                answer.header("www-authenticate").starts_with("Bearer "),
                "{path}"
            );
        }
    }
    for (name, value) in [
        ("authorization", format!("bearer {KEY}")),
        ("x-api-key", KEY.to_owned()),
    ] {
        let request = Request::get("/v1/sessions")
            .header(name, value)
            .body(Body::empty())?;
        assert_eq!(api.send(request).await?.status, StatusCode::OK, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn an_unknown_path_and_a_wrong_method_are_told_apart() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    for path in [
        "/nothing",
        "/v1/nothing",
        "/v1",
        "/v1/",
        "/v1/sessions/shop/nothing",
    ] {
        assert_eq!(
            api.get(path).await?.problem()?,
            (404, "unknown_path".to_owned()),
            "{path}"
        );
    }
    for (method, path, allow) in [
        ("PUT", "/v1/sessions", "GET,HEAD,POST"),
        ("POST", "/v1/sessions/shop", "DELETE,GET,HEAD,PATCH"),
        ("POST", "/healthz", "GET,HEAD"),
        ("OPTIONS", "/v1/sessions", "GET,HEAD,POST"),
    ] {
        let answer = api.call(method, path, None).await?;
        assert_eq!(
            answer.problem()?,
            (405, "method_not_allowed".to_owned()),
            "{method} {path}"
        );
        let mut allowed: Vec<_> = answer.header("allow").split(',').map(str::trim).collect();
        allowed.sort_unstable();
        assert_eq!(allowed.join(","), allow, "{method} {path}");
    }
    Ok(())
}

#[tokio::test]
async fn a_path_that_cannot_name_anything_is_refused() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    for path in [
        "/v1/sessions/a%20b",
        "/v1/messages/7",
        "/v1/events/7/trace",
        "/v1/sessions/%ff",
    ] {
        assert_eq!(
            api.get(path).await?.problem()?,
            (400, "invalid_path".to_owned()),
            "{path}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused_with_its_place() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let post = |kind: &str, body: &'static str| {
        let request = Request::post("/v1/sessions").header("x-api-key", KEY);
        let request = if kind.is_empty() {
            request
        } else {
            request.header("content-type", kind)
        };
        request.body(Body::from(body))
    };
    let broken = api
        .send(post("application/json", "{\n  \"name\": shop\n}")?)
        .await?;
    assert_eq!(broken.problem()?, (400, "invalid_json".to_owned()));
    assert_eq!(
        (&broken.json()?["line"], &broken.json()?["column"]),
        (&json!(2), &json!(11))
    );
    let unknown = api
        .send(post(
            "application/json; charset=utf-8",
            r#"{"name":"a","begin":true}"#,
        )?)
        .await?;
    assert_eq!(unknown.problem()?, (400, "unknown_field".to_owned()));
    let body = unknown.json()?;
    assert_eq!(body["field"], json!("begin"));
    assert_eq!(
        body["detail"],
        json!(
            "begin: unknown field `begin`; did you mean `engine`? Expected one of `name`, `start`, `engine`"
        )
    );
    for (kind, body, expected) in [
        ("application/json", "", (400, "missing_body")),
        (
            "application/json",
            r#"{"name":"a"} x"#,
            (400, "invalid_json"),
        ),
        ("application/json", "[1]", (400, "invalid_body")),
        (
            "application/json",
            r#"{"name":"a b"}"#,
            (400, "bad_session_name"),
        ),
        ("", r#"{"name":"a"}"#, (415, "unsupported_media_type")),
        (
            "text/plain",
            r#"{"name":"a"}"#,
            (415, "unsupported_media_type"),
        ),
    ] {
        let answer = api.send(post(kind, body)?).await?;
        assert_eq!(
            answer.problem()?,
            (expected.0, expected.1.to_owned()),
            "{kind} {body}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_body_is_refused_by_its_size_on_every_route() -> anyhow::Result<()> {
    let api = TestApi::with(|options| options.max_body = 300_000).await?;
    api.connected_session("shop").await?;
    let padded = |size: usize| {
        format!(
            "{{\"to\":\"+15550123\",\"text\":\"hi\"{}}}",
            " ".repeat(size)
        )
    };
    for (path, size, announced, status) in [
        ("/v1/sessions", 70_000, true, 413),
        ("/v1/sessions", 70_000, false, 413),
        ("/v1/sessions/shop/messages", 290_000, true, 202),
        ("/v1/sessions/shop/messages", 290_000, false, 202),
        ("/v1/sessions/shop/messages", 310_000, true, 413),
        ("/v1/sessions/shop/messages", 310_000, false, 413),
    ] {
        let body = padded(size);
        let mut request = Request::post(path)
            .header("x-api-key", KEY)
            .header("content-type", "application/json");
        if announced {
            request = request.header("content-length", body.len());
        }
        let answer = api.send(request.body(Body::from(body))?).await?;
        assert_eq!(answer.status.as_u16(), status, "{path} {size} {announced}");
        if status == 413 {
            assert_eq!(answer.problem()?.1, "body_too_large");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_embedded_network_is_behind_the_key_and_its_panic_costs_one_answer()
-> anyhow::Result<()> {
    #[expect(clippy::panic, reason = "what the test is about")]
    async fn boom() -> &'static str {
        panic!("on purpose");
    }
    let network = Router::new()
        .route("/people", get(async || "nobody"))
        .route("/boom", get(boom));
    let api = TestApi::with(|options| options.embedded_network = Some(network)).await?;
    let stranger = Request::get("/v1/simulator/people").body(Body::empty())?;
    assert_eq!(
        api.send(stranger).await?.problem()?,
        (401, "missing_key".to_owned())
    );
    let people = api.get("/v1/simulator/people").await?;
    assert_eq!(
        (people.status, people.bytes.as_ref()),
        (StatusCode::OK, b"nobody".as_slice())
    );
    assert_eq!(
        api.get("/v1/simulator/nothing").await?.problem()?,
        (404, "unknown_path".to_owned())
    );

    let broken = api.get("/v1/simulator/boom").await?;
    assert_eq!(broken.problem()?, (500, "internal".to_owned()));
    assert!(!String::from_utf8(broken.bytes.to_vec())?.contains("on purpose"));
    assert_eq!(api.get("/v1/sessions").await?.status, StatusCode::OK);
    Ok(())
}
