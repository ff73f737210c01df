//! Recipients from whatever list they come, each looked at, with an answer for every row that
//! cannot be used.

use std::collections::HashMap;
use std::sync::Arc;

use warbler_domain::campaign::Campaign;
use warbler_domain::{Jid, Recipient};

/// Most answers that are given about one list; the rest is only counted.
pub const MAX_ANSWERS: usize = 1_000;
/// Longest part of a value that an answer quotes, in characters.
const QUOTED: usize = 40;

/// What is wrong with one row, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// Which row: of a CSV file as spreadsheets count, the header being 1; else the recipient's
    /// place, from 1.
    pub row: u32,
    /// The column, as the list calls it; absent where it is about the whole row.
    pub column: Option<String>,
    /// A stable word.
    pub code: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

/// A recipient that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    /// Its row.
    pub row: u32,
    /// To whom.
    pub to: Jid,
    /// What the recipient is called.
    pub name: Option<String>,
    /// What else is known: names, shared by all recipients, and values.
    pub fields: Vec<(Arc<str>, String)>,
}

/// A list that has been looked at.
#[derive(Debug, Clone, Default)]
pub struct Recipients {
    /// Those that can be used, in their order.
    pub good: Vec<Collected>,
    /// The names of the fields they have.
    pub columns: Vec<String>,
    /// What is wrong with the others; at most [`MAX_ANSWERS`].
    pub errors: Vec<RowError>,
    /// How many rows cannot be used.
    pub bad: u32,
    /// How many rows there are.
    pub rows: u32,
}

/// More recipients than a campaign has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a campaign has at most {} recipients; split the list",
    Campaign::MAX_RECIPIENTS
)]
pub struct TooManyRecipients;

/// Takes a list row by row.
#[derive(Debug, Default)]
pub struct Collector {
    list: Recipients,
    seen: HashMap<Jid, u32>,
    names: HashMap<String, Arc<str>>,
}

/// One row as it was written.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// Which.
    pub row: u32,
    /// Where the number was written.
    pub column: &'a str,
    /// The number, or a JID.
    pub to: &'a str,
}

impl Collector {
    /// Names a field, so that it is known though no recipient has a value.
    pub fn column(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.get(name) {
            return Arc::clone(known);
        }
        let shared: Arc<str> = name.into();
        self.names.insert(name.to_owned(), Arc::clone(&shared));
        self.list.columns.push(name.to_owned());
        shared
    }

    /// Takes one row.
    ///
    /// # Errors
    /// Only when there are too many.
    pub fn add(
        &mut self,
        row: Row<'_>,
        name: Option<String>,
        fields: Vec<(Arc<str>, String)>,
    ) -> Result<(), TooManyRecipients> {
        self.count()?;
        let at = |code, message: String| RowError {
            row: row.row,
            column: Some(row.column.to_owned()),
            code,
            message,
        };
        let to = match parsed(row.to) {
            Ok(to) => to,
            Err((code, message)) => {
                self.refuse(at(code, message));
                return Ok(());
            }
        };
        let long = fields
            .iter()
            .find(|(_, value)| value.len() > Campaign::MAX_VALUE);
        if let Some((name, _)) = long {
            let message = format!(
                "a value has at most {} bytes; shorten it",
                Campaign::MAX_VALUE
            );
            self.refuse(RowError {
                column: Some(name.to_string()),
                ..at("value_too_long", message)
            });
            return Ok(());
        }
        if fields.len() > Campaign::MAX_FIELDS {
            let message = format!("a recipient has at most {} fields", Campaign::MAX_FIELDS);
            self.refuse(at("too_many_fields", message));
            return Ok(());
        }
        if let Some(first) = self.seen.get(&to) {
            let message = format!("row {first} is the same recipient; delete one of them");
            self.refuse(at("duplicate", message));
            return Ok(());
        }
        self.seen.insert(to.clone(), row.row);
        self.list.good.push(Collected {
            row: row.row,
            to,
            name: name.filter(|name| !name.is_empty()),
            fields,
        });
        Ok(())
    }

    /// Notes a row that cannot even be read.
    ///
    /// # Errors
    /// Only when there are too many.
    pub fn add_bad(&mut self, error: RowError) -> Result<(), TooManyRecipients> {
        self.count()?;
        self.refuse(error);
        Ok(())
    }

    /// The whole list.
    pub fn finish(self) -> Recipients {
        self.list
    }

    fn count(&mut self) -> Result<(), TooManyRecipients> {
        if self.list.rows as usize >= Campaign::MAX_RECIPIENTS {
            return Err(TooManyRecipients);
        }
        self.list.rows += 1;
        Ok(())
    }

    fn refuse(&mut self, error: RowError) {
        self.list.bad += 1;
        if self.list.errors.len() < MAX_ANSWERS {
            self.list.errors.push(error);
        }
    }
}

/// The address that a cell stands for.
fn parsed(text: &str) -> Result<Jid, (&'static str, String)> {
    let text = text.trim();
    if text.is_empty() {
        let message = "there is no number; fill the cell or delete the row";
        return Err(("missing_number", message.to_owned()));
    }
    let shown: String = text.chars().take(QUOTED).collect();
    // What spreadsheets make of long numbers.
    let rounded = text.contains(['e', 'E'])
        && text.parse::<f64>().is_ok()
        && text.contains(|c: char| c.is_ascii_digit());
    if rounded {
        let message = format!(
            "`{shown}` was rounded by a spreadsheet; format the column as text and enter the number again"
        );
        return Err(("rounded_number", message));
    }
    let recipient: Result<Recipient, _> = text.parse();
    let jid = recipient.map_err(|_| {
        let message = format!(
            "`{shown}` is not a phone number; write it in international form, such as +15550123"
        );
        ("bad_number", message)
    })?;
    let jid = jid.into_jid();
    match jid.server() {
        warbler_domain::jid::Server::Pn
        | warbler_domain::jid::Server::Lid
        | warbler_domain::jid::Server::Group => Ok(jid),
        _ => {
            let message = format!("nobody can be written to at `{shown}`; write a phone number");
            Err(("bad_number", message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collected(numbers: &[&str]) -> Recipients {
        let mut collector = Collector::default();
        for (row, to) in (1..).zip(numbers) {
            let row = Row {
                row,
                column: "number",
                to,
            };
            assert!(collector.add(row, None, Vec::new()).is_ok());
        }
        collector.finish()
    }

    #[test]
    fn every_row_that_cannot_be_used_has_an_answer() {
        let list = collected(&[
            "+1 555 0100",
            "15550100",
            "",
            "hello",
            "1.55501E+10",
            "status@broadcast",
            "15550101@c.us",
        ]);
        let codes: Vec<_> = list.errors.iter().map(|e| (e.row, e.code)).collect();
        assert_eq!(
            codes,
            [
                (2, "duplicate"),
                (3, "missing_number"),
                (4, "bad_number"),
                (5, "rounded_number"),
                (6, "bad_number")
            ]
        );
        assert_eq!((list.good.len(), list.bad, list.rows), (2, 5, 7));
    }

    #[test]
    fn answers_are_bounded_and_all_bad_rows_are_counted() {
        let list = collected(&vec!["x"; MAX_ANSWERS + 5]);
        assert_eq!(list.errors.len(), MAX_ANSWERS);
        assert_eq!(list.bad as usize, MAX_ANSWERS + 5);
    }
}
