//! `warbler campaign …`: the campaigns of a running host.

mod watch;

use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::{Campaign, CampaignVerb};
use crate::client::{Client, Items};
use crate::config::Environment;
use crate::failure::Failure;
use crate::terminal::{Screen, columns, plain};

/// Asks the host and prints its answer.
pub(super) async fn run(
    args: Campaign,
    environment: &Environment,
    screen: Screen,
) -> Result<(), Failure> {
    let client = Client::new(&args.reach, environment)?;
    let json = args.reach.json;
    let out = Out {
        client,
        screen,
        json,
    };
    match args.verb {
        CampaignVerb::List => out.list().await,
        CampaignVerb::Create(new) => {
            let mut rules = json!({});
            if let Some(delay) = new.delay {
                rules = json!({ "delayMillis": delay });
            }
            let mut body = json!({
                "name": new.name.unwrap_or_else(|| name_of(&new.file)),
                "sessions": new.sessions,
                "message": { "text": new.text },
                "rules": rules,
                "skipBad": new.skip_bad,
            });
            if let Some(template) = new.template {
                body["template"] = json!(template);
            }
            if new.number_column.is_some() || new.name_column.is_some() {
                body["columns"] = json!({ "number": new.number_column, "name": new.name_column });
            }
            out.create(&new.file, &body).await
        }
        CampaignVerb::Start { id } => out.step(&id, "start").await,
        CampaignVerb::Pause { id } => out.step(&id, "pause").await,
        CampaignVerb::Resume { id } => out.step(&id, "resume").await,
        CampaignVerb::Watch { id } => watch::run(&out, &id).await,
    }
}

/// What a campaign is called after its file.
fn name_of(file: &Path) -> String {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy());
    stem.map_or_else(|| "Campaign".to_owned(), |stem| stem.into_owned())
}

/// Where a command asks and tells.
struct Out {
    client: Client,
    screen: Screen,
    json: bool,
}

/// The parts of a campaign that are shown.
#[derive(Debug, Clone, Deserialize)]
struct CampaignView {
    id: String,
    name: String,
    state: String,
    #[serde(default)]
    reason: Option<String>,
    counts: Counts,
}

/// How many recipients are how far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Counts {
    total: u64,
    planned: u64,
    queued: u64,
    delivered: u64,
    read: u64,
    failed: u64,
    invalid: u64,
    suppressed: u64,
    reached: u64,
}

impl Out {
    async fn list(&self) -> Result<(), Failure> {
        if self.json {
            let all = self.client.get_json(&["campaigns"]).await?;
            return Ok(self.screen.line(all)?);
        }
        let list: Items<CampaignView> = self.client.get(&["campaigns"]).await?;
        if list.items.is_empty() {
            let words = "No campaigns. Make one with `warbler campaign create people.csv --session shop --text \"Hi {{Name}}\"`.";
            return Ok(self.screen.line(words)?);
        }
        let rows: Vec<Vec<String>> = list
            .items
            .iter()
            .map(|one| {
                let counts = one.counts;
                vec![
                    plain(&one.name, 40),
                    one.state.clone(),
                    format!("{}/{}", counts.reached, counts.total),
                    counts.failed.to_string(),
                    one.id.clone(),
                ]
            })
            .collect();
        let headings = ["NAME", "STATE", "REACHED", "FAILED", "ID"];
        for line in columns(self.screen, &headings, &rows) {
            self.screen.line(line)?;
        }
        Ok(())
    }

    async fn create(&self, file: &Path, body: &Value) -> Result<(), Failure> {
        let bytes = std::fs::read(file)
            .map_err(|err| Failure::Usage(format!("{} cannot be read: {err}", file.display())))?;
        let made: Value = self
            .client
            .post_form(&["campaigns"], "campaign", body, "people.csv", bytes)
            .await?;
        let view = read(&made)?;
        let words = format!(
            "Campaign {} is a draft for {} recipients: {}. Start it with `warbler campaign start {}`.",
            plain(&view.name, 60),
            view.counts.total,
            view.id,
            view.id
        );
        self.say(made, &words)
    }

    async fn step(&self, id: &str, step: &str) -> Result<(), Failure> {
        let answer: Value = self.client.post(&["campaigns", id, step], None).await?;
        let view = read(&answer)?;
        let words = format!("Campaign {} is {}.", plain(&view.name, 60), view.state);
        self.say(answer, &words)
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

fn read(answer: &Value) -> Result<CampaignView, Failure> {
    CampaignView::deserialize(answer).map_err(|err| {
        Failure::failed(format!(
            "the host's answer could not be read: {err}; is it another version?"
        ))
    })
}
