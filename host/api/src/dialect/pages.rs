//! What a dialect says about itself: its OpenAPI document and the page made of it.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::{Map, Value, json};

use super::{DialectState, Row, Voice};
use crate::native::docs::{Html, manual};

/// What is written once, at the start.
pub(crate) struct Pages {
    document: Bytes,
    manual: Html,
}

impl Pages {
    /// Everything there is to say about `rows`.
    pub(super) fn of<V: Voice>(rows: &[Row<V>], version: &str) -> Self {
        let document = describe(rows, version);
        Self {
            manual: manual(&document, &[], None),
            document: document.to_string().into(),
        }
    }
}

fn describe<V: Voice>(rows: &[Row<V>], version: &str) -> Value {
    let mut paths = Map::new();
    let mut sections: Vec<&str> = Vec::new();
    for row in rows {
        if !sections.contains(&row.section) {
            sections.push(row.section);
        }
        let path = paths.entry(row.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(row.method.as_str().to_lowercase(), operation(row));
        }
    }
    let tags: Vec<Value> = sections
        .iter()
        .map(|name| json!({ "name": name }))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": { "title": V::TITLE, "version": version },
        "tags": tags,
        "paths": paths,
        "components": { "securitySchemes": V::schemes() },
    })
}

fn operation<V: Voice>(row: &Row<V>) -> Value {
    let in_path = row.path.split('/').filter_map(|part| {
        let name = part.strip_prefix('{')?.strip_suffix('}')?;
        let name = name.trim_start_matches('*');
        let schema = json!({ "type": "string" });
        Some(json!({ "name": name, "in": "path", "required": true, "schema": schema }))
    });
    let in_query = row.query.iter().map(|(name, meaning)| {
        let schema = json!({ "type": "string" });
        json!({ "name": name, "in": "query", "description": meaning, "schema": schema })
    });
    let parameters: Vec<Value> = in_path.chain(in_query).collect();
    let mut operation = json!({
        "operationId": format!("{} {}", row.method, row.path),
        "summary": row.summary,
        "tags": [row.section],
        "parameters": parameters,
        "responses": {
            "200": { "description": "Done." },
            "default": { "description": "Refused, in the form this API documents." },
        },
    });
    let Some(fields) = operation.as_object_mut() else {
        return operation;
    };
    if row.deprecated {
        fields.insert("deprecated".to_owned(), Value::Bool(true));
    }
    if let Some(who) = row.who {
        let schemes = V::schemes_of(who).iter();
        let schemes: Vec<Value> = schemes.map(|name| json!({ *name: [] })).collect();
        fields.insert("security".to_owned(), schemes.into());
    }
    if let Some(example) = &row.example {
        let examples = json!({ "documented": { "summary": "An example", "value": example } });
        let content = json!({ "schema": { "type": "object" }, "examples": examples });
        let body = json!({ "content": { "application/json": content } });
        fields.insert("requestBody".to_owned(), body);
    }
    operation
}

/// The dialect as an OpenAPI document.
pub(super) async fn document<V: Voice>(State(state): State<DialectState<V>>) -> Response {
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, state.pages.document.clone()).into_response()
}

/// The dialect as a page to read.
pub(super) async fn page<V: Voice>(State(state): State<DialectState<V>>) -> Html {
    state.pages.manual.clone()
}
