//! `warbler user …`: the users of a running host.

mod password;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::{User, UserVerb};
use crate::client::Client;
use crate::config::Environment;
use crate::failure::Failure;
use crate::terminal::{Screen, columns, plain};

/// Longest name shown.
const MAX_NAME: usize = 64;

/// A user, as far as it is shown.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserView {
    id: String,
    name: String,
    email: Option<String>,
    role: String,
    disabled: bool,
    created_at: String,
}

/// A page of users.
#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<UserView>,
    next: Option<String>,
}

/// Asks the host and prints its answer.
pub(super) async fn run(
    args: User,
    environment: &Environment,
    screen: Screen,
) -> Result<(), Failure> {
    let out = Out {
        client: Client::new(&args.reach, environment)?,
        screen,
        json: args.reach.json,
    };
    match args.verb {
        UserVerb::List => out.list().await,
        UserVerb::Add { name, email, admin } => {
            let password = password::ask(&format!("Password of {name}"))?;
            let role = if admin { "admin" } else { "user" };
            let mut body = json!({ "name": name, "role": role, "password": password.expose() });
            if let (Some(email), Some(body)) = (email, body.as_object_mut()) {
                body.insert("email".to_owned(), email.into());
            }
            let user = out.client.post(&["users"], Some(body)).await?;
            out.say(user, &format!("User {name} is made."))
        }
        UserVerb::Password { name } => {
            let password = password::ask(&format!("New password of {name}"))?;
            let body = json!({ "new": password.expose() });
            let path = ["users", name.as_str(), "password"];
            out.client.put(&path, body).await?;
            let words = format!("User {name} has another password; all its logins have ended.");
            out.say(json!({ "changed": name }), &words)
        }
        UserVerb::Disable { name } => out.disable(&name, true, "is refused from now on").await,
        UserVerb::Enable { name } => out.disable(&name, false, "may log in again").await,
        UserVerb::Delete { name, sessions_to } => {
            let query: Vec<_> = sessions_to
                .iter()
                .map(|heir| ("sessionsTo", heir))
                .collect();
            let path = ["users", name.as_str()];
            out.client.delete_with(&path, &query).await?;
            out.say(
                json!({ "deleted": name }),
                &format!("User {name} is deleted."),
            )
        }
    }
}

/// Where a command asks and tells.
struct Out {
    client: Client,
    screen: Screen,
    json: bool,
}

impl Out {
    async fn list(&self) -> Result<(), Failure> {
        let mut users: Vec<UserView> = Vec::new();
        let mut shown: Vec<Value> = Vec::new();
        let mut query = vec![("limit", "500".to_owned())];
        loop {
            let answer: Value = self.client.get_with(&["users"], &query).await?;
            let unreadable = |_| Failure::failed("the host's answer holds no users");
            if let Some(items) = answer.get("items").and_then(Value::as_array) {
                shown.extend(items.iter().cloned());
            }
            let page: Page = serde_json::from_value(answer).map_err(unreadable)?;
            users.extend(page.items);
            match page.next {
                Some(next) => {
                    query.truncate(1);
                    query.push(("cursor", next));
                }
                None => break,
            }
        }
        if self.json {
            return Ok(self.screen.line(json!({ "items": shown, "next": null }))?);
        }
        if users.is_empty() {
            let words = "No users. Make one with `warbler user add ada`.";
            return Ok(self.screen.line(words)?);
        }
        let rows: Vec<Vec<String>> = users.iter().map(row).collect();
        let headings = ["NAME", "ROLE", "E-MAIL", "STATE", "SINCE", "ID"];
        for line in columns(self.screen, &headings, &rows) {
            self.screen.line(line)?;
        }
        Ok(())
    }

    async fn disable(&self, name: &str, disabled: bool, words: &str) -> Result<(), Failure> {
        let body = json!({ "disabled": disabled });
        let user = self.client.patch(&["users", name], body).await?;
        self.say(user, &format!("User {name} {words}."))
    }

    fn say(&self, data: Value, words: &str) -> Result<(), Failure> {
        if self.json {
            self.screen.line(data)?;
        } else {
            self.screen.line(words)?;
        }
        Ok(())
    }
}

fn row(user: &UserView) -> Vec<String> {
    let state = if user.disabled { "disabled" } else { "active" };
    let email = user.email.as_deref().unwrap_or("-");
    vec![
        plain(&user.name, MAX_NAME),
        user.role.clone(),
        plain(email, MAX_NAME),
        state.to_owned(),
        user.created_at.clone(),
        user.id.clone(),
    ]
}
