//! The history of a chat and of a session, with filters and words to look for.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use warbler_app::App;
use warbler_domain::history::{HistoryFilter, Kinds};
use warbler_domain::page::{Cursor, PageRequest};
use warbler_domain::{Caller, Content, Direction, Jid, Recipient, SessionRef, Timestamp};

use super::view::ShownView;
use crate::extract::{Pair, Param, Search, parsed};
use crate::mount::Route;
use crate::native::{Listing, in_field};
use crate::problem::Problem;

/// Documents what both routes refuse with.
pub(super) fn documented(route: Route) -> Route {
    route
        .refuses(
            StatusCode::BAD_REQUEST,
            &["bad_recipient", "bad_type", "bad_time", "bad_search"],
        )
        .refuses(StatusCode::NOT_FOUND, &["unknown_session"])
}

/// Which messages are wanted. What is left out does not matter.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::native) struct HistoryQuery {
    /// Only of these types, separated by commas. Without it all but reactions, votes, edits and
    /// revocations, which are shown with the message they are about.
    #[param(example = "image,video")]
    r#type: Option<String>,
    /// Only by this author: a phone number or a JID.
    #[param(example = "+15550123")]
    from: Option<String>,
    /// Only received ones, or only the account's own.
    #[param(inline)]
    direction: Option<DirectionWord>,
    /// Only written then or later (RFC 3339).
    #[param(example = "2026-05-04T00:00:00Z")]
    since: Option<String>,
    /// Only written then or earlier (RFC 3339).
    #[param(example = "2026-05-05T00:00:00Z")]
    until: Option<String>,
    /// Only with a picture, film, sound, document or sticker.
    media: Option<bool>,
    /// Only with all of these words, whatever their case and accents. A word of three letters or
    /// more also finds those that begin with it, unless it is a very common one.
    #[param(example = "opening hours", max_length = 256)]
    text: Option<String>,
    /// Only of this chat: a phone number or a JID. For the history of a session.
    #[param(example = "+15550123")]
    chat: Option<String>,
    /// How many at most: 1 to 500, else 50. A page can be shorter and still have a `next`.
    limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// Which way a message goes.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::native) enum DirectionWord {
    Inbound,
    Outbound,
}

impl HistoryQuery {
    fn page(&self) -> PageRequest {
        PageRequest::new(self.cursor, self.limit)
    }

    fn into_filter(self) -> Result<HistoryFilter, Problem> {
        let address = |text: Option<String>, field: &str| -> Result<Option<Jid>, Problem> {
            let parsed = text.map(|text| in_field::<Recipient>("bad_recipient", field, &text));
            Ok(parsed.transpose()?.map(Recipient::into_jid))
        };
        Ok(HistoryFilter {
            chat: address(self.chat, "chat")?,
            from: address(self.from, "from")?,
            with: None,
            direction: self.direction.map(|direction| match direction {
                DirectionWord::Inbound => Direction::Inbound,
                DirectionWord::Outbound => Direction::Outbound,
            }),
            kinds: self.r#type.as_deref().map_or(Ok(Kinds::Standing), kinds)?,
            since: time(self.since, "since")?,
            until: time(self.until, "until")?,
            with_media: self.media.unwrap_or(false),
            text: self
                .text
                .map(|text| in_field("bad_search", "text", &text))
                .transpose()?,
        })
    }
}

fn kinds(list: &str) -> Result<Kinds, Problem> {
    let words = list
        .split(',')
        .map(str::trim)
        .take(Content::WORDS.len() + 2);
    let known = words.map(|word| {
        if Content::WORDS.contains(&word) || word == "unsupported" {
            return Ok(word.to_owned());
        }
        let known = Content::WORDS.join(", ");
        let detail = format!("type: there is no such type of message; there are {known}");
        Err(Problem::invalid("bad_type", detail).in_field("type"))
    });
    Ok(Kinds::Only(known.collect::<Result<_, _>>()?))
}

fn time(text: Option<String>, field: &str) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = text else {
        return Ok(None);
    };
    let read = serde_json::from_value(serde_json::Value::String(text));
    read.map(Some).map_err(|_| {
        let detail = format!("{field}: not a time; one looks like 2026-05-04T09:30:00Z");
        Problem::invalid("bad_time", detail).in_field(field)
    })
}

/// Lists a chat's messages as they stand now, newest first, or searches them.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/chats/{chat}/messages", operation_id = "getChatHistory",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ("chat" = String, Path, description = "Phone number or JID", example = "+15550123"),
        HistoryQuery,
    ),
    responses((status = 200, description = "A page of messages.", body = Listing<ShownView>)),
)]
pub(in crate::native) async fn of_chat(
    State(app): State<App>,
    caller: Caller,
    Pair(session, chat): Pair<SessionRef, Recipient>,
    Search(query): Search<HistoryQuery>,
) -> Result<Json<Listing<ShownView>>, Problem> {
    let page = query.page();
    let filter = HistoryFilter {
        chat: Some(chat.into_jid()),
        ..query.into_filter()?
    };
    let found = app.chats().history(&caller, &session, filter, page).await?;
    Ok(Json(found.into()))
}

/// Lists a session's messages as they stand now, newest first, or searches them.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/history", operation_id = "getHistory",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        HistoryQuery,
    ),
    responses((status = 200, description = "A page of messages.", body = Listing<ShownView>)),
)]
pub(in crate::native) async fn of_session(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
    Search(query): Search<HistoryQuery>,
) -> Result<Json<Listing<ShownView>>, Problem> {
    let page = query.page();
    let filter = query.into_filter()?;
    let found = app.chats().history(&caller, &session, filter, page).await?;
    Ok(Json(found.into()))
}
