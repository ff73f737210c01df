//! Long lists, a page at a time, newest first.

use std::fmt;
use std::str::FromStr;

/// A place in a list: the next page begins behind it. Opaque to callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor(pub i64);

/// A text that is not a cursor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this list; leave it out to begin at the newest entry")]
pub struct BadCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::BASE64URL_NOPAD.encode(&self.0.to_be_bytes()))
    }
}

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let bytes = data_encoding::BASE64URL_NOPAD
            .decode(text.as_bytes())
            .map_err(|_| BadCursor)?;
        bytes
            .try_into()
            .map(|bytes| Self(i64::from_be_bytes(bytes)))
            .map_err(|_| BadCursor)
    }
}

/// How much of a list is wanted, and from where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    after: Option<Cursor>,
    limit: u32,
}

impl PageRequest {
    /// Most entries on a page.
    pub const MAX: u32 = 500;
    /// Entries on a page when nothing is said.
    pub const DEFAULT: u32 = 50;

    /// A page behind `after`, with at most `limit` entries, itself at most [`Self::MAX`].
    pub fn new(after: Option<Cursor>, limit: Option<u32>) -> Self {
        Self {
            after,
            limit: limit.unwrap_or(Self::DEFAULT).clamp(1, Self::MAX),
        }
    }

    /// Where the page begins.
    pub fn after(&self) -> Option<Cursor> {
        self.after
    }

    /// How many entries it has at most.
    pub fn limit(&self) -> u32 {
        self.limit
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries.
    pub items: Vec<T>,
    /// Where the next page begins; absent on the last one.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// A page of `rows`, of which one more than asked for was read to see whether there is more.
    pub fn of_rows(mut rows: Vec<(i64, T)>, limit: u32) -> Self {
        let limit = limit as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = if more {
            rows.last().map(|(seq, _)| Cursor(*seq))
        } else {
            None
        };
        Self {
            items: rows.into_iter().map(|(_, item)| item).collect(),
            next,
        }
    }

    /// The same page with every entry changed by `f`.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(f).collect(),
            next: self.next,
        }
    }
}
