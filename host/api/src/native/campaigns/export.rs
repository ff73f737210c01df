//! A campaign's recipients as a file for spreadsheets.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::IntoResponse;
use futures_util::stream;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use warbler_app::App;
use warbler_app::campaigns::CampaignError;
use warbler_domain::campaign::CampaignRecipient;
use warbler_domain::page::{Cursor, PageRequest};
use warbler_domain::{Caller, CampaignId};

use super::refused;
use crate::extract::Param;
use crate::problem::Problem;

/// The results of a campaign as CSV, a row for each recipient.
///
/// The columns are `number`, `name`, the fields of the list, `status`, `sentAt` and `error`. Texts
/// that a spreadsheet would take for a formula have an apostrophe in front.
#[utoipa::path(
    get, path = "/v1/campaigns/{id}/export.csv", operation_id = "exportCampaign",
    params(("id" = String, Path, description = "Id of the campaign", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")),
    responses((status = 200, description = "The file.", body = String, content_type = "text/csv")),
)]
pub(super) async fn export(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<CampaignId>,
) -> Result<impl IntoResponse, Problem> {
    results(app, caller, id).await.map_err(refused)
}

/// The answer with the results of a campaign.
pub(crate) async fn results(
    app: App,
    caller: Caller,
    id: CampaignId,
) -> Result<impl IntoResponse, CampaignError> {
    let status = app.campaigns().get(&caller, id).await?;
    let columns = status.campaign.columns;
    let mut header: Vec<&str> = vec!["number", "name"];
    header.extend(columns.iter().map(String::as_str));
    header.extend(["status", "sentAt", "error"]);
    let header = line(header.into_iter());
    let walk = Walk {
        app,
        caller,
        id,
        columns,
        next: Some(None),
        header: Some(header),
    };
    let rows = stream::try_unfold(walk, |mut walk| async move {
        let text = walk.piece().await?;
        Ok::<_, CampaignError>(text.map(|text| (Bytes::from(text), walk)))
    });
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8"),
        (
            CONTENT_DISPOSITION,
            "attachment; filename=\"campaign_results.csv\"",
        ),
    ];
    Ok((headers, Body::from_stream(rows)))
}

/// Where an export is.
struct Walk {
    app: App,
    caller: Caller,
    id: CampaignId,
    columns: Vec<String>,
    /// The next page, if there is one.
    next: Option<Option<Cursor>>,
    header: Option<String>,
}

impl Walk {
    /// The next lines.
    async fn piece(&mut self) -> Result<Option<String>, CampaignError> {
        let Some(after) = self.next.take() else {
            return Ok(None);
        };
        let page = PageRequest::new(after, Some(PageRequest::MAX));
        let campaigns = self.app.campaigns();
        let found = campaigns
            .recipients(&self.caller, self.id, None, page)
            .await?;
        self.next = found.next.map(Some);
        let mut text = self.header.take().unwrap_or_default();
        for one in &found.items {
            text.push_str(&self.row(one));
        }
        Ok(Some(text))
    }

    fn row(&self, one: &CampaignRecipient) -> String {
        let number = match one.to.phone_number() {
            Some(_) => one.to.user().to_owned(),
            None => one.to.to_string(),
        };
        let mut cells = vec![number, one.name.clone().unwrap_or_default()];
        for column in &self.columns {
            let value = one.fields.iter().find(|(name, _)| name == column);
            cells.push(value.map_or_else(String::new, |(_, value)| value.clone()));
        }
        cells.push(one.state.as_str().to_owned());
        cells.push(one.sent_at.map_or_else(String::new, |at| at.to_string()));
        cells.push(one.error.clone().unwrap_or_default());
        line(cells.iter().map(String::as_str))
    }
}

/// Cells as a line.
fn line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let mut line = String::new();
    for (place, text) in cells.enumerate() {
        if place > 0 {
            line.push(',');
        }
        line.push_str(&cell(text));
    }
    line.push_str("\r\n");
    line
}

/// A text as a cell that no spreadsheet takes for a formula.
fn cell(text: &str) -> String {
    let guarded = match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    };
    if guarded.contains(['"', ',', ';', '\n', '\r', '\t']) {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn no_cell_is_a_formula_or_breaks_its_row() {
        let cells = [
            "=1+1",
            "+49",
            "-x",
            "@sum",
            "a,b",
            "say \"hi\"",
            "two\nlines",
            "plain",
        ];
        assert_eq!(
            line(cells.into_iter()),
            "'=1+1,'+49,'-x,'@sum,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",plain\r\n"
        );
    }
}
