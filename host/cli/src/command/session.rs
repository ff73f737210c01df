//! `warbler session …`: the sessions of a running host.

mod pair;
mod passkey;

use serde_json::json;

use crate::args::{Session, SessionVerb};
use crate::client::{Client, Items, SessionView};
use crate::config::Environment;
use crate::failure::Failure;
use crate::terminal::{Screen, columns, plain};

/// Asks the host and prints its answer.
pub(super) async fn run(
    args: Session,
    environment: &Environment,
    screen: Screen,
) -> Result<(), Failure> {
    let client = Client::new(&args.reach, environment)?;
    let out = Out {
        client,
        screen,
        json: args.reach.json,
    };
    match args.verb {
        SessionVerb::List => out.list().await,
        SessionVerb::Create { name, engine } => {
            let words = format!("was created; link it with `warbler session pair {name}`");
            let body = match engine {
                Some(engine) => json!({ "name": name, "engine": engine }),
                None => json!({ "name": name }),
            };
            out.did(&["sessions"], Some(body), &words).await
        }
        SessionVerb::Engine { name, engine } => {
            let words = format!("runs on the engine {engine} from now on");
            let body = json!({ "engine": engine });
            out.client
                .put(&["sessions", &name, "engine"], body.clone())
                .await?;
            out.say(body, &format!("Session {name} {words}."))
        }
        SessionVerb::Pair { name, code: None } => pair::by_qr(&out, &name).await,
        SessionVerb::Pair {
            name,
            code: Some(phone),
        } => pair::by_code(&out, &name, &phone).await,
        SessionVerb::Start { name } => out.did(&["sessions", &name, "start"], None, "starts").await,
        SessionVerb::Stop { name } => {
            out.did(&["sessions", &name, "stop"], None, "has stopped")
                .await
        }
        SessionVerb::Logout { name } => {
            out.did(
                &["sessions", &name, "logout"],
                None,
                "is unlinked from its phone",
            )
            .await
        }
        SessionVerb::Delete { name } => {
            out.client.delete(&["sessions", &name]).await?;
            out.say(
                json!({ "deleted": name }),
                &format!("Session {name} is deleted with everything in it."),
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
        if self.json {
            return Ok(self
                .screen
                .line(self.client.get_json(&["sessions"]).await?)?);
        }
        let list: Items<SessionView> = self.client.get(&["sessions"]).await?;
        if list.items.is_empty() {
            self.screen
                .line("No sessions. Make one with `warbler session create shop`.")?;
            return Ok(());
        }
        let rows: Vec<Vec<String>> = list
            .items
            .iter()
            .map(|session| {
                let account = session
                    .account
                    .as_ref()
                    .map_or_else(|| "-".to_owned(), |account| account.shown());
                let reason = session.reason.as_deref().unwrap_or_default();
                vec![
                    session.name.clone(),
                    session.state.clone(),
                    plain(&account, 40),
                    session.id.clone(),
                    plain(reason, 80),
                ]
            })
            .collect();
        for line in columns(
            self.screen,
            &["NAME", "STATE", "ACCOUNT", "ID", "REASON"],
            &rows,
        ) {
            self.screen.line(line)?;
        }
        Ok(())
    }

    /// Does something to a session and tells it in `words`.
    async fn did(
        &self,
        path: &[&str],
        body: Option<serde_json::Value>,
        words: &str,
    ) -> Result<(), Failure> {
        let answer: serde_json::Value = self.client.post(path, body).await?;
        let name = answer
            .get("name")
            .and_then(serde_json::Value::as_str)
            .unwrap_or("-")
            .to_owned();
        self.say(answer, &format!("Session {name} {words}."))
    }

    fn say(&self, data: serde_json::Value, words: &str) -> Result<(), Failure> {
        if self.json {
            self.screen.line(data)?;
        } else {
            self.screen.line(words)?;
        }
        Ok(())
    }
}
