//! Which column is what.

use std::sync::Arc;

use warbler_domain::campaign::Campaign;
use warbler_domain::jid::PhoneNumber;

use crate::campaigns::collect::Collector;

/// What the column with the number may be called.
const NUMBERS: [&str; 16] = [
    "number",
    "phone",
    "phonenumber",
    "mobile",
    "mobilenumber",
    "mobilephone",
    "cell",
    "cellphone",
    "telephone",
    "tel",
    "whatsapp",
    "whatsappnumber",
    "contactnumber",
    "msisdn",
    "recipient",
    "to",
];
/// What the column with the name may be called.
const NAMES: [&str; 6] = [
    "name",
    "fullname",
    "contactname",
    "recipientname",
    "customername",
    "displayname",
];
/// Other names of fields that templates know by one.
const FIELDS: [(&str, &str); 8] = [
    ("company", "companyName"),
    ("companyname", "companyName"),
    ("organisation", "companyName"),
    ("organization", "companyName"),
    ("jobtitle", "jobTitle"),
    ("job", "jobTitle"),
    ("position", "jobTitle"),
    ("role", "jobTitle"),
];

/// Which columns to take for what, where their names do not say it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping {
    /// The column with the number.
    pub number: Option<String>,
    /// The column with the name.
    pub name: Option<String>,
}

/// One column.
pub(super) struct Column {
    /// What the file calls it.
    pub(super) written: String,
    /// The field it fills, if it has a name.
    pub(super) field: Option<Arc<str>>,
}

/// The header of a file.
pub(super) struct Header {
    pub(super) columns: Vec<Column>,
    /// Where the number is.
    pub(super) number: usize,
    /// Where the name is.
    pub(super) name: Option<usize>,
}

impl Header {
    /// Reads the first row.
    pub(super) fn of(
        cells: &[String],
        mapping: &Mapping,
        collector: &mut Collector,
    ) -> Result<Self, String> {
        let forms: Vec<String> = cells.iter().map(|cell| one_form(cell)).collect();
        let written = || {
            let shown: Vec<_> = cells.iter().take(20).map(|cell| shorten(cell)).collect();
            shown.join(", ")
        };
        for (place, form) in forms.iter().enumerate() {
            let earlier = forms.get(..place).unwrap_or_default();
            if !form.is_empty() && earlier.contains(form) {
                let name = cells
                    .get(place)
                    .map_or_else(String::new, |cell| shorten(cell));
                return Err(format!("two columns are called {name}; rename one of them"));
            }
        }
        let find = |asked: &Option<String>, known: &[&str]| match asked {
            Some(asked) => {
                let found = forms.iter().position(|form| *form == one_form(asked));
                let asked = shorten(asked);
                found
                    .map(Some)
                    .ok_or_else(|| format!("there is no column {asked}; there are {}", written()))
            }
            None => Ok(known
                .iter()
                .find_map(|name| forms.iter().position(|form| form == name))),
        };
        let number = find(&mapping.number, &NUMBERS)?.ok_or_else(|| {
            let data = cells.iter().any(|cell| cell.parse::<PhoneNumber>().is_ok());
            if data {
                "the first row is a recipient; put a row with the names of the columns before it, one of them `number`"
                    .to_owned()
            } else {
                format!(
                    "no column is called `number` or `phone`; there are {}. Rename one, or say which it is",
                    written()
                )
            }
        })?;
        let name = find(&mapping.name, &NAMES)?.filter(|name| *name != number);
        if cells.len() > Campaign::MAX_FIELDS + 2 {
            let most = Campaign::MAX_FIELDS;
            return Err(format!(
                "a list has at most {most} columns besides number and name"
            ));
        }
        let columns = cells.iter().zip(&forms).enumerate();
        let columns = columns.map(|(place, (cell, form))| {
            let field = (place != number && Some(place) != name && !form.is_empty())
                .then(|| collector.column(field_of(cell, form)));
            Column {
                written: cell.trim().chars().take(64).collect(),
                field,
            }
        });
        Ok(Self {
            columns: columns.collect(),
            number,
            name,
        })
    }
}

/// What the field of a column is called.
fn field_of<'a>(cell: &'a str, form: &str) -> &'a str {
    let known = FIELDS.iter().find(|(name, _)| *name == form);
    known.map_or(cell.trim(), |(_, field)| field)
}

/// A name in lower case, without what joins words.
fn one_form(name: &str) -> String {
    name.trim()
        .chars()
        .filter(|c| !matches!(c, '_' | '-' | ' ' | '.' | '\u{feff}'))
        .flat_map(char::to_lowercase)
        .collect()
}

fn shorten(text: &str) -> String {
    format!("`{}`", text.trim().chars().take(40).collect::<String>())
}
