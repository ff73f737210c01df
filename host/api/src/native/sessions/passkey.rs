//! Linking with a passkey, where WhatsApp asks for one.
//!
//! The challenge is for WhatsApp's own site: a browser answers it on a page of that site alone. The
//! answer of `GET` has the line to run there.

use axum::Json;
use axum::extract::State;
use data_encoding::BASE64URL_NOPAD;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use warbler_app::App;
use warbler_app::driver::PasskeyAssertion;
use warbler_app::sessions::PasskeyStep;
use warbler_domain::{Caller, SessionRef};

use crate::extract::{Param, Wire};
use crate::mount::Route;
use crate::problem::Problem;

/// Where a browser answers the challenge.
const SITE: &str = "https://web.whatsapp.com";

/// The routes of this resource.
pub(in crate::native) fn routes() -> Vec<Route> {
    let one = |route: Route| {
        route
            .refuses(StatusCode::NOT_FOUND, &["unknown_session"])
            .refuses(
                StatusCode::CONFLICT,
                &["already_paired", "passkey_not_asked"],
            )
    };
    const UNAVAILABLE: StatusCode = StatusCode::SERVICE_UNAVAILABLE;
    vec![
        one(Route::of(__path_get, get)),
        one(Route::of(__path_answer, answer))
            .refuses(StatusCode::BAD_REQUEST, &["bad_passkey"])
            .refuses(UNAVAILABLE, &["passkey_refused"]),
        one(Route::of(__path_confirm, confirm))
            .refuses(StatusCode::CONFLICT, &["passkey_no_code"])
            .refuses(UNAVAILABLE, &["passkey_refused"]),
    ]
}

/// What a passkey link waits for.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PasskeyLink, example = json!({ "step": "compare", "code": "AB12-CD34" }))]
pub(in crate::native) struct PasskeyView {
    /// `answer`: the passkey is to sign. `compare`: the codes are to be compared.
    step: StepWord,
    /// What it is to sign: options for `navigator.credentials.get`, in WebAuthn's JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    options: Option<Value>,
    /// The page on which it signs: no other is allowed to ask it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://web.whatsapp.com")]
    page: Option<&'static str>,
    /// What to run in the console of that page; it puts the body of the answer on the clipboard.
    #[serde(skip_serializing_if = "Option::is_none")]
    script: Option<String>,
    /// The code the phone must show, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

/// What is to be done next.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = PasskeyStep)]
pub(in crate::native) enum StepWord {
    Answer,
    Compare,
}

impl From<PasskeyStep> for PasskeyView {
    fn from(step: PasskeyStep) -> Self {
        match step {
            PasskeyStep::Asked { options } => {
                let options: Value = serde_json::from_str(&options).unwrap_or_default();
                Self {
                    step: StepWord::Answer,
                    page: Some(SITE),
                    script: Some(script(&options)),
                    options: Some(options),
                    code: None,
                }
            }
            PasskeyStep::Compare { code } => Self {
                step: StepWord::Compare,
                page: None,
                script: None,
                options: None,
                code: Some(code),
            },
        }
    }
}

fn script(options: &Value) -> String {
    format!(
        "copy(JSON.stringify((await navigator.credentials.get({{publicKey: \
         PublicKeyCredential.parseRequestOptionsFromJSON({options})}})).toJSON()))"
    )
}

/// What the browser gave back: a `PublicKeyCredential` as its `toJSON` writes it. What else stands
/// in it is left out.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PasskeyAnswer, example = json!({
    "id": "yJ4dQ0m3T2mS8bq0n1fXaA",
    "rawId": "yJ4dQ0m3T2mS8bq0n1fXaA",
    "type": "public-key",
    "response": {
        "clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0In0",
        "authenticatorData": "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAQ",
        "signature": "MEUCIQDm3m0Qz8R5",
    },
}))]
pub(in crate::native) struct AnswerBody {
    /// Which passkey has signed, in base64url.
    raw_id: String,
    /// What it has signed.
    response: ResponseBody,
}

/// What a passkey has signed; all of it in base64url without padding.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PasskeyResponse)]
pub(in crate::native) struct ResponseBody {
    /// What the browser adds to the challenge.
    #[serde(rename = "clientDataJSON")]
    client_data_json: String,
    /// What the authenticator adds.
    authenticator_data: String,
    /// The signature.
    signature: String,
    /// Whose passkey it is, if it says so.
    user_handle: Option<String>,
}

impl AnswerBody {
    fn into_assertion(self) -> Result<PasskeyAssertion, Problem> {
        let response = self.response;
        Ok(PasskeyAssertion {
            credential: bytes("rawId", &self.raw_id)?,
            client_data: bytes("response.clientDataJSON", &response.client_data_json)?,
            authenticator_data: bytes("response.authenticatorData", &response.authenticator_data)?,
            signature: bytes("response.signature", &response.signature)?,
            user_handle: response
                .user_handle
                .map(|handle| bytes("response.userHandle", &handle))
                .transpose()?,
        })
    }
}

fn bytes(field: &str, text: &str) -> Result<Vec<u8>, Problem> {
    let bytes = BASE64URL_NOPAD.decode(text.trim_end_matches('=').as_bytes());
    bytes.map_err(|_| {
        let detail = format!("{field}: not base64url; hand in what the browser gave, as it is");
        Problem::invalid("bad_passkey", detail).in_field(field)
    })
}

/// Shows what a session waits for whose account WhatsApp links only with a passkey.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/passkey", operation_id = "getPasskey",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    responses((status = 200, description = "What it waits for.", body = PasskeyView)),
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
) -> Result<Json<PasskeyView>, Problem> {
    Ok(Json(
        app.sessions().passkey(&caller, &session).await?.into(),
    ))
}

/// Hands in what the passkey has signed; then phone and session show a code.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/passkey", operation_id = "answerPasskey",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    request_body = AnswerBody,
    responses((status = 204, description = "WhatsApp has taken it.")),
)]
pub(super) async fn answer(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
    Wire(body): Wire<AnswerBody>,
) -> Result<StatusCode, Problem> {
    let assertion = body.into_assertion()?;
    app.sessions()
        .answer_passkey(&caller, &session, assertion)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Finishes the link: the phone shows the same code.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/passkey/confirm", operation_id = "confirmPasskey",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    responses((status = 204, description = "The session is being linked.")),
)]
pub(super) async fn confirm(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
) -> Result<StatusCode, Problem> {
    app.sessions().confirm_passkey(&caller, &session).await?;
    Ok(StatusCode::NO_CONTENT)
}
