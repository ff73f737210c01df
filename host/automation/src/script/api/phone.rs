//! Phone numbers, as people write them and as they are compared.

use rhai::{Dynamic, ImmutableString};
use warbler_domain::{Jid, PhoneNumber};

use crate::script::book::Book;

pub(super) fn register(book: &mut Book<'_>) {
    book.chapter("Phone numbers")
        .add(
            "phone(text) -> text",
            "A number in one form, `+` and digits, out of a number or a JID; `()` when it is none, or is hidden.",
            "phone(\"+1 (555) 0100\") // \"+15550100\"\nphone(message.sender) // \"+15550100\"\nphone(\"later\") // ()",
            |text: &str| number(text).map_or(Dynamic::UNIT, |digits| format!("+{digits}").into()),
        )
        .add(
            "phone_pretty(text) -> text",
            "The same in groups that can be read out; what is no number stays as it is.",
            "phone_pretty(\"15550100\") // \"+15 550 100\"\nphone_pretty(\"4915112345678\") // \"+49 151 123 456 78\"",
            |text: ImmutableString| match number(&text) {
                Some(digits) => pretty(&digits),
                None => text.into(),
            },
        )
        .add(
            "phone_hidden(text) -> text",
            "The same with all but its end hidden: for logs.",
            "phone_hidden(\"+1 555 0100\") // \"+*****100\"",
            |text: ImmutableString| match number(&text) {
                Some(digits) => {
                    let hidden = digits.len().saturating_sub(3);
                    let end = digits.get(hidden..).unwrap_or_default();
                    format!("+{}{end}", "*".repeat(hidden))
                }
                None => "***".to_owned(),
            },
        );
}

/// The digits of a number, or of the number of a JID.
fn number(text: &str) -> Option<String> {
    if text.contains('@') {
        let jid: Jid = text.parse().ok()?;
        let text = jid.to_string();
        let (digits, _) = text
            .strip_suffix("@s.whatsapp.net")
            .map(|user| (user, ()))?;
        return digits
            .parse::<PhoneNumber>()
            .ok()
            .map(|number| digits_of(&number));
    }
    text.parse::<PhoneNumber>()
        .ok()
        .map(|number| digits_of(&number))
}

fn digits_of(number: &PhoneNumber) -> String {
    let text = number.to_string();
    text.chars().filter(char::is_ascii_digit).collect()
}

/// `+49 151 123 456 78`: two digits, and groups of three.
fn pretty(digits: &str) -> String {
    let mut pretty = String::from("+");
    for (index, digit) in digits.chars().enumerate() {
        if index >= 2 && (index - 2) % 3 == 0 {
            pretty.push(' ');
        }
        pretty.push(digit);
    }
    pretty
}
