//! What the documents of the dialects promise, as data, and whether an answer keeps it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Answer, project_root};

/// The endpoints of one document: what is asked of each, and examples of what it answers, which
/// are those that the host shows.
pub struct Documented {
    asked: Vec<Value>,
    answered: BTreeMap<String, Vec<Example>>,
}

/// A section of what the host says of a dialect.
#[derive(Deserialize)]
struct Section {
    endpoints: Vec<Answered>,
}

#[derive(Deserialize)]
struct Answered {
    id: String,
    answers: Vec<Example>,
}

/// An example of an answer.
#[derive(Deserialize)]
struct Example {
    status: u16,
    r#type: Option<String>,
    body: Option<Value>,
}

/// An endpoint as the document has it.
#[derive(Debug, Clone, Deserialize)]
pub struct Endpoint {
    /// Its id, such as `hub.login`.
    pub id: String,
    /// Its method.
    pub method: String,
    /// Its path.
    pub path: String,
    /// Who may call, in a word of the tests; `public` is everybody.
    pub who: String,
    /// Requests that the document allows, with ids as `$session`, `$campaign` and so on.
    pub asks: Vec<Ask>,
    /// What is refused of whoever may call; nothing where nothing can be wrong with a request but
    /// its credential.
    #[serde(default)]
    pub refusal: Option<Ask>,
}

/// A request.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The path, with its query.
    pub path: String,
    /// The body, if it is JSON.
    #[serde(default)]
    pub body: Option<Value>,
    /// The body, if it is a form.
    #[serde(default)]
    pub form: Option<String>,
    /// Whether the body is a form with a file.
    #[serde(default)]
    pub file: bool,
    /// The status it is refused with.
    #[serde(default)]
    pub status: u16,
}

impl Ask {
    /// The ids it leaves open, such as `session`.
    pub fn names(&self) -> BTreeSet<String> {
        let text = self.text();
        let names = text.split('$').skip(1).map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_lowercase());
            rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
        });
        names.map(str::to_owned).collect()
    }

    /// The same request with these ids in it.
    pub fn filled(&self, ids: &BTreeMap<String, String>) -> Result<Self> {
        let fill = |text: &str| {
            ids.iter().fold(text.to_owned(), |text, (name, id)| {
                text.replace(&format!("${name}"), id)
            })
        };
        let body = self.body.as_ref().map(|body| fill(&body.to_string()));
        let filled = Self {
            path: fill(&self.path),
            body: body.map(|body| serde_json::from_str(&body)).transpose()?,
            form: self.form.as_deref().map(fill),
            ..self.clone()
        };
        let open = filled.names();
        ensure!(open.is_empty(), "{} needs {open:?}", self.path);
        Ok(filled)
    }

    fn text(&self) -> String {
        let body = self.body.as_ref().map(Value::to_string);
        let form = self.form.clone();
        [Some(self.path.clone()), body, form]
            .into_iter()
            .flatten()
            .collect()
    }
}

impl Documented {
    /// The document of a dialect.
    pub fn of(dialect: &str) -> Result<Self> {
        let sections: Vec<Section> = read(&format!("host/api/src/dialect/{dialect}.json"))?;
        let endpoints = sections.into_iter().flat_map(|section| section.endpoints);
        let answered = endpoints.map(|one| (format!("{dialect}.{}", one.id), one.answers));
        let answered: BTreeMap<_, _> = answered.collect();
        let asked: Vec<Value> = read(&format!("tests/data/dialects/{dialect}.json"))?;
        let ids: BTreeSet<_> = asked.iter().filter_map(|row| row["id"].as_str()).collect();
        let unasked = answered.keys().find(|id| !ids.contains(id.as_str()));
        ensure!(unasked.is_none(), "nothing asks {unasked:?}");
        Ok(Self { asked, answered })
    }

    /// Every endpoint.
    pub fn endpoints(&self) -> Result<Vec<Endpoint>> {
        let rows = self.asked.iter().map(|row| {
            let endpoint = Endpoint::deserialize(row);
            endpoint.with_context(|| row["id"].to_string())
        });
        rows.collect()
    }

    /// Whether an answer has the status, the type and the shape of one of the endpoint's examples:
    /// the same keys in the same order, types and nesting. What is null in one of them may be
    /// anything in the other if `nullable` names it.
    pub fn keeps(&self, id: &str, answer: &Answer, nullable: &[&str]) -> Result<()> {
        let documented = self.answered.get(id);
        let documented = documented.with_context(|| format!("{id} is not documented"))?;
        let mut reasons = Vec::new();
        for documented in documented {
            match differs(documented, answer, nullable) {
                None => return Ok(()),
                Some(reason) => reasons.push(reason),
            }
        }
        let body = &answer.body;
        bail!(
            "{id} answered {} {body}: {}",
            answer.status,
            reasons.join("; ")
        )
    }
}

fn read<T: DeserializeOwned>(path: &str) -> Result<T> {
    let path = project_root()?.join(path);
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

fn differs(documented: &Example, answer: &Answer, nullable: &[&str]) -> Option<String> {
    if documented.status != answer.status {
        return Some(format!("the status is to be {}", documented.status));
    }
    let kind = documented.r#type.as_deref().unwrap_or("application/json");
    if !answer.content_type.starts_with(kind) {
        return Some(format!(
            "the type is to be {kind}, not {}",
            answer.content_type
        ));
    }
    let example = documented.body.as_ref()?;
    shape(example, &answer.body, "", nullable).err()
}

fn shape(example: &Value, got: &Value, at: &str, nullable: &[&str]) -> Result<(), String> {
    match (example, got) {
        (Value::Object(example), Value::Object(got)) => {
            let missing = example.keys().find(|key| !got.contains_key(*key));
            let added = got.keys().find(|key| !example.contains_key(*key));
            if let Some(key) = missing.or(added) {
                return Err(format!("the key {at}/{key} is missing or added"));
            }
            if !example.keys().eq(got.keys()) {
                return Err(format!("the keys of {at}/ stand in another order"));
            }
            for (key, example) in example {
                let got = got.get(key).unwrap_or(&Value::Null);
                let may_differ = example.is_null() || got.is_null();
                if !(may_differ && nullable.contains(&key.as_str())) {
                    shape(example, got, &format!("{at}/{key}"), nullable)?;
                }
            }
            Ok(())
        }
        (Value::Array(example), Value::Array(got)) => {
            let Some(example) = example.first() else {
                return Ok(());
            };
            let mut rows = got.iter().enumerate();
            rows.try_for_each(|(index, got)| {
                shape(example, got, &format!("{at}/{index}"), nullable)
            })
        }
        (Value::String(_), Value::String(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::Bool(_), Value::Bool(_))
        | (Value::Null, Value::Null) => Ok(()),
        _ => Err(format!("{at} is to be like {example}, not {got}")),
    }
}
