//! The API's answers, as far as the commands show them.

use serde::Deserialize;

/// A list.
#[derive(Debug, Deserialize)]
pub(crate) struct Items<T> {
    pub(crate) items: Vec<T>,
}

/// A refusal (RFC 9457).
#[derive(Debug, Deserialize)]
pub(crate) struct Problem {
    pub(crate) code: String,
    pub(crate) title: String,
    pub(crate) detail: Option<String>,
    /// What is wrong with each row of a list.
    #[serde(default)]
    pub(crate) rows: Vec<RowView>,
}

/// A session.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SessionView {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) account: Option<AccountView>,
}

/// The account a session is linked to.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccountView {
    pub(crate) jid: String,
    pub(crate) push_name: Option<String>,
}

impl AccountView {
    /// The account as `+15550100`, with the name it shows.
    pub(crate) fn shown(&self) -> String {
        let user = self.jid.split('@').next().unwrap_or_default();
        match &self.push_name {
            Some(name) if !name.is_empty() => format!("+{user} ({name})"),
            _ => format!("+{user}"),
        }
    }
}

/// A QR to scan.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QrView {
    pub(crate) text: String,
}

/// A code to type.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PairingCodeView {
    pub(crate) code: String,
    pub(crate) expires_at: Option<String>,
}

/// What a link with a passkey waits for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PasskeyView {
    pub(crate) page: Option<String>,
    pub(crate) script: Option<String>,
    pub(crate) code: Option<String>,
}

/// What is wrong with one row of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct RowView {
    pub(crate) row: u32,
    pub(crate) column: Option<String>,
    pub(crate) message: String,
}

/// An extension.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExtensionView {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) state: String,
    pub(crate) order: i32,
    pub(crate) generation: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) last_error: Option<FaultView>,
}

/// Why an extension does not run, or what went wrong at its last event.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FaultView {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u32>,
    pub(crate) column: Option<u32>,
    pub(crate) excerpt: Option<String>,
    pub(crate) event: Option<String>,
}
