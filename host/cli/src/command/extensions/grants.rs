//! `warbler extensions grants`, `grant` and `usage`.

use serde_json::{Map, Value};

use crate::client::Client;
use crate::failure::Failure;
use crate::terminal::{Screen, columns, plain};

/// Longest value shown.
const MAX_VALUE: usize = 200;
/// Every setting, in the order it is shown in.
const KEYS: [&str; 8] = [
    "send", "http", "secrets", "history", "memory", "sessions", "rate", "warm",
];
/// Those that are lists.
const LISTS: [&str; 3] = ["http", "secrets", "sessions"];
/// Those that are numbers.
const NUMBERS: [&str; 2] = ["memory", "rate"];

/// Shows what is asked for, granted by whom, and what holds.
pub(super) async fn show(
    client: &Client,
    name: &str,
    json: bool,
    screen: Screen,
) -> Result<(), Failure> {
    let granted = client.get_json(&["extensions", name, "grants"]).await?;
    print(&granted, json, screen)
}

/// Grants what `words` say, beside what was granted before.
pub(super) async fn give(
    client: &Client,
    name: &str,
    words: &[String],
    json: bool,
    screen: Screen,
) -> Result<(), Failure> {
    let path = ["extensions", name, "grants"];
    let before = client.get_json(&path).await?;
    let mut grants = before["runtime"].as_object().cloned().unwrap_or_default();
    for word in words {
        put(&mut grants, word)?;
    }
    client.put(&path, Value::Object(grants)).await?;
    print(&client.get_json(&path).await?, json, screen)
}

/// Shows what the running version has done and used.
pub(super) async fn usage(
    client: &Client,
    name: &str,
    json: bool,
    screen: Screen,
) -> Result<(), Failure> {
    let extension = client.get_json(&["extensions", name]).await?;
    if json {
        return Ok(screen.line(&extension["usage"])?);
    }
    let usage = extension["usage"].as_object().cloned().unwrap_or_default();
    for (key, value) in &usage {
        let value = plain(&value.to_string(), MAX_VALUE);
        screen.line(format!("{}  {value}", screen.faint(format!("{key:<16}"))))?;
    }
    Ok(())
}

fn put(grants: &mut Map<String, Value>, word: &str) -> Result<(), Failure> {
    let Some((key, value)) = word.split_once('=') else {
        return Err(Failure::Usage(format!(
            "`{word}` is not KEY=VALUE, such as send=contacts"
        )));
    };
    let (key, value) = (key.trim(), value.trim());
    if !KEYS.contains(&key) {
        let keys = KEYS.join(", ");
        return Err(Failure::Usage(format!(
            "there is no grant `{key}`; there are {keys}"
        )));
    }
    if value.is_empty() {
        grants.remove(key);
        return Ok(());
    }
    let wrong = |what: &str| Failure::Usage(format!("`{key}` is {what}, not `{value}`"));
    let value = if LISTS.contains(&key) {
        let items = value.split(',').map(str::trim);
        items.filter(|item| !item.is_empty()).collect()
    } else if NUMBERS.contains(&key) {
        let number: u32 = value.parse().map_err(|_| wrong("a whole number"))?;
        Value::from(number)
    } else if key == "warm" {
        Value::from(value.parse::<bool>().map_err(|_| wrong("true or false"))?)
    } else {
        Value::from(value)
    };
    grants.insert(key.to_owned(), value);
    Ok(())
}

fn print(granted: &Value, json: bool, screen: Screen) -> Result<(), Failure> {
    if json {
        return Ok(screen.line(granted)?);
    }
    let shown = |of: &str, key: &str| match &granted[of][key] {
        Value::Null => "-".to_owned(),
        Value::String(text) => plain(text, MAX_VALUE),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => {
            let texts: Vec<_> = items.iter().filter_map(Value::as_str).collect();
            plain(&texts.join(","), MAX_VALUE)
        }
        other => other.to_string(),
    };
    let rows: Vec<Vec<String>> = KEYS
        .iter()
        .map(|key| {
            let cells = ["asked", "config", "runtime", "effective"];
            let cells = cells.iter().map(|of| shown(of, key));
            std::iter::once((*key).to_owned()).chain(cells).collect()
        })
        .collect();
    let heads = ["GRANT", "ASKED", "WARBLER.TOML", "AT RUNTIME", "HOLDS"];
    for line in columns(screen, &heads, &rows) {
        screen.line(line)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_grants_and_nothing_takes_one_back() {
        let mut grants = Map::new();
        for word in [
            "send=any",
            "http=https://a.org, https://b.org",
            "rate=30",
            "warm=true",
        ] {
            assert!(put(&mut grants, word).is_ok(), "{word}");
        }
        assert!(put(&mut grants, "send=").is_ok());
        let expected = serde_json::json!({
            "http": ["https://a.org", "https://b.org"], "rate": 30, "warm": true,
        });
        assert_eq!(Value::Object(grants.clone()), expected);
        for word in ["send", "rights=all", "rate=often", "warm=maybe"] {
            assert!(put(&mut grants, word).is_err(), "{word}");
        }
    }
}
