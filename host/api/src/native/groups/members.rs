//! Who is in a group.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use warbler_app::App;
use warbler_domain::group::MemberChange;
use warbler_domain::{Caller, Recipient, SessionRef};

use super::view::ResultView;
use crate::extract::{Pair, Wire};
use crate::native::{Listing, in_field};
use crate::problem::Problem;

/// What to do with people in a group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ChangeMembers, example = json!({ "change": "add", "people": ["+15550123"] }))]
pub(in crate::native) struct MembersBody {
    /// What to do.
    change: ChangeWord,
    /// With whom: phone numbers or JIDs.
    #[schema(min_items = 1, max_items = 1024)]
    people: Vec<String>,
}

/// What to do with people in a group.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = MemberChange)]
pub(in crate::native) enum ChangeWord {
    Add,
    Remove,
    Promote,
    Demote,
}

impl From<ChangeWord> for MemberChange {
    fn from(word: ChangeWord) -> Self {
        match word {
            ChangeWord::Add => Self::Add,
            ChangeWord::Remove => Self::Remove,
            ChangeWord::Promote => Self::Promote,
            ChangeWord::Demote => Self::Demote,
        }
    }
}

/// The recipients written in a list.
pub(super) fn recipients(texts: &[String], field: &str) -> Result<Vec<Recipient>, Problem> {
    let texts = texts.iter().enumerate();
    texts
        .map(|(index, text)| in_field("bad_recipient", &format!("{field}[{index}]"), text))
        .collect()
}

/// Adds, removes, promotes or demotes people, and says how it went for each.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/groups/{group}/members", operation_id = "changeGroupMembers",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ("group" = String, Path, description = "JID of the group", example = "120363000000000000@g.us"),
    ),
    request_body = MembersBody,
    responses((status = 200, description = "How it went for each.", body = Listing<ResultView>)),
)]
pub(in crate::native) async fn change(
    State(app): State<App>,
    caller: Caller,
    Pair(session, group): Pair<SessionRef, Recipient>,
    Wire(body): Wire<MembersBody>,
) -> Result<Json<Listing<ResultView>>, Problem> {
    let people = recipients(&body.people, "people")?;
    let results = app
        .groups()
        .change_members(&caller, &session, group, body.change.into(), people)
        .await?;
    Ok(Json(Listing::whole(results)))
}
