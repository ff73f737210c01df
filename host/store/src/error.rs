//! What can go wrong with the database, without naming the library below.

/// Why the database did not do it. Nothing was changed, but for [`Error::Unconfirmed`].
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The store was closed, or its thread is gone.
    #[error("the database is closed")]
    Closed,
    /// No room on the disk.
    #[error("the disk is full: free some space, nothing accepted so far is lost")]
    DiskFull,
    /// Somebody else holds the file.
    #[error(
        "the database file is locked by another process, such as a database browser or a copying program: close that one and try again"
    )]
    Locked,
    /// The file itself is broken.
    #[error(
        "the database file is damaged ({0}): keep it aside and put a backup in its place with `warbler restore`"
    )]
    Damaged(String),
    /// A stored value cannot be read.
    #[error("the database holds something unreadable in {place}: {what}")]
    Corrupt {
        /// Which column.
        place: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// The file is from a newer version.
    #[error(
        "the database has schema {found}, this version knows up to {known}: use the newer program"
    )]
    TooNew {
        /// Its schema.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// Anything else the database says.
    #[error("database: {0}")]
    Sqlite(String),
    /// The disk did not confirm what was written: it may be there or not. Nothing more is written
    /// until the database is opened again.
    #[error(
        "the disk did not confirm a write, so it may be lost: look after the disk and start the host again"
    )]
    Unconfirmed,
    /// Another change that was to be committed together with this one failed halfway.
    #[error("another change failed and took this one with it; nothing was changed, try again")]
    Undone,
    /// A transaction's own code panicked; it was rolled back.
    #[error("a database job panicked and was rolled back")]
    Panicked,
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged(error.to_string())
            }
            _ => Self::Sqlite(error.to_string()),
        }
    }
}

impl Error {
    pub(crate) fn corrupt(place: &'static str, what: impl std::fmt::Display) -> Self {
        Self::Corrupt {
            place,
            what: what.to_string(),
        }
    }
}
