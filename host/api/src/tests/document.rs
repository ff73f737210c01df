//! What the API says about itself is what it does.

use std::collections::BTreeSet;

use axum::body::Body;
use data_encoding::BASE64;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::harness::TestApi;
use crate::native;

/// `(method, path)` of everything in the document.
fn documented(document: &Value) -> BTreeSet<(String, String)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let pairs = paths.flat_map(|(path, item)| {
        let methods = item.as_object().into_iter().flatten();
        methods.map(|(method, _)| (method.to_uppercase(), path.clone()))
    });
    pairs.collect()
}

fn operations(document: &Value) -> Vec<(&String, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths
        .flat_map(|(path, item)| {
            item.as_object()
                .into_iter()
                .flatten()
                .map(move |(_, body)| (path, body))
        })
        .collect()
}

#[tokio::test]
async fn every_route_is_documented_and_every_documented_route_is_served() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let document = api.get("/openapi.json").await?.json()?;
    assert_eq!(
        (&document["openapi"], &document["info"]["version"]),
        (&json!("3.1.0"), &json!("1.2.3"))
    );
    let table: BTreeSet<_> = native::routes()
        .iter()
        .map(|route| (format!("{:?}", Method(&route.method)), route.path.clone()))
        .collect();
    assert_eq!(documented(&document), table);
    for (method, path) in table.iter().filter(|(_, path)| path != "/v1/events/stream") {
        let filled = path
            .replace("{session}", "nowhere")
            .replace("{user}", "nobody")
            .replace("{id}", "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a");
        let answer = api.call(method, &filled, None).await?;
        assert_ne!(
            answer.status,
            StatusCode::METHOD_NOT_ALLOWED,
            "{method} {path}"
        );
        assert!(
            !String::from_utf8_lossy(&answer.bytes).contains(r#""code":"unknown_path""#),
            "{method} {path}"
        );
        let stranger = api
            .send(
                Request::builder()
                    .method(method.as_str())
                    .uri(&filled)
                    .body(Body::empty())?,
            )
            .await?;
        assert_eq!(
            stranger.status == StatusCode::UNAUTHORIZED,
            needs_key(path),
            "{method} {path}"
        );
    }
    Ok(())
}

/// Whether a path is behind a key. Logging in needs none, and a WebSocket may bring it later.
fn needs_key(path: &str) -> bool {
    let open = ["/v1/login", "/v1/login/refresh", "/v1/events/ws"];
    path == "/metrics" || (path.starts_with("/v1/") && !open.contains(&path))
}

/// A method as HTTP writes it.
struct Method<'a>(&'a utoipa::openapi::path::HttpMethod);

impl std::fmt::Debug for Method<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = serde_json::to_value(self.0).unwrap_or_default();
        f.write_str(&word.as_str().unwrap_or_default().to_uppercase())
    }
}

#[tokio::test]
async fn the_document_is_whole() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let document = api.get("/openapi.json").await?.json()?;
    let mut references = BTreeSet::new();
    collect_references(&document, &mut references);
    for reference in references {
        let pointer = reference.trim_start_matches('#');
        assert!(
            document.pointer(pointer).is_some(),
            "{reference} leads nowhere"
        );
    }
    let mut ids = BTreeSet::new();
    for (path, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap_or_default();
        assert!(!id.is_empty() && ids.insert(id), "{path}: {id}");
        assert!(
            operation["summary"].is_string() && operation["tags"][0].is_string(),
            "{path}: {operation}"
        );
        assert_eq!(
            operation["security"].is_array(),
            needs_key(path),
            "{path}: {id}"
        );
        let answers = operation["responses"].as_object().into_iter().flatten();
        let answers: BTreeSet<_> = answers.map(|(status, _)| status.as_str()).collect();
        assert!(
            answers
                .iter()
                .any(|status| status.starts_with('2') || *status == "101"),
            "{path}: {id}"
        );
        if operation["requestBody"].is_object() {
            assert!(
                ["400", "413", "415"]
                    .iter()
                    .all(|status| answers.contains(status)),
                "{path}: {id}"
            );
        }
    }
    Ok(())
}

fn collect_references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                found.insert(reference.clone());
            }
            fields
                .values()
                .for_each(|value| collect_references(value, found));
        }
        Value::Array(items) => items
            .iter()
            .for_each(|value| collect_references(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn the_words_of_the_document_are_those_of_the_answers() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let document = api.get("/openapi.json").await?.json()?;
    let words = |name: &str| {
        let words = document["components"]["schemas"][name]["enum"].as_array();
        words
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
    };
    let states = warbler_domain::SessionState::ALL.map(warbler_domain::SessionState::as_str);
    assert_eq!(words("SessionState"), states);
    let statuses = warbler_domain::MessageStatus::ALL.map(warbler_domain::MessageStatus::as_str);
    assert_eq!(words("MessageStatus"), statuses);
    assert_eq!(words("SendScope"), ["reply-only", "contacts", "any"]);
    // A field without a value is left out, not null, but for these two.
    let schemas = document["components"]["schemas"]
        .as_object()
        .into_iter()
        .flatten();
    let nullable = schemas.filter(|(_, schema)| schema.to_string().contains("\"null\""));
    let nullable: Vec<_> = nullable
        .map(|(name, _)| name.as_str())
        .filter(|name| !name.starts_with("Listing_"))
        .collect();
    assert_eq!(nullable, ["ExplainedEvent"]);
    Ok(())
}

#[tokio::test]
async fn the_page_for_passkeys_runs_its_own_script_and_asks_nobody_else() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let page = api.get("/passkey").await?;
    let text = String::from_utf8(page.bytes.to_vec())?;
    let scripts: Vec<_> = text.split("<script>").skip(1).collect();
    let [script] = &scripts[..] else {
        anyhow::bail!("{} scripts", scripts.len());
    };
    let (script, _) = script.split_once("</script>").unwrap_or_default();
    let digest = BASE64.encode(&Sha256::digest(script));
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains(&format!("script-src 'sha256-{digest}'"))
            && policy.contains("connect-src 'self'")
            && policy.contains("default-src 'none'"),
        "{policy}"
    );
    let handlers = [
        " onclick=",
        " onload=",
        "src=",
        "href=\"http",
        "innerHTML",
        "eval(",
    ];
    for handler in handlers {
        assert!(!text.contains(handler), "{handler}");
    }
    // Everything the script speaks of is there.
    for id in script.split("at('").skip(1) {
        let id = id.split('\'').next().unwrap_or_default();
        assert!(text.contains(&format!("id=\"{id}\"")), "{id}");
    }
    Ok(())
}

#[tokio::test]
async fn the_pages_are_whole_and_keep_to_themselves() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let document = api.get("/openapi.json").await?.json()?;
    let docs = api.get("/docs").await?;
    let text = String::from_utf8(docs.bytes.to_vec())?;
    for (path, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap_or_default();
        assert!(
            text.contains(path.as_str()) && text.contains(&format!("id=\"{id}\"")),
            "{path}: {id}"
        );
    }
    for path in ["/docs", "/"] {
        let page = api.get(path).await?;
        let text = String::from_utf8(page.bytes.to_vec())?;
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert!(
            !text.contains("<script")
                && !text.contains("src=")
                && !text.contains("href=\"http")
                && !text.contains("@import"),
            "{path}"
        );
        let style = text
            .split_once("<style>")
            .and_then(|(_, rest)| rest.split_once("</style>"))
            .map(|(style, _)| style);
        let digest = BASE64.encode(&Sha256::digest(style.unwrap_or_default()));
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains(&format!("style-src 'sha256-{digest}'")),
            "{path}: {policy}"
        );
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        let anchors = text
            .split("href=\"#")
            .skip(1)
            .filter_map(|rest| rest.split_once('"'))
            .map(|(name, _)| name);
        for anchor in anchors {
            assert!(
                text.contains(&format!("id=\"{anchor}\"")),
                "{path}: #{anchor} leads nowhere"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn health_needs_no_key() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    for path in ["/healthz", "/readyz"] {
        let answer = api.send(Request::get(path).body(Body::empty())?).await?;
        assert_eq!(
            (answer.status, answer.json()?),
            (
                StatusCode::OK,
                json!({ "status": "ok", "version": "1.2.3" })
            )
        );
    }
    Ok(())
}

#[tokio::test]
async fn everything_in_the_document_has_an_example() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let document = api.get("/openapi.json").await?.json()?;
    let mut bare = Vec::new();
    for (path, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap_or_default();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap_or_default();
            if !has_example(parameter) && !has_example(&parameter["schema"]) {
                bare.push(format!("{id}: {name} has no example"));
            }
            if parameter["description"]
                .as_str()
                .unwrap_or_default()
                .is_empty()
            {
                bare.push(format!("{id}: {name} has no description"));
            }
        }
        let contents = operation["requestBody"]["content"]
            .as_object()
            .into_iter()
            .flatten();
        for (kind, content) in contents {
            let schema = resolved(&document, &content["schema"]);
            if kind == "application/json" && !has_example(content) && !has_example(schema) {
                bare.push(format!("{id}: the body has no example"));
            }
        }
        if operation["summary"].as_str().unwrap_or_default().is_empty() {
            bare.push(format!("{path}: {id} has no summary"));
        }
    }
    assert!(bare.is_empty(), "{bare:#?}");
    Ok(())
}

fn has_example(value: &Value) -> bool {
    ["example", "examples"]
        .iter()
        .any(|key| !value[*key].is_null())
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let reference = schema["$ref"].as_str().unwrap_or_default();
    document
        .pointer(reference.trim_start_matches('#'))
        .filter(|_| !reference.is_empty())
        .unwrap_or(schema)
}
