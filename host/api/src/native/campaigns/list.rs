//! Lists of recipients as CSV: looked at, taken with a campaign, and how one looks.

use std::time::Duration;

use axum::Json;
use axum::body::BodyDataStream;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::response::IntoResponse;
use futures_util::StreamExt as _;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;
use utoipa::{IntoParams, ToSchema};
use warbler_app::campaigns::csv::{CsvError, CsvReader, MAX_BYTES, Mapping};
use warbler_app::campaigns::{Collected, Recipients};
use warbler_domain::{Caller, Scope};

use super::{BAD, CreateBody, row};
use crate::extract::Search;
use crate::idempotent::{Named, Once, key_of};
use crate::mount::{ApiState, Route};
use crate::problem::{Problem, RowProblem};

/// Longest silence within a body.
const SILENCE: Duration = Duration::from_secs(30);
/// Longest upload.
const WHOLE: Duration = Duration::from_secs(300);
/// What a form adds to its file, in bytes.
const FORM: u64 = 1024 * 1024;
/// Largest campaign in a form, in bytes.
const CAMPAIGN: usize = 1024 * 1024;
/// Recipients that a preview shows when nothing is said, and at most.
const SHOWN: usize = 100;
const MOST_SHOWN: usize = 1_000;

/// What a file can be refused with.
pub(super) const CSV: &[&str] = &[
    "csv_empty",
    "csv_not_text",
    "csv_bad_header",
    "csv_row_too_long",
    "csv_open_quote",
    "too_many_recipients",
    "broken_body",
    "no_file",
];

/// The routes of this part.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::of(__path_preview, preview)
            .refuses(BAD, CSV)
            .refuses(StatusCode::REQUEST_TIMEOUT, &["body_timeout"])
            .refuses(StatusCode::PAYLOAD_TOO_LARGE, &["csv_too_large"]),
        Route::of(__path_template, template),
    ]
}

/// How a file is read.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ReadQuery {
    /// The column with the number, where its name does not say so.
    #[param(example = "Mobile")]
    pub(super) number: Option<String>,
    /// The column with the name, where its name does not say so.
    #[param(example = "Customer")]
    pub(super) name: Option<String>,
    /// How many recipients are shown: up to 1,000, else 100.
    #[param(example = 100)]
    pub(super) limit: Option<usize>,
    /// Whether rows that cannot be used are left out, rather than everything refused.
    #[serde(default)]
    #[param(example = false)]
    pub(super) skip_bad: bool,
}

impl ReadQuery {
    pub(super) fn mapping(&self) -> Mapping {
        Mapping {
            number: self.number.clone(),
            name: self.name.clone(),
        }
    }
}

/// What is in a file.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CampaignPreview)]
pub(in crate::native) struct PreviewView {
    /// Rows below the header, empty ones not counted.
    #[schema(example = 3)]
    rows: u32,
    /// Rows that can be used.
    #[schema(example = 2)]
    good: usize,
    /// Rows that cannot.
    #[schema(example = 1)]
    bad: u32,
    /// The names of the fields, besides name and number.
    #[schema(example = json!(["companyName"]))]
    columns: Vec<String>,
    /// The first recipients.
    recipients: Vec<PreviewedView>,
    /// What is wrong with the other rows; at most 1,000.
    errors: Vec<RowProblem>,
}

/// A recipient in a file.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PreviewedRecipient, example = json!({
    "row": 2, "to": "15550123@s.whatsapp.net", "name": "Ada", "fields": { "companyName": "Analytical Engines" },
}))]
pub(in crate::native) struct PreviewedView {
    /// Its row, the header being 1.
    row: u32,
    /// Its address.
    to: String,
    /// What the recipient is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// What else is known.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    fields: serde_json::Map<String, serde_json::Value>,
}

impl From<Collected> for PreviewedView {
    fn from(one: Collected) -> Self {
        let fields = one.fields.into_iter();
        Self {
            row: one.row,
            to: one.to.to_string(),
            name: one.name,
            fields: fields
                .map(|(name, value)| (name.to_string(), value.into()))
                .collect(),
        }
    }
}

/// Looks at a CSV file of recipients without storing anything.
///
/// The body is the file itself, or a form with it (`multipart/form-data`), up to 64 MiB. Encoding
/// (UTF-8, UTF-16, Windows-1252) and separator are found; the first row names the columns.
#[utoipa::path(
    post, path = "/v1/campaigns/preview", operation_id = "previewCampaign",
    params(ReadQuery),
    request_body(content = String, content_type = "text/csv", example = "number,name,companyName\n+15550123,Ada,Analytical Engines\n"),
    responses((status = 200, description = "What is in it.", body = PreviewView)),
)]
pub(super) async fn preview(
    caller: Caller,
    Search(query): Search<ReadQuery>,
    file: FileBody,
) -> Result<Json<PreviewView>, Problem> {
    caller.require(Scope::Send)?;
    let list = file.read(query.mapping()).await?;
    let good = list.good.len();
    let shown = query.limit.unwrap_or(SHOWN).min(MOST_SHOWN);
    let first = list.good.into_iter().take(shown);
    Ok(Json(PreviewView {
        rows: list.rows,
        good,
        bad: list.bad,
        columns: list.columns,
        recipients: first.map(PreviewedView::from).collect(),
        errors: list.errors.iter().map(row).collect(),
    }))
}

/// A CSV file to fill with recipients.
#[utoipa::path(
    get, path = "/v1/campaigns/template.csv", operation_id = "getCampaignTemplate",
    responses((status = 200, description = "The file.", body = String, content_type = "text/csv")),
)]
pub(super) async fn template(_: Caller) -> impl IntoResponse {
    template_called("attachment; filename=\"campaign_template.csv\"")
}

/// The answer with a file to fill, which is called so.
pub(crate) fn template_called(disposition: &'static str) -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8"),
        (CONTENT_DISPOSITION, disposition),
    ];
    let text = "number,name,jobTitle,companyName\r\n15550123,Ada Lovelace,Analyst,Analytical Engines\r\n\
                15550124,Grace Hopper,Admiral,Compilers Ltd\r\n";
    (headers, text)
}

/// A request whose body is a file, or a form with one.
pub(crate) struct FileBody(Request);

impl FromRequest<ApiState> for FileBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &ApiState) -> Result<Self, Problem> {
        refuse_large(request.headers())?;
        Ok(Self(request))
    }
}

impl FileBody {
    /// Reads the file piece by piece.
    pub(crate) async fn read(self, mapping: Mapping) -> Result<Recipients, Problem> {
        let mut reader = CsvReader::new(mapping);
        let reading = async {
            if is_form(self.0.headers()) {
                let mut form = form_of(self.0).await?;
                while let Some(mut field) = in_time(form.next_field()).await?.map_err(bad_form)? {
                    if field.file_name().is_some() {
                        return take_field(&mut reader, &mut field, None).await;
                    }
                }
                Err(no_file())
            } else {
                take_body(&mut reader, self.0.into_body().into_data_stream()).await
            }
        };
        timeout(WHOLE, reading)
            .await
            .map_err(|_| too_slow(WHOLE))??;
        reader.finish().map_err(refuse)
    }
}

/// A campaign to make: a JSON body, or a form with one and a file.
pub(in crate::native) struct NewList {
    pub(super) body: CreateBody,
    pub(super) recipients: Option<Recipients>,
    pub(super) key: Option<Named>,
}

impl FromRequest<ApiState> for NewList {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, Problem> {
        if !is_form(request.headers()) {
            let Once { body, key } = Once::from_request(request, state).await?;
            return Ok(Self {
                body,
                key,
                recipients: None,
            });
        }
        refuse_large(request.headers())?;
        let reading = from_form(request);
        timeout(WHOLE, reading).await.map_err(|_| too_slow(WHOLE))?
    }
}

async fn from_form(request: Request) -> Result<NewList, Problem> {
    let key = key_of(request.headers())?;
    let mut digest = Sha256::new();
    digest.update(b"POST\0/v1/campaigns\0form\0");
    let mut form = form_of(request).await?;
    let mut body: Option<CreateBody> = None;
    let mut list = None;
    while let Some(mut field) = in_time(form.next_field()).await?.map_err(bad_form)? {
        if field.file_name().is_some() && list.is_none() {
            let columns = body.as_ref().and_then(|body| body.columns.clone());
            let mapping = columns.map(Mapping::from).unwrap_or_default();
            let mut reader = CsvReader::new(mapping);
            take_field(&mut reader, &mut field, Some(&mut digest)).await?;
            list = Some(reader.finish().map_err(refuse)?);
        } else if field.name() == Some("campaign") {
            let bytes = small(&mut field).await?;
            digest.update(&bytes);
            let parsed: CreateBody = crate::extract::parse(&bytes)?;
            if list.is_some() && parsed.columns.is_some() {
                let detail =
                    "the part `campaign` names columns, so it has to stand before the file";
                return Err(Problem::invalid("broken_body", detail));
            }
            body = Some(parsed);
        }
    }
    let Some(body) = body else {
        let detail = "the form has no part `campaign` with the campaign as JSON";
        return Err(Problem::invalid("broken_body", detail));
    };
    Ok(NewList {
        body,
        recipients: Some(list.ok_or_else(no_file)?),
        key: key.map(|key| Named::new(key, digest.finalize().into())),
    })
}

async fn form_of(mut request: Request) -> Result<Multipart, Problem> {
    // The reader itself counts the bytes.
    DefaultBodyLimit::disable().apply(&mut request);
    let form = Multipart::from_request(request, &()).await;
    form.map_err(|err| Problem::invalid("broken_body", err.body_text()))
}

async fn take_field(
    reader: &mut CsvReader,
    field: &mut Field<'_>,
    mut digest: Option<&mut Sha256>,
) -> Result<(), Problem> {
    while let Some(bytes) = in_time(field.chunk()).await?.map_err(bad_form)? {
        if let Some(digest) = &mut digest {
            digest.update(&bytes);
        }
        reader.push(&bytes).map_err(refuse)?;
    }
    Ok(())
}

async fn take_body(reader: &mut CsvReader, mut body: BodyDataStream) -> Result<(), Problem> {
    while let Some(bytes) = in_time(body.next()).await? {
        let bytes = bytes.map_err(|_| {
            Problem::invalid("broken_body", "the body ended before it was complete")
        })?;
        reader.push(&bytes).map_err(refuse)?;
    }
    Ok(())
}

/// The bytes of a part that is not a file.
async fn small(field: &mut Field<'_>) -> Result<Vec<u8>, Problem> {
    let mut all = Vec::new();
    while let Some(bytes) = in_time(field.chunk()).await?.map_err(bad_form)? {
        if all.len() + bytes.len() > CAMPAIGN {
            let detail = format!("the part `campaign` is larger than {CAMPAIGN} bytes");
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            return Err(Problem::new(status, "body_too_large", detail));
        }
        all.extend_from_slice(&bytes);
    }
    Ok(all)
}

fn refuse_large(headers: &HeaderMap) -> Result<(), Problem> {
    let announced = headers.get(CONTENT_LENGTH);
    let announced = announced.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match announced {
        Some(size) if size > MAX_BYTES + FORM => Err(refuse(CsvError::TooLarge)),
        _ => Ok(()),
    }
}

/// What is too large is 413.
fn refuse(err: CsvError) -> Problem {
    match err {
        CsvError::TooLarge => {
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            Problem::new(status, "csv_too_large", err.to_string())
        }
        err => err.into(),
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok());
    kind.and_then(|kind| kind.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("multipart/form-data"))
}

async fn in_time<T>(next: impl Future<Output = T>) -> Result<T, Problem> {
    timeout(SILENCE, next).await.map_err(|_| too_slow(SILENCE))
}

fn too_slow(limit: Duration) -> Problem {
    let detail = format!("the body took longer than {} s", limit.as_secs());
    Problem::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", detail)
}

fn bad_form(err: MultipartError) -> Problem {
    Problem::invalid("broken_body", err.body_text())
}

fn no_file() -> Problem {
    let detail = "the form has no file: send one as `-F file=@people.csv` does";
    Problem::invalid("no_file", detail)
}
