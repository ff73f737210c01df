//! Places inside a JSON value: `message.sender`, `items.0.id`.

use serde_json::{Map, Value};

/// What stands at `path`; nothing when there is none, or null.
pub(crate) fn get<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    let found = path.split('.').try_fold(value, |value, step| match value {
        Value::Object(members) => members.get(step),
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => None,
    });
    found.filter(|value| !value.is_null())
}

/// Puts `value` at `path`, with objects on the way there; what is in the way is replaced.
pub(crate) fn put(into: &mut Value, path: &str, value: Value) {
    let mut place = into;
    for step in path.split('.') {
        if let (Value::Array(items), Ok(index)) = (&*place, step.parse::<usize>())
            && index < items.len()
        {
            place = &mut place[index];
            continue;
        }
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        place = &mut place[step];
    }
    *place = value;
}

/// Takes what stands at `path` away, and returns it.
pub(crate) fn take(from: &mut Value, path: &str) -> Option<Value> {
    let (parent, last) = match path.rsplit_once('.') {
        Some((parent, last)) => (get_mut(from, parent)?, last),
        None => (from, path),
    };
    match parent {
        Value::Object(members) => members.remove(last),
        Value::Array(items) => {
            let index = last
                .parse::<usize>()
                .ok()
                .filter(|index| *index < items.len());
            index.map(|index| items.remove(index))
        }
        _ => None,
    }
}

fn get_mut<'v>(value: &'v mut Value, path: &str) -> Option<&'v mut Value> {
    path.split('.').try_fold(value, |value, step| match value {
        Value::Object(members) => members.get_mut(step),
        Value::Array(items) => items.get_mut(step.parse::<usize>().ok()?),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn places_are_found_made_and_emptied() {
        let mut value = json!({"a": {"b": [1, {"c": 2}]}, "n": null});
        assert_eq!(get(&value, "a.b.1.c"), Some(&json!(2)));
        assert_eq!(get(&value, "a.b.7"), None);
        assert_eq!(get(&value, "n"), None);
        put(&mut value, "a.b.0", json!("x"));
        put(&mut value, "n.m.o", json!(true));
        assert_eq!(take(&mut value, "a.b.1.c"), Some(json!(2)));
        assert_eq!(take(&mut value, "nowhere.at.all"), None);
        assert_eq!(
            value,
            json!({"a": {"b": ["x", {}]}, "n": {"m": {"o": true}}})
        );
    }
}
