//! What a session does by itself, as its owner sets it.

use warbler_domain::session::SessionSettings;
use warbler_domain::{Caller, Content, Refusal, RefusalKind, Scope, SessionRef};
use warbler_store::Error as StoreError;

use super::{SessionError, Sessions, usable_by};

/// Why settings were not shown or changed.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The session.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// Too long.
    #[error(
        "a description has at most {} characters",
        SessionSettings::MAX_DESCRIPTION
    )]
    DescriptionTooLong,
    /// Nothing to write, or too much.
    #[error("the text for refused calls has 1 to {} bytes", Content::MAX_TEXT)]
    BadText,
    /// The database.
    #[error("the settings could not be read or written")]
    Store(#[from] StoreError),
}

impl Refusal for SettingsError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Session(err) => err.kind(),
            Self::DescriptionTooLong | Self::BadText => RefusalKind::Invalid,
            Self::Store(_) => RefusalKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Session(err) => err.code(),
            Self::DescriptionTooLong => "description_too_long",
            Self::BadText => "bad_text",
            Self::Store(_) => "store_unavailable",
        }
    }
}

impl Sessions {
    /// What a session does by itself.
    pub async fn settings(
        &self,
        caller: &Caller,
        session: &SessionRef,
    ) -> Result<SessionSettings, SettingsError> {
        let session = usable_by(&self.shared, caller, session, Scope::Read).await?;
        let found = self
            .shared
            .store
            .read(move |db| db.sessions().settings(session.id));
        Ok(found.await?.unwrap_or_default())
    }

    /// Sets what a session does by itself; all of it.
    pub async fn set_settings(
        &self,
        caller: &Caller,
        session: &SessionRef,
        settings: SessionSettings,
    ) -> Result<SessionSettings, SettingsError> {
        let session = usable_by(&self.shared, caller, session, Scope::Manage).await?;
        fits(settings.description.as_deref())?;
        let text = settings.rejected_call_text.as_deref();
        if text.is_some_and(|text| text.trim().is_empty() || text.len() > Content::MAX_TEXT) {
            return Err(SettingsError::BadText);
        }
        let entry = self.entry(caller, "session.settings", &session);
        let row = settings.clone();
        let written = self.shared.store.write(move |tx| {
            tx.sessions_mut().set_settings(session.id, &row)?;
            tx.audit_mut().insert(&entry)
        });
        written.await.map_err(SettingsError::Store)?;
        Ok(settings)
    }
}

/// Refuses a description that is too long.
pub(super) fn fits(description: Option<&str>) -> Result<(), SettingsError> {
    match description.unwrap_or_default().chars().count() {
        0..=SessionSettings::MAX_DESCRIPTION => Ok(()),
        _ => Err(SettingsError::DescriptionTooLong),
    }
}
