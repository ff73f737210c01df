//! `/v1/rules`: answers that need no program.

mod handovers;
mod test;
mod view;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::header::LOCATION;
use http::{HeaderName, StatusCode};
use serde::{Deserialize, Deserializer};
use utoipa::{IntoParams, ToSchema};
use warbler_app::App;
use warbler_app::rules::{CreateRule, RuleError, UpdateRule};
use warbler_domain::page::{Cursor, PageRequest};
use warbler_domain::rule::{Condition, RuleAction, RuleName, RuleParts, Span};
use warbler_domain::{Caller, Rule, RuleId, RuleSpec, SessionRef};

pub(crate) use handovers::HandedOverView;
pub(crate) use test::{TestBody, TestView};
pub(crate) use view::RuleView;

use super::{Listing, in_field};
use crate::extract::{Param, Search, Wire, parsed};
use crate::idempotent::{Named, Once, Turn};
use crate::mount::Route;
use crate::problem::Problem;

const BAD: StatusCode = StatusCode::BAD_REQUEST;
/// What may stand against storing a rule.
const TAKEN: [&str; 3] = ["rule_name_taken", "too_many_rules", "too_many_patterns"];

/// The routes of this resource.
pub(super) fn routes() -> Vec<Route> {
    let one = |route: Route| route.refuses(StatusCode::NOT_FOUND, &["unknown_rule"]);
    let mut routes = vec![
        Route::of(__path_create, create)
            .done_once()
            .refuses(BAD, &["bad_rule", "bad_session_name", "session_required"])
            .refuses(StatusCode::NOT_FOUND, &["unknown_session"])
            .refuses(StatusCode::CONFLICT, &TAKEN),
        Route::of(__path_list, list).refuses(StatusCode::NOT_FOUND, &["unknown_session"]),
        one(Route::of(__path_get, get)),
        one(Route::of(__path_update, update))
            .refuses(BAD, &["bad_rule"])
            .refuses(StatusCode::CONFLICT, &TAKEN),
        one(Route::of(__path_delete, delete)),
        one(Route::of(__path_reorder, reorder)).refuses(BAD, &["bad_rule_order"]),
    ];
    routes.extend(test::routes());
    routes.extend(handovers::routes());
    routes
}

/// What a rule says.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CreateRule, example = json!({
    "name": "prices",
    "session": "shop",
    "when": [
        { "containsAny": ["price", "cost"] },
        "direct",
        { "between": { "from": "09:00", "to": "18:00", "zone": "Europe/Berlin", "days": "mon-fri" } },
    ],
    "then": [{ "reply": ["Our prices start at $10, {{ first_name.or(\"friend\") }}.", "From $10 on."] }],
    "cooldown": "10m",
}))]
pub(crate) struct CreateBody {
    /// What people call it: 1 to 64 characters, and no other rule for the same sessions has it.
    #[schema(value_type = String)]
    name: RuleName,
    /// The session it is for, by id or name; all of the caller's when left out.
    session: Option<String>,
    /// Its place among the others: smaller comes first, then the older one.
    #[serde(default = "RuleParts::usual_order")]
    #[schema(default = 100)]
    order: i32,
    /// Whether it is looked at from the start.
    #[serde(default = "yes")]
    #[schema(default = true)]
    enabled: bool,
    /// What must hold, all of it; see the guide for every condition.
    #[serde(default)]
    #[schema(value_type = Vec<serde_json::Value>, max_items = 64)]
    when: Vec<Condition>,
    /// What is done, in order; see the guide for every action.
    #[schema(value_type = Vec<serde_json::Value>, min_items = 1, max_items = 16)]
    then: Vec<RuleAction>,
    /// How long it rests in a chat after it was used there: `30s`, `10m`, `2h`, `1d`.
    #[schema(value_type = Option<String>, example = "10m")]
    cooldown: Option<Span>,
    /// Whether case and accents of its words count.
    #[serde(default)]
    match_case: bool,
    /// Whether later rules are looked at as well when this one was used.
    #[serde(default)]
    r#continue: bool,
}

fn yes() -> bool {
    true
}

impl CreateBody {
    fn into_spec(self) -> Result<RuleSpec, Problem> {
        let spec = RuleSpec::new(RuleParts {
            name: self.name,
            order: self.order,
            when: self.when,
            then: self.then,
            cooldown: self.cooldown,
            match_case: self.match_case,
            continues: self.r#continue,
        });
        spec.map_err(|bad| refused(bad.into()))
    }

    fn into_command(mut self) -> Result<CreateRule, Problem> {
        let session = self.session.take();
        let session: Option<SessionRef> = session
            .map(|session| in_field("bad_session_name", "session", &session))
            .transpose()?;
        Ok(CreateRule {
            session,
            enabled: self.enabled,
            spec: self.into_spec()?,
        })
    }
}

/// A refusal, with the field that is wrong where it is one.
fn refused(err: RuleError) -> Problem {
    match &err {
        RuleError::Bad(bad) => {
            let field = bad.field();
            Problem::from(err).in_field(field)
        }
        _ => err.into(),
    }
}

/// What is to be different about a rule; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = UpdateRule, example = json!({ "enabled": false }))]
pub(crate) struct UpdateBody {
    /// What people call it.
    #[schema(value_type = Option<String>)]
    name: Option<RuleName>,
    /// Its place among the others.
    order: Option<i32>,
    /// Whether it is looked at.
    enabled: Option<bool>,
    /// What must hold: all of it.
    #[schema(value_type = Option<Vec<serde_json::Value>>)]
    when: Option<Vec<Condition>>,
    /// What is done: all of it.
    #[schema(value_type = Option<Vec<serde_json::Value>>)]
    then: Option<Vec<RuleAction>>,
    /// How long it rests; null for not at all.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<String>)]
    cooldown: Option<Option<Span>>,
    /// Whether case and accents of its words count.
    match_case: Option<bool>,
    /// Whether later rules are looked at as well.
    r#continue: Option<bool>,
}

/// A field that is there, be it null.
fn said<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Span>>, D::Error> {
    Option::<Span>::deserialize(deserializer).map(Some)
}

/// The order to put rules into.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = RuleOrder, example = json!({ "rules": [
    "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a", "0192f0c1-9a12-7d40-b1c2-d3e4f5061728",
] }))]
pub(crate) struct OrderBody {
    /// Their ids, the first one first; they get the orders 1, 2, 3 and so on.
    #[schema(min_items = 1, max_items = 10_000)]
    rules: Vec<String>,
}

/// Which rules are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Only those that concern this session, by id or name.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>, example = "shop")]
    session: Option<SessionRef>,
    /// Most entries on the page: 1 to 500, else 50.
    #[param(example = 50)]
    limit: Option<u32>,
    /// Where the page begins: `next` of the page before.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>, example = "AAAAAAAAADI")]
    cursor: Option<Cursor>,
}

/// Makes a rule. It holds for the next message.
///
/// The first rule whose conditions all hold is used, and no other unless it says `continue`. The guide
/// (`host/docs/rules.md`) names every condition and action.
#[utoipa::path(
    post, path = "/v1/rules", operation_id = "createRule",
    params(("Idempotency-Key" = Option<String>, Header, description = "A key of your own for this request", example = "prices-1")),
    request_body = CreateBody,
    responses((status = 201, description = "The rule.", body = RuleView)),
)]
pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    once: Once<CreateBody>,
) -> Result<impl IntoResponse, Problem> {
    let rule: Rule = match Named::turn(once.key, &app, &caller).await? {
        Turn::Again(rule) => rule,
        Turn::Go(claim) => {
            let rules = app.rules();
            let made = rules.create(&caller, once.body.into_command()?, claim);
            made.await.map_err(refused)?
        }
    };
    let at = format!("/v1/rules/{}", rule.id);
    let location: [(HeaderName, String); 1] = [(LOCATION, at)];
    Ok((StatusCode::CREATED, location, Json(RuleView::from(rule))))
}

/// Lists the rules, in their order.
#[utoipa::path(
    get, path = "/v1/rules", operation_id = "listRules",
    params(ListQuery),
    responses((status = 200, description = "A page of the caller's.", body = Listing<RuleView>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Search(query): Search<ListQuery>,
) -> Result<Json<Listing<RuleView>>, Problem> {
    let page = PageRequest::new(query.cursor, query.limit);
    let rules = app.rules();
    let listed = rules.list(&caller, query.session.as_ref(), page).await?;
    Ok(Json(listed.into()))
}

/// Shows a rule.
#[utoipa::path(
    get, path = "/v1/rules/{id}", operation_id = "getRule",
    params(("id" = String, Path, description = "Id of the rule", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")),
    responses((status = 200, description = "The rule.", body = RuleView)),
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<RuleId>,
) -> Result<Json<RuleView>, Problem> {
    Ok(Json(app.rules().get(&caller, id)?.into()))
}

/// Changes a rule, or switches it on or off. It holds for the next message.
#[utoipa::path(
    patch, path = "/v1/rules/{id}", operation_id = "updateRule",
    params(("id" = String, Path, description = "Id of the rule", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")),
    request_body = UpdateBody,
    responses((status = 200, description = "The rule.", body = RuleView)),
)]
pub(super) async fn update(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<RuleId>,
    Wire(body): Wire<UpdateBody>,
) -> Result<Json<RuleView>, Problem> {
    let command = UpdateRule {
        name: body.name,
        order: body.order,
        enabled: body.enabled,
        when: body.when,
        then: body.then,
        cooldown: body.cooldown,
        match_case: body.match_case,
        continues: body.r#continue,
    };
    let changed = app.rules().update(&caller, id, command).await;
    Ok(Json(changed.map_err(refused)?.into()))
}

/// Takes a rule away. A dialogue it was in ends.
#[utoipa::path(
    delete, path = "/v1/rules/{id}", operation_id = "deleteRule",
    params(("id" = String, Path, description = "Id of the rule", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")),
    responses((status = 204, description = "It is not looked at any more.")),
)]
pub(super) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<RuleId>,
) -> Result<StatusCode, Problem> {
    app.rules().delete(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts rules into an order, all at once.
#[utoipa::path(
    post, path = "/v1/rules/order", operation_id = "orderRules",
    request_body = OrderBody,
    responses((status = 200, description = "The rules, in that order.", body = Listing<RuleView>)),
)]
pub(super) async fn reorder(
    State(app): State<App>,
    caller: Caller,
    Wire(body): Wire<OrderBody>,
) -> Result<Json<Listing<RuleView>>, Problem> {
    let ids = body.rules.iter();
    let ids: Vec<RuleId> = ids
        .map(|id| in_field("bad_rule_order", "rules", id))
        .collect::<Result<_, _>>()?;
    Ok(Json(Listing::whole(
        app.rules().reorder(&caller, &ids).await?,
    )))
}
