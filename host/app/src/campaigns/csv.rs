//! Recipients from a CSV file, piece by piece: nothing of it is kept but the recipients.
//!
//! Files come as spreadsheets save them. UTF-8 and UTF-16 are told by their first bytes or by their
//! zeros; a cell that is not UTF-8 is read as Windows-1252, of which Latin-1 is a part. The separator
//! is the one the header has most of, or what a first line `sep=;` says.

mod header;
mod sniff;

use std::sync::Arc;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use encoding_rs::{Decoder, WINDOWS_1252};
use warbler_domain::{Refusal, RefusalKind};

use super::collect::{Collector, Recipients, Row, RowError, TooManyRecipients};
use header::Header;
use sniff::Sniffed;

pub use header::Mapping;

/// Largest file, in bytes.
pub const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// Longest row, in bytes.
pub const MAX_ROW: usize = 256 * 1024;
/// Most columns.
pub const MAX_COLUMNS: usize = 256;
/// Bytes by which a file is told apart.
const SNIFFED: usize = 64 * 1024;

/// Why a file was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CsvError {
    /// More bytes than are taken.
    #[error("a file has at most {} MiB; split it", MAX_BYTES / 1024 / 1024)]
    TooLarge,
    /// Nothing but space.
    #[error("the file is empty; the first line names the columns, one of them `number`")]
    Empty,
    /// A workbook.
    #[error("the file is an Excel workbook; save it as CSV")]
    Workbook,
    /// Not text.
    #[error("the file is not text; save it as CSV (UTF-8)")]
    NotText,
    /// A header that cannot be used.
    #[error("{0}")]
    Header(String),
    /// A row that does not end.
    #[error(
        "row {row} is longer than {} KiB: a quote that is not closed makes the rest of the file one cell",
        MAX_ROW / 1024
    )]
    RowTooLong {
        /// Which, the header being 1.
        row: u32,
    },
    /// A quote that is not closed.
    #[error("a quote that is opened before the end of the file is never closed")]
    OpenQuote,
    /// More recipients than a campaign has.
    #[error(transparent)]
    TooMany(#[from] TooManyRecipients),
}

impl Refusal for CsvError {
    fn kind(&self) -> RefusalKind {
        RefusalKind::Invalid
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "csv_too_large",
            Self::Empty => "csv_empty",
            Self::Workbook | Self::NotText => "csv_not_text",
            Self::Header(_) => "csv_bad_header",
            Self::RowTooLong { .. } => "csv_row_too_long",
            Self::OpenQuote => "csv_open_quote",
            Self::TooMany(_) => "too_many_recipients",
        }
    }
}

/// A file that is being read.
pub struct CsvReader {
    mapping: Mapping,
    bytes: u64,
    stage: Stage,
}

enum Stage {
    Sniffing(Vec<u8>),
    Reading(Box<Reading>),
}

impl CsvReader {
    /// A file whose columns are found by `mapping`.
    pub fn new(mapping: Mapping) -> Self {
        Self {
            mapping,
            bytes: 0,
            stage: Stage::Sniffing(Vec::new()),
        }
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// When the file as a whole cannot be used; rows that cannot are told at the end.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), CsvError> {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        if self.bytes > MAX_BYTES {
            return Err(CsvError::TooLarge);
        }
        match &mut self.stage {
            Stage::Sniffing(first) => {
                first.extend_from_slice(bytes);
                if first.len() >= SNIFFED {
                    self.begin()?;
                }
                Ok(())
            }
            Stage::Reading(reading) => reading.push(bytes),
        }
    }

    /// The recipients, and what is wrong with the other rows.
    ///
    /// # Errors
    /// As for [`Self::push`].
    pub fn finish(mut self) -> Result<Recipients, CsvError> {
        self.begin()?;
        match self.stage {
            Stage::Reading(reading) => reading.finish(),
            Stage::Sniffing(_) => Err(CsvError::Empty),
        }
    }

    fn begin(&mut self) -> Result<(), CsvError> {
        if let Stage::Sniffing(first) = &mut self.stage {
            let first = std::mem::take(first);
            let sniffed = Sniffed::of(&first)?;
            let mut reading = Box::new(Reading::new(self.mapping.clone(), &sniffed));
            reading.push(first.get(sniffed.skip..).unwrap_or_default())?;
            self.stage = Stage::Reading(reading);
        }
        Ok(())
    }
}

/// A file whose form is known.
struct Reading {
    mapping: Mapping,
    decoder: Option<Decoder>,
    reader: Reader,
    record: Vec<u8>,
    filled: usize,
    ends: Vec<usize>,
    ended: usize,
    row: u32,
    quotes: u64,
    /// Whether the last row has a cell of several lines.
    tall: bool,
    header: Option<Header>,
    collector: Collector,
}

impl Reading {
    fn new(mapping: Mapping, sniffed: &Sniffed) -> Self {
        Self {
            mapping,
            decoder: sniffed
                .utf16
                .map(|encoding| encoding.new_decoder_without_bom_handling()),
            reader: ReaderBuilder::new().delimiter(sniffed.separator).build(),
            record: vec![0; 4096],
            filled: 0,
            ends: vec![0; MAX_COLUMNS + 1],
            ended: 0,
            row: sniffed.first_row,
            quotes: 0,
            tall: false,
            header: None,
            collector: Collector::default(),
        }
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), CsvError> {
        if bytes.is_empty() {
            return Ok(());
        }
        if self.decoder.is_none() {
            return self.read(bytes, false);
        }
        let text = self.decoded(bytes, false);
        if text.is_empty() {
            return Ok(());
        }
        self.read(text.as_bytes(), false)
    }

    fn decoded(&mut self, bytes: &[u8], last: bool) -> String {
        let Some(decoder) = &mut self.decoder else {
            return String::new();
        };
        let room = decoder
            .max_utf8_buffer_length(bytes.len())
            .unwrap_or(bytes.len() * 3 + 16);
        let mut text = String::with_capacity(room);
        // The room is enough for all of it.
        let (_, _, _) = decoder.decode_to_string(bytes, &mut text, last);
        text
    }

    fn finish(mut self) -> Result<Recipients, CsvError> {
        let rest = self.decoded(&[], true);
        if !rest.is_empty() {
            self.read(rest.as_bytes(), false)?;
        }
        self.read(&[], true)?;
        if self.quotes % 2 == 1 && self.tall {
            return Err(CsvError::OpenQuote);
        }
        if self.header.is_none() {
            return Err(CsvError::Empty);
        }
        Ok(self.collector.finish())
    }

    /// Takes text, or the end of it.
    fn read(&mut self, mut bytes: &[u8], end: bool) -> Result<(), CsvError> {
        let quotes = bytes.iter().filter(|byte| **byte == b'"').count();
        self.quotes = self.quotes.saturating_add(quotes as u64);
        loop {
            let output = self.record.get_mut(self.filled..).unwrap_or_default();
            let ends = self.ends.get_mut(self.ended..).unwrap_or_default();
            let (result, taken, written, ended) = self.reader.read_record(bytes, output, ends);
            bytes = bytes.get(taken..).unwrap_or_default();
            self.filled += written;
            self.ended += ended;
            match result {
                ReadRecordResult::InputEmpty if !end => return Ok(()),
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.record.len() >= MAX_ROW => {
                    return Err(CsvError::RowTooLong { row: self.row + 1 });
                }
                ReadRecordResult::OutputFull => {
                    let larger = (self.record.len() * 2).min(MAX_ROW);
                    self.record.resize(larger, 0);
                }
                ReadRecordResult::OutputEndsFull => {
                    let row = self.row + 1;
                    return Err(CsvError::Header(format!(
                        "row {row} has more than {MAX_COLUMNS} columns"
                    )));
                }
                ReadRecordResult::Record => self.record_is_whole()?,
                ReadRecordResult::End => return Ok(()),
            }
        }
    }

    fn record_is_whole(&mut self) -> Result<(), CsvError> {
        self.row += 1;
        let mut begin = 0;
        let ends = self.ends.get(..self.ended).unwrap_or_default();
        let mut cells = Vec::with_capacity(ends.len());
        for end in ends {
            cells.push(text_of(self.record.get(begin..*end).unwrap_or_default()));
            begin = *end;
        }
        (self.filled, self.ended) = (0, 0);
        self.tall = cells.iter().any(|cell| cell.contains('\n'));
        match &self.header {
            None => {
                let header = Header::of(&cells, &self.mapping, &mut self.collector);
                self.header = Some(header.map_err(CsvError::Header)?);
                Ok(())
            }
            Some(header) => take_row(header, self.row, cells, &mut self.collector),
        }
    }
}

/// Takes one row of cells.
fn take_row(
    header: &Header,
    row: u32,
    mut cells: Vec<String>,
    collector: &mut Collector,
) -> Result<(), CsvError> {
    // What a spreadsheet leaves behind of deleted rows: separators and nothing else.
    if cells.iter().all(|cell| cell.trim().is_empty()) {
        return Ok(());
    }
    if let Some((place, _)) = cells
        .iter()
        .enumerate()
        .skip(header.columns.len())
        .find(|(_, cell)| !cell.trim().is_empty())
    {
        let message = format!(
            "the row has {} cells and the header {}; quote cells that contain the separator",
            place + 1,
            header.columns.len()
        );
        collector.add_bad(RowError {
            row,
            column: None,
            code: "too_many_cells",
            message,
        })?;
        return Ok(());
    }
    for (cell, column) in cells.iter_mut().zip(&header.columns) {
        let text = plain(cell);
        // What was marked as text is text.
        let marked = text != cell.trim();
        *cell = text;
        if let Some((code, message)) = artefact(cell).filter(|_| !marked) {
            collector.add_bad(RowError {
                row,
                column: Some(column.written.clone()),
                code,
                message: message.to_owned(),
            })?;
            return Ok(());
        }
    }
    let mut name = None;
    let mut fields: Vec<(Arc<str>, String)> = Vec::new();
    let mut number = String::new();
    for (place, cell) in cells.into_iter().enumerate() {
        match header.columns.get(place).map(|column| &column.field) {
            _ if place == header.number => number = cell,
            _ if Some(place) == header.name => name = Some(cell),
            Some(Some(field)) if !cell.is_empty() => fields.push((Arc::clone(field), cell)),
            _ => {}
        }
    }
    let column = header
        .columns
        .get(header.number)
        .map_or("number", |column| &column.written);
    let row = Row {
        row,
        column,
        to: &number,
    };
    Ok(collector.add(row, name, fields)?)
}

/// A cell as text.
fn text_of(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => WINDOWS_1252
            .decode_without_bom_handling(bytes)
            .0
            .into_owned(),
    }
}

/// A cell without the spaces around it, and without what makes spreadsheets take it for text:
/// `="0155"` and a leading apostrophe before a formula's sign.
fn plain(cell: &str) -> String {
    let cell = cell.trim();
    if let Some(text) = cell
        .strip_prefix("=\"")
        .and_then(|rest| rest.strip_suffix('"'))
    {
        return text.to_owned();
    }
    match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@']) => rest.to_owned(),
        _ => cell.to_owned(),
    }
}

/// What a spreadsheet leaves in a cell that nobody wants to be sent.
fn artefact(cell: &str) -> Option<(&'static str, &'static str)> {
    const BROKEN: [&str; 7] = [
        "#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!",
    ];
    if cell.starts_with('=') {
        return Some((
            "formula",
            "the cell is a formula; save the list with values instead of formulas",
        ));
    }
    BROKEN.contains(&cell).then_some((
        "broken_cell",
        "a formula failed in this cell; correct it in the spreadsheet",
    ))
}

#[cfg(test)]
mod tests;
