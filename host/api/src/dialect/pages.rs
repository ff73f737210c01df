//! What a dialect says about itself: its OpenAPI document and the page made of it.
//!
//! Both are made of its `<dialect>.json`, which says of every endpoint what it does, what it is sent
//! and what it answers; tests of the whole host hold the answers to these examples.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::base::Base;
use super::{DialectState, Row, Voice};
use crate::native::docs::{Html, manual};

const JSON: &str = "application/json";
const REFUSED: &str = "Refused, in the form this API documents.";

/// A section of a document.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    section: String,
    endpoints: Vec<Endpoint>,
}

/// What is to be said of a row.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Endpoint {
    /// A name for programs.
    id: String,
    method: String,
    path: String,
    /// What it does, as a sentence.
    summary: String,
    /// Whether callers are told to use something else.
    #[serde(default)]
    deprecated: bool,
    /// The parameters of its query, and what they mean.
    #[serde(default)]
    query: Vec<(String, String)>,
    /// An example of its body.
    body: Option<Value>,
    answers: Vec<Example>,
}

/// An example of what it answers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    status: u16,
    /// Its type, unless it is JSON.
    r#type: Option<String>,
    body: Option<Value>,
}

/// Stands in what is written at the start for where the dialect is, which each request says.
const HERE: &str = "http://base.invalid";

/// What is written once, at the start.
pub(crate) struct Pages {
    document: String,
    manual: Html,
}

impl Pages {
    /// Everything there is to say about `rows`.
    pub(super) fn of<V: Voice>(rows: &[Row<V>], version: &str) -> Self {
        // It is a part of the program, and a test reads each.
        let sections = serde_json::from_str(V::DOCUMENT).unwrap_or_default();
        let document = describe(rows, sections, version);
        Self {
            manual: manual(&document, &[], None),
            document: document.to_string(),
        }
    }
}

fn describe<V: Voice>(rows: &[Row<V>], sections: Vec<Section>, version: &str) -> Value {
    let mut paths = Map::new();
    let mut tags = Vec::new();
    for section in sections {
        tags.push(json!({ "name": section.section }));
        for endpoint in section.endpoints {
            let who = rows.iter().find(|row| endpoint.is(row));
            let who = who.and_then(|row| row.who).map(V::schemes_of);
            let method = endpoint.method.to_lowercase();
            let path = paths.entry(&endpoint.path).or_insert_with(|| json!({}));
            path[method] = endpoint.operation(&section.section, who);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": V::TITLE, "version": version },
        "servers": [{ "url": HERE }],
        "tags": tags,
        "paths": paths,
        "components": { "securitySchemes": V::schemes() },
    })
}

impl Endpoint {
    fn is<V: Voice>(&self, row: &Row<V>) -> bool {
        (self.path.as_str(), self.method.as_str()) == (row.path, row.method.as_str())
    }

    fn operation(self, section: &str, schemes: Option<&[&str]>) -> Value {
        let mut operation = json!({
            "operationId": self.id,
            "summary": self.summary,
            "tags": [section],
            "parameters": self.parameters(),
            "responses": self.responses(),
        });
        if self.deprecated {
            operation["deprecated"] = Value::Bool(true);
        }
        if let Some(schemes) = schemes {
            let schemes = schemes.iter().map(|name| json!({ *name: [] }));
            let schemes: Vec<Value> = schemes.collect();
            operation["security"] = schemes.into();
        }
        if let Some(example) = self.body {
            let mut content = Value::Null;
            show(&mut content, "An example", example);
            operation["requestBody"] = json!({ "content": { JSON: content } });
        }
        operation
    }

    fn parameters(&self) -> Vec<Value> {
        let schema = || json!({ "type": "string" });
        let in_path = self.path.split('/').filter_map(|part| {
            let name = part.strip_prefix('{')?.strip_suffix('}')?;
            let name = name.trim_start_matches('*');
            Some(json!({ "name": name, "in": "path", "required": true, "schema": schema() }))
        });
        let in_query = self.query.iter().map(|(name, meaning)| {
            json!({ "name": name, "in": "query", "description": meaning, "schema": schema() })
        });
        in_path.chain(in_query).collect()
    }

    fn responses(&self) -> Value {
        let mut responses = json!({});
        for answer in &self.answers {
            let response = &mut responses[answer.status.to_string()];
            let (done, word) = match answer.status {
                200..300 => ("Done.", "Answers"),
                _ => (REFUSED, "Refuses"),
            };
            response["description"] = done.into();
            let content = &mut response["content"][answer.r#type.as_deref().unwrap_or(JSON)];
            match &answer.body {
                Some(example) => show(content, word, example.clone()),
                None => content["schema"] = json!({}),
            }
        }
        responses["default"] = json!({ "description": REFUSED });
        responses
    }
}

/// Adds an example to those of a body.
fn show(content: &mut Value, what: &str, example: Value) {
    let kind = match example {
        Value::Array(_) => "array",
        _ => "object",
    };
    content["schema"] = json!({ "type": kind });
    let examples = content["examples"].as_object().map_or(0, Map::len);
    let (name, summary) = match examples {
        0 => ("documented".to_owned(), what.to_owned()),
        n => (format!("documented{}", n + 1), format!("{what}, too")),
    };
    content["examples"][name] = json!({ "summary": summary, "value": example });
}

/// The dialect as an OpenAPI document.
pub(super) async fn document<V: Voice>(
    State(state): State<DialectState<V>>,
    Base(base): Base,
) -> Response {
    let headers = [(CONTENT_TYPE, JSON), (CACHE_CONTROL, "no-cache")];
    (headers, state.pages.document.replace(HERE, &base)).into_response()
}

/// The dialect as a page to read.
pub(super) async fn page<V: Voice>(State(state): State<DialectState<V>>, Base(base): Base) -> Html {
    state.pages.manual.with(HERE, &base)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{akg, gateway, hub, manager, suite};
    use super::*;

    fn is_described<V: Voice>() {
        let read: Result<Vec<Section>, _> = serde_json::from_str(V::DOCUMENT);
        assert!(read.is_ok(), "{}: {:?}", V::TITLE, read.err());
        let sections = read.unwrap_or_default();
        let said = sections.iter().flat_map(|section| &section.endpoints);
        let said: Vec<_> = said
            .map(|one| (one.method.as_str(), one.path.as_str()))
            .collect();
        let rows = V::rows();
        let served: BTreeSet<_> = rows
            .iter()
            .map(|row| (row.method.as_str(), row.path))
            .collect();
        assert_eq!(
            said.iter().copied().collect::<BTreeSet<_>>(),
            served,
            "{}",
            V::TITLE
        );
        assert_eq!(said.len(), rows.len(), "{} says something twice", V::TITLE);
        let ids = sections.iter().flat_map(|section| &section.endpoints);
        let ids: BTreeSet<_> = ids.map(|one| &one.id).collect();
        assert_eq!(ids.len(), rows.len(), "{} has an id twice", V::TITLE);
    }

    #[test]
    fn every_endpoint_of_every_dialect_is_described_once() {
        is_described::<gateway::Gateway>();
        is_described::<manager::Manager>();
        is_described::<suite::Suite>();
        is_described::<hub::Hub>();
        is_described::<akg::Akg>();
    }
}
