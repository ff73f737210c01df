//! JSON as a script's value, and back.

use rhai::{Array, Blob, Dynamic, ImmutableString, Map};
use serde_json::{Number, Value};

/// Deepest value that becomes JSON.
const MAX_DEPTH: usize = 64;
/// Longest JSON that a script makes or reads at once, in bytes.
pub(super) const MAX_TEXT: usize = 1024 * 1024;

/// The value of a JSON text; the error goes on from "the text".
pub(super) fn parse(text: &str) -> Result<Dynamic, String> {
    if text.len() > MAX_TEXT {
        return Err(format!("has more than {MAX_TEXT} bytes"));
    }
    serde_json::from_str(text)
        .map(dynamic)
        .map_err(|error| format!("is no JSON: {error}"))
}

/// The JSON text of a value, without spaces.
pub(super) fn text(value: &Dynamic) -> Result<String, String> {
    let text = json(value, MAX_DEPTH)?.to_string();
    if text.len() > MAX_TEXT {
        return Err(format!("JSON of more than {MAX_TEXT} bytes"));
    }
    Ok(text)
}

/// JSON as a script's value; numbers are whole where they can be.
pub(super) fn dynamic(value: Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(value) => value.into(),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.into(),
            None => number.as_f64().unwrap_or(f64::NAN).into(),
        },
        Value::String(text) => text.into(),
        Value::Array(items) => items.into_iter().map(dynamic).collect::<Array>().into(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(key, value)| (key.into(), dynamic(value)))
            .collect::<Map>()
            .into(),
    }
}

fn json(value: &Dynamic, depth: usize) -> Result<Value, String> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(format!("JSON is at most {MAX_DEPTH} deep"));
    };
    if value.is_unit() {
        return Ok(Value::Null);
    }
    if let Ok(flag) = value.as_bool() {
        return Ok(flag.into());
    }
    if let Ok(whole) = value.as_int() {
        return Ok(whole.into());
    }
    if let Ok(number) = value.as_float() {
        let number = Number::from_f64(number);
        return number
            .map(Value::Number)
            .ok_or_else(|| "JSON has no such number".to_owned());
    }
    if let Some(text) = value.clone().try_cast::<ImmutableString>() {
        return Ok(text.as_str().into());
    }
    if let Ok(character) = value.as_char() {
        return Ok(character.to_string().into());
    }
    if let Ok(items) = value.as_array_ref() {
        return items.iter().map(|item| json(item, depth)).collect();
    }
    if let Ok(map) = value.as_map_ref() {
        let fields = map.iter();
        return fields
            .map(|(key, value)| Ok((key.to_string(), json(value, depth)?)))
            .collect::<Result<serde_json::Map<_, _>, String>>()
            .map(Value::Object);
    }
    if value.is::<Blob>() {
        return Err("bytes cannot become JSON".to_owned());
    }
    // Times and the like say what they are.
    match value.type_name() {
        "Fn" => Err("a function cannot become JSON".to_owned()),
        _ => Ok(value.to_string().into()),
    }
}
