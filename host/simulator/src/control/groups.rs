//! What people do with groups.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State as Shared};
use serde::Deserialize;
use serde_json::json;

use super::{Answer, App, Refused, bytes_of, done, person};
use crate::hub::Hub;
use crate::person::Person;

#[derive(Deserialize)]
pub(super) struct NewGroup {
    subject: String,
    members: Vec<String>,
}

pub(super) async fn groups(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<NewGroup>,
) -> Answer {
    let owner = person(&hub, &number)?;
    let members = listed(&hub, &body.members)?;
    let members: Vec<&Person> = members.iter().collect();
    let jid = owner.creates_group(&body.subject, &members).await?;
    Ok(Json(json!({ "jid": jid })))
}

fn listed(hub: &Arc<Hub>, numbers: &[String]) -> Result<Vec<Person>, Refused> {
    numbers.iter().map(|number| person(hub, number)).collect()
}

#[derive(Deserialize)]
#[serde(tag = "change", rename_all = "camelCase")]
pub(super) enum Change {
    Add { members: Vec<String> },
    Remove { members: Vec<String> },
    Promote { members: Vec<String> },
    Demote { members: Vec<String> },
    Subject { text: String },
    Description { text: String },
    Announce { on: bool },
    Lock { on: bool },
    Picture { base64: String },
    Leave,
}

pub(super) async fn change(
    Shared(hub): App,
    Path((number, jid)): Path<(String, String)>,
    Json(body): Json<Change>,
) -> Answer {
    let who = person(&hub, &number)?;
    match body {
        Change::Add { members } => {
            let members = listed(&hub, &members)?;
            who.adds(&jid, &members.iter().collect::<Vec<_>>()).await?;
        }
        Change::Remove { members } => {
            let members = listed(&hub, &members)?;
            who.removes(&jid, &members.iter().collect::<Vec<_>>())
                .await?;
        }
        Change::Promote { members } => {
            let members = listed(&hub, &members)?;
            who.promotes(&jid, &members.iter().collect::<Vec<_>>())
                .await?;
        }
        Change::Demote { members } => {
            let members = listed(&hub, &members)?;
            who.demotes(&jid, &members.iter().collect::<Vec<_>>())
                .await?;
        }
        Change::Subject { text } => who.renames_group(&jid, &text).await?,
        Change::Description { text } => who.describes_group(&jid, &text).await?,
        Change::Announce { on } => who.restricts_speaking(&jid, on).await?,
        Change::Lock { on } => who.locks_group(&jid, on).await?,
        Change::Picture { base64 } => who.sets_group_picture(&jid, &bytes_of(&base64)?).await?,
        Change::Leave => who.leaves(&jid).await?,
    }
    done()
}

pub(super) async fn invite(
    Shared(hub): App,
    Path((number, jid)): Path<(String, String)>,
) -> Answer {
    let code = person(&hub, &number)?.invite_code(&jid).await?;
    Ok(Json(json!({ "code": code })))
}

#[derive(Deserialize)]
pub(super) struct Join {
    code: String,
}

pub(super) async fn join(
    Shared(hub): App,
    Path(number): Path<String>,
    Json(body): Json<Join>,
) -> Answer {
    person(&hub, &number)?.joins(&body.code).await?;
    done()
}
