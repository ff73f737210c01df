//! Columns as domain values.

use rusqlite::{CachedStatement, Connection, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, Result};

pub(crate) fn prepare<'c>(conn: &'c Connection, sql: &str) -> Result<CachedStatement<'c>> {
    Ok(conn.prepare_cached(sql)?)
}

/// 16 stored bytes.
pub(crate) fn id_bytes(row: &Row<'_>, column: usize, place: &'static str) -> Result<[u8; 16]> {
    let bytes: [u8; 16] = row.get(column).map_err(|err| Error::corrupt(place, err))?;
    Ok(bytes)
}

/// 16 stored bytes or nothing.
pub(crate) fn id_bytes_opt(
    row: &Row<'_>,
    column: usize,
    place: &'static str,
) -> Result<Option<[u8; 16]>> {
    row.get(column).map_err(|err| Error::corrupt(place, err))
}

/// A stored text, parsed.
pub(crate) fn parsed<T>(row: &Row<'_>, column: usize, place: &'static str) -> Result<T>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let text: String = row.get(column).map_err(|err| Error::corrupt(place, err))?;
    text.parse().map_err(|err| Error::corrupt(place, err))
}

/// A stored text or nothing, parsed.
pub(crate) fn parsed_opt<T>(row: &Row<'_>, column: usize, place: &'static str) -> Result<Option<T>>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let text: Option<String> = row.get(column).map_err(|err| Error::corrupt(place, err))?;
    text.map(|text| text.parse().map_err(|err| Error::corrupt(place, err)))
        .transpose()
}

/// Stored JSON.
pub(crate) fn json<T: DeserializeOwned>(
    row: &Row<'_>,
    column: usize,
    place: &'static str,
) -> Result<T> {
    let text = row
        .get_ref(column)?
        .as_str()
        .map_err(|err| Error::corrupt(place, err))?;
    serde_json::from_str(text).map_err(|err| Error::corrupt(place, err))
}

/// A value as stored JSON.
pub(crate) fn to_json<T: Serialize>(value: &T, place: &'static str) -> Result<String> {
    serde_json::to_string(value).map_err(|err| Error::corrupt(place, err))
}

/// All rows of a query, each read by `read`.
pub(crate) fn collect<T>(
    statement: &mut CachedStatement<'_>,
    params: impl rusqlite::Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut rows = statement.query(params)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}

/// The first row of a query, read by `read`.
pub(crate) fn first<T>(
    statement: &mut CachedStatement<'_>,
    params: impl rusqlite::Params,
    read: impl FnOnce(&Row<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let mut rows = statement.query(params)?;
    match rows.next()? {
        Some(row) => read(row).map(Some),
        None => Ok(None),
    }
}
