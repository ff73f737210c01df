//! `/v1/sessions/{session}/chats`: conversations, their history, and what the account does there.

pub(super) mod history;
pub(super) mod view;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use warbler_app::App;
use warbler_app::chats::{ChatFilter, DeleteWhere};
use warbler_domain::chat::{ChatChange, ChatState};
use warbler_domain::contact::NamePart;
use warbler_domain::page::{Cursor, PageRequest};
use warbler_domain::{Caller, Recipient, SessionRef, Timestamp, WhatsAppId};

pub(super) use view::ChatView;

use super::{Listing, in_field};
use crate::extract::{Pair, Param, Search, Wire, parsed};
use crate::mount::Route;
use crate::problem::Problem;

/// What every route that asks the network can be refused with.
pub(super) fn asks_network(route: Route) -> Route {
    route
        .refuses(StatusCode::CONFLICT, &["engine_cannot"])
        .refuses(
            StatusCode::NOT_FOUND,
            &["unknown_session", "unknown_to_network"],
        )
        .refuses(StatusCode::FORBIDDEN, &["not_allowed"])
        .refuses(StatusCode::TOO_MANY_REQUESTS, &["network_limit"])
        .refuses(
            StatusCode::SERVICE_UNAVAILABLE,
            &[
                "session_not_connected",
                "network_timeout",
                "network_refused",
            ],
        )
}

/// The routes of this resource.
pub(super) fn routes() -> Vec<Route> {
    const MISSING: StatusCode = StatusCode::NOT_FOUND;
    vec![
        Route::of(__path_list, list)
            .refuses(StatusCode::BAD_REQUEST, &["bad_name_filter"])
            .refuses(MISSING, &["unknown_session"]),
        Route::of(__path_get, get).refuses(MISSING, &["unknown_session", "unknown_chat"]),
        history::documented(Route::of(history::__path_of_chat, history::of_chat)),
        history::documented(Route::of(history::__path_of_session, history::of_session)),
        asks_network(Route::of(__path_mark_read, mark_read))
            .refuses(StatusCode::BAD_REQUEST, &["bad_message_id"])
            .refuses(MISSING, &["unknown_chat", "unknown_target"]),
        asks_network(Route::of(__path_show_state, show_state)),
        asks_network(Route::of(__path_change, change))
            .refuses(StatusCode::BAD_REQUEST, &["no_change"]),
        asks_network(Route::of(__path_delete, delete)).refuses(MISSING, &["unknown_chat"]),
    ]
}

/// Which chats are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Only those put away, or only those not.
    archived: Option<bool>,
    /// Only those with something unread, or only those without.
    unread: Option<bool>,
    /// `person` or `group`.
    #[param(inline)]
    kind: Option<ChatKind>,
    /// Only those with this in the name or the number.
    #[param(example = "ada", max_length = 100)]
    name: Option<String>,
    /// How many at most: 1 to 500, else 50.
    limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// The part of a name in the parameter `name`.
pub(super) fn name_part(text: String) -> Result<NamePart, Problem> {
    in_field("bad_name_filter", "name", &text)
}

/// What kind of chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ChatKind {
    Person,
    Group,
}

/// Lists a session's chats, the one with the newest message first.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/chats", operation_id = "listChats",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ListQuery,
    ),
    responses((status = 200, description = "A page of chats.", body = Listing<ChatView>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
    Search(query): Search<ListQuery>,
) -> Result<Json<Listing<ChatView>>, Problem> {
    let filter = ChatFilter {
        archived: query.archived,
        unread: query.unread,
        groups: query.kind.map(|kind| kind == ChatKind::Group),
        name: query.name.map(name_part).transpose()?,
    };
    let page = PageRequest::new(query.cursor, query.limit);
    let chats = app.chats().list(&caller, &session, filter, page).await?;
    Ok(Json(chats.into()))
}

/// Shows one chat.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/chats/{chat}", operation_id = "getChat",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ("chat" = String, Path, description = "Phone number or JID", example = "+15550123"),
    ),
    responses((status = 200, description = "The chat.", body = ChatView)),
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Pair(session, chat): Pair<SessionRef, Recipient>,
) -> Result<Json<ChatView>, Problem> {
    Ok(Json(app.chats().get(&caller, &session, chat).await?.into()))
}

/// What was read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = MarkRead, example = json!({ "upTo": "3EB0A1B2C3D4E5F60718" }))]
pub(super) struct ReadBody {
    /// The `whatsappId` of the last message that was read; all of the chat when left out.
    up_to: Option<String>,
}

/// Marks a chat's messages as read: all, or up to one. Their authors see it.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/chats/{chat}/read", operation_id = "markChatRead",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ("chat" = String, Path, description = "Phone number or JID", example = "+15550123"),
    ),
    request_body = ReadBody,
    responses((status = 204, description = "They are.")),
)]
pub(super) async fn mark_read(
    State(app): State<App>,
    caller: Caller,
    Pair(session, chat): Pair<SessionRef, Recipient>,
    Wire(body): Wire<ReadBody>,
) -> Result<StatusCode, Problem> {
    let id = body.up_to.as_deref();
    let id: Option<WhatsAppId> = id
        .map(|id| in_field("bad_message_id", "upTo", id))
        .transpose()?;
    app.chats().mark_read(&caller, &session, chat, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the account does in a chat.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ShowState, example = json!({ "state": "composing" }))]
pub(super) struct StateBody {
    /// What it does.
    state: StateWord,
}

/// What the account does in a chat.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ChatStateWord)]
pub(super) enum StateWord {
    Composing,
    Recording,
    Paused,
}

/// Shows in a chat that the account writes or records, or has stopped.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/chats/{chat}/state", operation_id = "showChatState",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ("chat" = String, Path, description = "Phone number or JID", example = "+15550123"),
    ),
    request_body = StateBody,
    responses((status = 204, description = "It is shown.")),
)]
pub(super) async fn show_state(
    State(app): State<App>,
    caller: Caller,
    Pair(session, chat): Pair<SessionRef, Recipient>,
    Wire(body): Wire<StateBody>,
) -> Result<StatusCode, Problem> {
    let state = match body.state {
        StateWord::Composing => ChatState::Composing,
        StateWord::Recording => ChatState::Recording,
        StateWord::Paused => ChatState::Paused,
    };
    app.chats()
        .show_state(&caller, &session, chat, state)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How the account is to keep a chat; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ChangeChat, example = json!({ "archived": true }))]
pub(super) struct ChangeBody {
    /// Put away, or taken out again.
    archived: Option<bool>,
    /// Kept on top, or no longer.
    pinned: Option<bool>,
    /// Quiet for good, or loud again.
    muted: Option<bool>,
    /// Quiet until then.
    #[schema(value_type = Option<String>, format = DateTime)]
    muted_until: Option<Timestamp>,
    /// Marked as unread, or as read without telling the authors.
    unread: Option<bool>,
}

/// The end of the year 9999: as good as for ever.
const FOR_GOOD: Timestamp = Timestamp::from_millis(253_402_300_799_000);

impl ChangeBody {
    fn into_changes(self) -> Vec<ChatChange> {
        let muted = match (self.muted_until, self.muted) {
            (Some(until), _) => Some(Some(until)),
            (None, Some(true)) => Some(Some(FOR_GOOD)),
            (None, Some(false)) => Some(None),
            (None, None) => None,
        };
        let changes = [
            self.archived
                .map(|archived| ChatChange::Archived { archived }),
            self.pinned.map(|pinned| ChatChange::Pinned { pinned }),
            muted.map(|until| ChatChange::Muted { until }),
            self.unread.map(|unread| ChatChange::Read { read: !unread }),
        ];
        changes.into_iter().flatten().collect()
    }
}

/// Archives, pins, mutes or marks a chat, on all devices of the account.
#[utoipa::path(
    patch, path = "/v1/sessions/{session}/chats/{chat}", operation_id = "changeChat",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ("chat" = String, Path, description = "Phone number or JID", example = "+15550123"),
    ),
    request_body = ChangeBody,
    responses((status = 204, description = "It is kept so.")),
)]
pub(super) async fn change(
    State(app): State<App>,
    caller: Caller,
    Pair(session, chat): Pair<SessionRef, Recipient>,
    Wire(body): Wire<ChangeBody>,
) -> Result<StatusCode, Problem> {
    let changes = body.into_changes();
    if changes.is_empty() {
        let detail = "say what to change: `archived`, `pinned`, `muted`, `mutedUntil` or `unread`";
        return Err(Problem::invalid("no_change", detail));
    }
    for one in changes {
        app.chats()
            .change(&caller, &session, chat.clone(), one)
            .await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// What deleting deletes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeleteQuery {
    /// Whether the chat goes from all devices of the account too; else only from this host.
    on_account: Option<bool>,
}

/// Deletes a chat with all its messages.
#[utoipa::path(
    delete, path = "/v1/sessions/{session}/chats/{chat}", operation_id = "deleteChat",
    params(
        ("session" = String, Path, description = "Id or name of the session", example = "shop"),
        ("chat" = String, Path, description = "Phone number or JID", example = "+15550123"),
        DeleteQuery,
    ),
    responses((status = 204, description = "It is gone.")),
)]
pub(super) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Pair(session, chat): Pair<SessionRef, Recipient>,
    Search(query): Search<DeleteQuery>,
) -> Result<StatusCode, Problem> {
    let place = match query.on_account {
        Some(true) => DeleteWhere::Everywhere,
        Some(false) | None => DeleteWhere::Here,
    };
    app.chats().delete(&caller, &session, chat, place).await?;
    Ok(StatusCode::NO_CONTENT)
}
