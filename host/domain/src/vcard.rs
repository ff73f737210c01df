//! Contact cards: vCard 3.0 (RFC 2426) as WhatsApp sends it.

use serde::{Deserialize, Serialize};

use crate::jid::PhoneNumber;

/// One person, as an address-book entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContactCard {
    /// The name shown.
    pub name: String,
    /// The entry, as vCard.
    pub vcard: String,
}

/// Why a text is no vCard that can be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCard {
    /// Too large.
    #[error("a contact card has at most {} bytes", ContactCard::MAX)]
    TooLarge,
    /// Not a vCard.
    #[error("a contact card begins with BEGIN:VCARD and ends with END:VCARD")]
    NotACard,
    /// Nameless.
    #[error("a contact card needs a name (FN)")]
    Nameless,
}

/// How a card ends.
const END: &str = "END:VCARD";

impl ContactCard {
    /// Largest card, in bytes.
    pub const MAX: usize = 16 * 1024;
    /// Most cards in one message.
    pub const MAX_CARDS: usize = 100;

    /// The card of somebody with these numbers.
    pub fn new(name: &str, numbers: &[PhoneNumber]) -> Self {
        Self::of_company(name, numbers, None)
    }

    /// The card of somebody at a company.
    pub fn of_company(name: &str, numbers: &[PhoneNumber], company: Option<&str>) -> Self {
        let mut vcard = String::from("BEGIN:VCARD\nVERSION:3.0\n");
        let shown = escape(name);
        vcard.push_str(&format!("N:;{shown};;;\nFN:{shown}\n"));
        if let Some(company) = company {
            vcard.push_str(&format!("ORG:{};\n", escape(company)));
        }
        for number in numbers {
            // `waid` is what makes the number a button for a chat on the phone.
            let digits = number.as_str();
            vcard.push_str(&format!(
                "TEL;type=CELL;type=VOICE;waid={digits}:+{digits}\n"
            ));
        }
        vcard.push_str(END);
        Self {
            name: name.to_owned(),
            vcard,
        }
    }

    /// The same card with an e-mail address.
    #[must_use]
    pub fn with_email(mut self, email: &str) -> Self {
        if let Some(begun) = self.vcard.strip_suffix(END) {
            self.vcard = format!("{begun}EMAIL;type=INTERNET:{}\n{END}", escape(email));
        }
        self
    }

    /// A card that a caller wrote.
    pub fn parse(vcard: &str) -> Result<Self, BadCard> {
        if vcard.len() > Self::MAX {
            return Err(BadCard::TooLarge);
        }
        let trimmed = vcard.trim();
        let mut lines = unfolded(trimmed);
        let first = lines.first().is_some_and(|line| is(line, "BEGIN", "VCARD"));
        let last = lines.last().is_some_and(|line| is(line, "END", "VCARD"));
        let begins = lines
            .iter()
            .filter(|line| is(line, "BEGIN", "VCARD"))
            .count();
        if !first || !last || begins != 1 {
            return Err(BadCard::NotACard);
        }
        let name = lines
            .iter_mut()
            .find_map(|line| value(line, "FN"))
            .map(|name| unescape(&name))
            .filter(|name| !name.trim().is_empty())
            .ok_or(BadCard::Nameless)?;
        Ok(Self {
            name,
            vcard: trimmed.to_owned(),
        })
    }

    /// The phone numbers on it, as far as they are ones.
    pub fn numbers(&self) -> Vec<PhoneNumber> {
        unfolded(&self.vcard)
            .iter()
            .filter_map(|line| value(line, "TEL"))
            .filter_map(|number| number.parse().ok())
            .collect()
    }
}

/// The lines of a card, with those that were folded put together again.
fn unfolded(vcard: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in vcard.lines() {
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(rest), Some(last)) => last.push_str(rest),
            _ => lines.push(line.trim_end().to_owned()),
        }
    }
    lines
}

fn is(line: &str, name: &str, wanted: &str) -> bool {
    value(line, name).is_some_and(|found| found.trim().eq_ignore_ascii_case(wanted))
}

/// The value of a line with this property name, whatever group and parameters it has.
fn value(line: &str, name: &str) -> Option<String> {
    let (property, value) = line.split_once(':')?;
    let property = property.split(';').next()?;
    let property = property
        .rsplit_once('.')
        .map_or(property, |(_, property)| property);
    property
        .eq_ignore_ascii_case(name)
        .then(|| value.to_owned())
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ',' | ';' => {
                escaped.push('\\');
                escaped.push(c);
            }
            '\n' => escaped.push_str("\\n"),
            '\r' => {}
            c => escaped.push(c),
        }
    }
    escaped
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n' | 'N') => plain.push('\n'),
                Some(other) => plain.push(other),
                None => {}
            },
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_break_out_of_its_line() -> Result<(), Box<dyn std::error::Error>> {
        let name = "Ada; Lovelace, \\ \nTEL:+1";
        let card = ContactCard::new(name, &["15550100".parse()?]);
        assert_eq!(ContactCard::parse(&card.vcard)?.name, name);
        assert_eq!(card.numbers(), ["15550100".parse()?]);
        Ok(())
    }

    #[test]
    fn folded_lines_groups_and_case_are_understood() -> Result<(), Box<dyn std::error::Error>> {
        let card = ContactCard::parse(
            "begin:vcard\r\nVERSION:4.0\r\nfn:Ada\r\n Lovelace\r\nitem1.TEL;TYPE=cell:+1 555 0100\r\nend:vcard\r\n",
        )?;
        assert_eq!(card.name, "AdaLovelace");
        assert_eq!(card.numbers(), ["15550100".parse()?]);
        Ok(())
    }

    #[test]
    fn what_is_no_card_is_refused() {
        assert_eq!(ContactCard::parse("hello"), Err(BadCard::NotACard));
        assert_eq!(
            ContactCard::parse("BEGIN:VCARD\nEND:VCARD"),
            Err(BadCard::Nameless)
        );
        let two = "BEGIN:VCARD\nFN:a\nEND:VCARD\nBEGIN:VCARD\nFN:b\nEND:VCARD";
        assert_eq!(ContactCard::parse(two), Err(BadCard::NotACard));
        assert_eq!(
            ContactCard::parse(&"x".repeat(ContactCard::MAX + 1)),
            Err(BadCard::TooLarge)
        );
    }
}
