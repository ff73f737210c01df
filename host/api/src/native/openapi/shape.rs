//! What the generator leaves undone in the document.

use serde_json::Value;
use warbler_domain::page::Cursor;

/// Says of every optional field that it is left out, where the generator says it may be null:
/// only a field that is required and has no value is null in this API.
pub(super) fn absent_not_null(schema: &mut Value) {
    match schema {
        Value::Object(keys) => {
            let required = keys
                .get("required")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            if let Some(Value::Object(fields)) = keys.get_mut("properties") {
                for (name, field) in fields {
                    if !required.iter().any(|needed| needed == name) {
                        drop_null(field);
                    }
                }
            }
            keys.values_mut().for_each(absent_not_null);
        }
        Value::Array(parts) => parts.iter_mut().for_each(absent_not_null),
        _ => {}
    }
}

fn drop_null(field: &mut Value) {
    if let Some(Value::Array(types)) = field.get_mut("type") {
        types.retain(|word| word != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            field
                .as_object_mut()
                .map(|field| field.insert("type".to_owned(), one));
        }
    }
    if let Some(Value::Array(parts)) = field.get_mut("oneOf") {
        parts.retain(|part| part.get("type").is_none_or(|word| word != "null"));
        if let [one] = parts.as_slice() {
            *field = one.clone();
        }
    }
}

/// Gives every parameter an example where one follows from what it is.
pub(super) fn give_examples(document: &mut Value) {
    let schemas = document.pointer("/components/schemas").cloned();
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    let items = paths
        .into_iter()
        .flatten()
        .filter_map(|(_, item)| item.as_object_mut());
    let operations = items.flat_map(|item| item.values_mut());
    let parameters = operations
        .filter_map(|operation| {
            operation
                .get_mut("parameters")
                .and_then(Value::as_array_mut)
        })
        .flatten();
    for parameter in parameters {
        let bare = [
            "/example",
            "/examples",
            "/schema/example",
            "/schema/examples",
        ]
        .iter()
        .all(|place| parameter.pointer(place).is_none());
        if bare && let Some(example) = example_of(parameter, schemas.as_ref()) {
            parameter
                .as_object_mut()
                .map(|fields| fields.insert("example".to_owned(), example));
        }
    }
}

/// An example of a parameter that has none of its own.
fn example_of(parameter: &Value, schemas: Option<&Value>) -> Option<Value> {
    match parameter.get("name").and_then(Value::as_str) {
        Some("limit") => return Some(50.into()),
        Some("cursor") => return Some(Cursor(1).to_string().into()),
        _ => {}
    }
    let schema = parameter.get("schema")?;
    let parts = schema
        .get("oneOf")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    std::iter::once(schema).chain(parts).find_map(|schema| {
        let name = schema.get("$ref").and_then(Value::as_str);
        let name = name.and_then(|name| name.strip_prefix("#/components/schemas/"));
        let schema = name.and_then(|name| schemas?.get(name)).unwrap_or(schema);
        let words = schema.get("enum").and_then(Value::as_array);
        let is_switch = schema
            .get("type")
            .is_some_and(|word| word.to_string().contains("boolean"));
        words
            .and_then(|words| words.first().cloned())
            .or(is_switch.then_some(Value::Bool(true)))
    })
}
