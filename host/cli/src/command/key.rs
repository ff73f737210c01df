//! `warbler key …`: the API keys of a running host.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::{Key, KeyVerb};
use crate::client::{Client, Items};
use crate::config::Environment;
use crate::failure::Failure;
use crate::terminal::{Screen, columns, plain};

/// Longest name shown.
const MAX_NAME: usize = 40;

/// A key, as far as it is shown.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyView {
    id: String,
    name: String,
    prefix: String,
    scopes: Vec<String>,
    sessions: Option<Vec<String>>,
    expires_at: Option<String>,
    last_used_at: Option<String>,
}

/// Asks the host and prints its answer.
pub(super) async fn run(
    args: Key,
    environment: &Environment,
    screen: Screen,
) -> Result<(), Failure> {
    let client = Client::new(&args.reach, environment)?;
    let json = args.reach.json;
    match args.verb {
        KeyVerb::List if json => Ok(screen.line(client.get_json(&["keys"]).await?)?),
        KeyVerb::List => {
            let list: Items<KeyView> = client.get(&["keys"]).await?;
            show(&list.items, screen)
        }
        KeyVerb::Create {
            name,
            scopes,
            sessions,
            owner,
            dialect,
            expires,
        } => {
            let mut body = json!({ "name": name, "scopes": scopes, "sessions": sessions });
            if let (Some(owner), Some(body)) = (owner, body.as_object_mut()) {
                body.insert("owner".to_owned(), owner.into());
            }
            if let (Some(dialect), Some(body)) = (dialect, body.as_object_mut()) {
                body.insert("dialect".to_owned(), dialect.into());
            }
            if let (Some(expires), Some(body)) = (expires, body.as_object_mut()) {
                body.insert("expiresAt".to_owned(), expires.into());
            }
            created(client.post(&["keys"], Some(body)).await?, json, screen)
        }
        KeyVerb::Revoke { id } => {
            client.delete(&["keys", &id]).await?;
            if json {
                screen.line(json!({ "revoked": id }))?;
            } else {
                screen.line(format!("Key {id} is refused from now on."))?;
            }
            Ok(())
        }
    }
}

fn created(answer: Value, json: bool, screen: Screen) -> Result<(), Failure> {
    if json {
        return Ok(screen.line(answer)?);
    }
    let secret = answer.get("secret").and_then(Value::as_str);
    let secret = secret.ok_or_else(|| Failure::failed("the host's answer holds no key"))?;
    screen.line(secret)?;
    if screen.is_terminal() {
        screen.line(screen.faint("Keep it: it is not shown again."))?;
    }
    Ok(())
}

fn show(keys: &[KeyView], screen: Screen) -> Result<(), Failure> {
    if keys.is_empty() {
        screen.line("No keys. Make one with `warbler key create n8n`.")?;
        return Ok(());
    }
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let rows: Vec<Vec<String>> = keys
        .iter()
        .map(|key| {
            let sessions = key.sessions.as_ref();
            vec![
                plain(&key.name, MAX_NAME),
                format!("{}…", key.prefix),
                key.scopes.last().cloned().unwrap_or_default(),
                sessions.map_or_else(|| "all".to_owned(), |sessions| sessions.len().to_string()),
                or_dash(&key.last_used_at),
                or_dash(&key.expires_at),
                key.id.clone(),
            ]
        })
        .collect();
    let headings = [
        "NAME",
        "KEY",
        "SCOPE",
        "SESSIONS",
        "LAST USED",
        "EXPIRES",
        "ID",
    ];
    for line in columns(screen, &headings, &rows) {
        screen.line(line)?;
    }
    Ok(())
}
