//! Which settings there are, and what a misspelt one may have meant.

use toml::{Table, Value};

use super::ConfigError;

/// Tables whose keys the operator chooses, and the settings below each of those.
const FREE: [(&str, &[&str]); 2] = [
    (
        "extensions.grants",
        &["send", "http", "secrets", "history", "memory"],
    ),
    ("extensions.secrets", &[]),
];

/// Refuses what the defaults do not know.
pub(super) fn check(written: &Table, defaults: &Table, place: &str) -> Result<(), ConfigError> {
    let mut known = Vec::new();
    collect(defaults, "", &mut known);
    let mut unknown = Vec::new();
    compare(written, Some(defaults), "", &mut unknown);
    match unknown.into_iter().next() {
        None => Ok(()),
        Some(key) => Err(ConfigError::Unknown {
            place: place.to_owned(),
            nearest: nearest(&key, &known),
            key,
        }),
    }
}

/// The end of a sentence that says what may have been meant.
pub(super) fn suggest(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |known| format!("; did you mean `{known}`?"))
}

fn collect(table: &Table, prefix: &str, known: &mut Vec<String>) {
    for (key, value) in table {
        let path = join(prefix, key);
        if let Value::Table(inner) = value {
            collect(inner, &path, known);
        }
        known.push(path);
    }
}

fn compare(written: &Table, defaults: Option<&Table>, prefix: &str, unknown: &mut Vec<String>) {
    for (key, value) in written {
        let path = join(prefix, key);
        let free = FREE.iter().find(|(table, _)| *table == path);
        match (free, defaults.and_then(|table| table.get(key)), value) {
            (Some((_, allowed)), _, Value::Table(entries)) => {
                for (name, entry) in entries {
                    let keys = entry.as_table().into_iter().flat_map(Table::keys);
                    unknown.extend(
                        keys.filter(|key| !allowed.contains(&key.as_str()))
                            .map(|key| join(&join(&path, name), key)),
                    );
                }
            }
            (_, Some(Value::Table(inner)), Value::Table(written)) => {
                compare(written, Some(inner), &path, unknown);
            }
            (_, Some(_), _) => {}
            (_, None, _) => unknown.push(path),
        }
    }
}

fn join(prefix: &str, key: &str) -> String {
    if prefix.is_empty() {
        key.to_owned()
    } else {
        format!("{prefix}.{key}")
    }
}

/// The known name closest to `key`, if any is close: by its last word first, so that a setting in
/// the wrong section is found too.
fn nearest(key: &str, known: &[String]) -> Option<String> {
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let allowed = last(key).len() / 3 + 1;
    known
        .iter()
        .map(|path| {
            let by_word = distance(&last(key), &last(path));
            (by_word, distance(key, path), path)
        })
        .filter(|(by_word, _, _)| *by_word <= allowed)
        .min()
        .map(|(_, _, path)| path.clone())
}

/// How many letters have to be added, taken away or changed.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (above, y) in row.iter().skip(1).zip(&b) {
            left = (diagonal + usize::from(x != *y))
                .min(left + 1)
                .min(above + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
