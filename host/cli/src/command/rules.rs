//! `warbler rules …`: the rules of a running host, and why one would (not) be used.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::{Rules, RulesVerb};
use crate::client::Client;
use crate::config::Environment;
use crate::failure::Failure;
use crate::terminal::{Screen, columns, plain};

/// Longest text of a line that is shown.
const MAX_LINE: usize = 300;
/// Rules on one page.
const PAGE: &str = "500";

/// A page of rules, or of chats.
#[derive(Deserialize)]
struct Page {
    items: Vec<Value>,
    next: Option<String>,
}

/// What would be done with a message.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Trial {
    used: Vec<String>,
    actions: Vec<Value>,
    error: Option<String>,
    answers: Option<String>,
    paused_until: Option<String>,
    rules: Vec<Verdict>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Verdict {
    name: String,
    why_not: Option<String>,
}

/// Asks the host and prints its answer.
pub(super) async fn run(
    args: Rules,
    environment: &Environment,
    screen: Screen,
) -> Result<(), Failure> {
    let client = Client::new(&args.reach, environment)?;
    let as_json = args.reach.json;
    match args.verb {
        RulesVerb::List { session } => {
            let rules = all(&client, session.as_deref()).await?;
            if as_json {
                return Ok(screen.line(json!({ "items": rules }))?);
            }
            show(&rules, screen)
        }
        RulesVerb::Test {
            text,
            session,
            kind,
            from,
            name,
            chat,
            at,
        } => {
            let mut body = json!({ "session": session, "kind": kind });
            let said = [
                ("text", text),
                ("from", from),
                ("name", name),
                ("chat", chat),
                ("at", at),
            ];
            if let Some(fields) = body.as_object_mut() {
                for (field, value) in said {
                    fields.extend(value.map(|value| (field.to_owned(), Value::String(value))));
                }
            }
            let answer: Value = client.post(&["rules", "test"], Some(body)).await?;
            if as_json {
                return Ok(screen.line(answer)?);
            }
            let trial = serde_json::from_value(answer).map_err(|err| {
                Failure::failed(format!("the host's answer cannot be read: {err}"))
            })?;
            show_trial(&trial, screen)
        }
        RulesVerb::Handovers { session } => {
            let path = ["sessions", &session, "handovers"];
            if as_json {
                return Ok(screen.line(client.get_json(&path).await?)?);
            }
            show_handovers(&client.get(&path).await?, screen)
        }
        RulesVerb::Resume { chat, session } => {
            client
                .delete(&["sessions", &session, "handovers", &chat])
                .await?;
            let done = json!({ "chat": chat, "resumed": true });
            let words = format!("Rules answer {} again.", plain(&chat, MAX_LINE));
            if as_json {
                screen.line(done)?;
            } else {
                screen.line(words)?;
            }
            Ok(())
        }
        RulesVerb::Enable { id } => switch(&client, &id, true, as_json, screen).await,
        RulesVerb::Disable { id } => switch(&client, &id, false, as_json, screen).await,
    }
}

async fn all(client: &Client, session: Option<&str>) -> Result<Vec<Value>, Failure> {
    let mut rules = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut query = vec![("limit", PAGE)];
        query.extend(session.map(|session| ("session", session)));
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let mut page: Page = client.get_with(&["rules"], &query).await?;
        rules.append(&mut page.items);
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(rules),
        }
    }
}

async fn switch(
    client: &Client,
    id: &str,
    enabled: bool,
    as_json: bool,
    screen: Screen,
) -> Result<(), Failure> {
    let body = json!({ "enabled": enabled });
    let rule: Value = client.patch(&["rules", id], body).await?;
    if as_json {
        return Ok(screen.line(rule)?);
    }
    let name = plain(text(&rule, "name"), MAX_LINE);
    let state = if enabled { "on" } else { "off" };
    Ok(screen.line(format!("Rule \"{name}\" is {state}."))?)
}

fn show_handovers(list: &Page, screen: Screen) -> Result<(), Failure> {
    if list.items.is_empty() {
        return Ok(screen.line("No chat is left to a human.")?);
    }
    let fields = ["chat", "until", "extension"];
    let rows: Vec<Vec<String>> = list
        .items
        .iter()
        .map(|one| fields.map(|field| text(one, field).to_owned()).to_vec())
        .collect();
    for line in columns(screen, &["CHAT", "UNTIL", "RULES OF"], &rows) {
        screen.line(line)?;
    }
    Ok(())
}

/// What became of a rule, in a line.
pub(super) fn verdict(screen: Screen, name: &str, why_not: Option<&str>) -> String {
    let name = plain(name, MAX_LINE);
    match why_not {
        None => format!("✓ {name}"),
        Some(why) => screen.faint(format!("· {name}: {}", plain(why, MAX_LINE))),
    }
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn show(rules: &[Value], screen: Screen) -> Result<(), Failure> {
    if rules.is_empty() {
        screen.line("No rules. `POST /v1/rules` makes one; host/docs/rules.md tells how.")?;
        return Ok(());
    }
    let rows: Vec<Vec<String>> = rules
        .iter()
        .map(|rule| {
            let off = rule.get("enabled") == Some(&Value::Bool(false));
            let session = match text(rule, "session") {
                "" => "all",
                session => session,
            };
            vec![
                rule.get("order").map(Value::to_string).unwrap_or_default(),
                plain(text(rule, "name"), MAX_LINE),
                if off { "off" } else { "on" }.to_owned(),
                session.to_owned(),
                text(rule, "id").to_owned(),
            ]
        })
        .collect();
    for line in columns(screen, &["ORDER", "NAME", "STATE", "SESSION", "ID"], &rows) {
        screen.line(line)?;
    }
    Ok(())
}

fn show_trial(trial: &Trial, screen: Screen) -> Result<(), Failure> {
    if let Some(until) = &trial.paused_until {
        screen.line(format!("The chat is left to a human until {until}."))?;
    }
    if let Some(rule) = &trial.answers {
        let rule = plain(rule, MAX_LINE);
        screen.line(format!(
            "The message answers the question of rule \"{rule}\"."
        ))?;
    } else if trial.used.is_empty() {
        screen.line("No rule is used.")?;
    }
    for rule in &trial.rules {
        screen.line(verdict(screen, &rule.name, rule.why_not.as_deref()))?;
    }
    for action in &trial.actions {
        let shown = plain(&action.to_string(), MAX_LINE);
        screen.line(format!("  → {shown}"))?;
    }
    if let Some(error) = &trial.error {
        screen.line(screen.bad(plain(error, MAX_LINE)))?;
    }
    Ok(())
}
