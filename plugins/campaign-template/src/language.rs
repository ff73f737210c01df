//! How languages write numbers, money and dates, and which plurals they have.

use crate::number::Number;

/// What is known of a language.
pub(crate) struct Language {
    pub(crate) code: &'static str,
    decimal: char,
    group: &'static str,
    money: Money,
    date: Date,
    plural: fn(u64) -> &'static str,
    months: [&'static str; 12],
}

/// Where the sign of a currency stands.
#[derive(Clone, Copy)]
enum Money {
    /// `$5`
    Before,
    /// `R$ 5`
    BeforeSpaced,
    /// `5 €`
    Behind,
}

/// How a date is written: short with digits, and long around the month's name.
#[derive(Clone, Copy)]
enum Date {
    /// `1/5/2026`, `January 5, 2026`
    MonthFirst,
    /// `05/01/2026` and between day, month and year of the long one this
    Slashed(&'static str, &'static str),
    /// `05.01.2026`, the same
    Dotted(&'static str, &'static str),
    /// `05-01-2026`, the same
    Dashed(&'static str, &'static str),
}

/// A space that no line is broken at.
const NBSP: &str = "\u{a0}";

#[rustfmt::skip]
const LANGUAGES: [Language; 15] = [
    Language { code: "en", decimal: '.', group: ",", money: Money::Before, date: Date::MonthFirst, plural: one_other,
        months: ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"] },
    Language { code: "es", decimal: ',', group: ".", money: Money::Behind, date: Date::Slashed(" de ", " de "), plural: one_other,
        months: ["enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"] },
    Language { code: "pt", decimal: ',', group: ".", money: Money::BeforeSpaced, date: Date::Slashed(" de ", " de "), plural: up_to_one,
        months: ["janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro", "dezembro"] },
    Language { code: "fr", decimal: ',', group: "\u{202f}", money: Money::Behind, date: Date::Slashed(" ", " "), plural: up_to_one,
        months: ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"] },
    Language { code: "de", decimal: ',', group: ".", money: Money::Behind, date: Date::Dotted(". ", " "), plural: one_other,
        months: ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"] },
    Language { code: "it", decimal: ',', group: ".", money: Money::Behind, date: Date::Slashed(" ", " "), plural: one_other,
        months: ["gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre"] },
    Language { code: "nl", decimal: ',', group: ".", money: Money::BeforeSpaced, date: Date::Dashed(" ", " "), plural: one_other,
        months: ["januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november", "december"] },
    Language { code: "pl", decimal: ',', group: NBSP, money: Money::Behind, date: Date::Dotted(" ", " "), plural: polish,
        months: ["stycznia", "lutego", "marca", "kwietnia", "maja", "czerwca", "lipca", "sierpnia", "września", "października", "listopada", "grudnia"] },
    Language { code: "cs", decimal: ',', group: NBSP, money: Money::Behind, date: Date::Dotted(". ", " "), plural: czech,
        months: ["ledna", "února", "března", "dubna", "května", "června", "července", "srpna", "září", "října", "listopadu", "prosince"] },
    Language { code: "ru", decimal: ',', group: NBSP, money: Money::Behind, date: Date::Dotted(" ", " "), plural: east_slavic,
        months: ["января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября", "декабря"] },
    Language { code: "uk", decimal: ',', group: NBSP, money: Money::Behind, date: Date::Dotted(" ", " "), plural: east_slavic,
        months: ["січня", "лютого", "березня", "квітня", "травня", "червня", "липня", "серпня", "вересня", "жовтня", "листопада", "грудня"] },
    Language { code: "tr", decimal: ',', group: ".", money: Money::Before, date: Date::Dotted(" ", " "), plural: one_other,
        months: ["Ocak", "Şubat", "Mart", "Nisan", "Mayıs", "Haziran", "Temmuz", "Ağustos", "Eylül", "Ekim", "Kasım", "Aralık"] },
    Language { code: "id", decimal: ',', group: ".", money: Money::BeforeSpaced, date: Date::Slashed(" ", " "), plural: always_other,
        months: ["Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September", "Oktober", "November", "Desember"] },
    Language { code: "ar", decimal: '.', group: ",", money: Money::Behind, date: Date::Slashed(" ", " "), plural: arabic,
        months: ["يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر"] },
    Language { code: "hi", decimal: '.', group: ",", money: Money::Before, date: Date::Slashed(" ", " "), plural: up_to_one,
        months: ["जनवरी", "फ़रवरी", "मार्च", "अप्रैल", "मई", "जून", "जुलाई", "अगस्त", "सितंबर", "अक्टूबर", "नवंबर", "दिसंबर"] },
];

/// Currencies with a sign of their own.
const SIGNS: [(&str, &str); 15] = [
    ("EUR", "€"),
    ("USD", "$"),
    ("GBP", "£"),
    ("BRL", "R$"),
    ("MXN", "$"),
    ("INR", "₹"),
    ("IDR", "Rp"),
    ("TRY", "₺"),
    ("PLN", "zł"),
    ("CZK", "Kč"),
    ("RUB", "₽"),
    ("UAH", "₴"),
    ("JPY", "¥"),
    ("CNY", "¥"),
    ("KRW", "₩"),
];
/// Currencies without smaller coins.
const WHOLE: [&str; 5] = ["JPY", "KRW", "IDR", "CLP", "VND"];

impl Language {
    /// The language of a code such as `pt` or `pt-BR`.
    pub(crate) fn of(code: &str) -> Result<&'static Self, String> {
        let word = code.split(['-', '_']).next().unwrap_or_default().trim();
        let found = LANGUAGES
            .iter()
            .find(|language| language.code.eq_ignore_ascii_case(word));
        found.ok_or_else(|| {
            let codes: Vec<_> = LANGUAGES.iter().map(|language| language.code).collect();
            format!(
                "the language `{code}` is not known; known are {}",
                codes.join(", ")
            )
        })
    }

    /// The number with so many decimals.
    pub(crate) fn number(&self, number: Number<'_>, decimals: usize) -> String {
        let (whole, parts) = number.rounded(decimals);
        let mut out = String::new();
        if number.negative && (whole, parts) != (0, 0) {
            out.push('-');
        }
        let digits = whole.to_string();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && self.is_group(digits.len() - at) {
                out.push_str(self.group);
            }
            out.push(digit);
        }
        if decimals > 0 {
            out.push(self.decimal);
            out.push_str(&format!("{parts:0decimals$}"));
        }
        out
    }

    /// Whether a group of digits ends before the last `left` ones.
    fn is_group(&self, left: usize) -> bool {
        match self.code {
            "hi" => left == 3 || (left > 3 && left % 2 == 1),
            _ => left.is_multiple_of(3),
        }
    }

    /// An amount of money in the currency with this code.
    pub(crate) fn money(&self, number: Number<'_>, currency: &str) -> String {
        let currency = currency.to_ascii_uppercase();
        let decimals = if WHOLE.contains(&currency.as_str()) {
            0
        } else {
            2
        };
        let text = self.number(number, decimals);
        let found = SIGNS.iter().find(|(code, _)| *code == currency);
        let Some((_, sign)) = found else {
            return format!("{text}{NBSP}{currency}");
        };
        let (minus, text) = match text.strip_prefix('-') {
            Some(text) => ("-", text),
            None => ("", text.as_str()),
        };
        match self.money {
            Money::Before => format!("{minus}{sign}{text}"),
            Money::BeforeSpaced => format!("{minus}{sign}{NBSP}{text}"),
            Money::Behind => format!("{minus}{text}{NBSP}{sign}"),
        }
    }

    /// A date with digits alone.
    pub(crate) fn short_date(&self, year: u32, month: u32, day: u32) -> String {
        match self.date {
            Date::MonthFirst => format!("{month}/{day}/{year}"),
            Date::Slashed(..) => format!("{day:02}/{month:02}/{year}"),
            Date::Dotted(..) => format!("{day:02}.{month:02}.{year}"),
            Date::Dashed(..) => format!("{day:02}-{month:02}-{year}"),
        }
    }

    /// A date with the month's name.
    pub(crate) fn long_date(&self, year: u32, month: u32, day: u32) -> String {
        let index = usize::try_from(month).unwrap_or_default().saturating_sub(1);
        let name = self.months.get(index).copied().unwrap_or_default();
        match self.date {
            Date::MonthFirst => format!("{name} {day}, {year}"),
            Date::Slashed(first, second)
            | Date::Dotted(first, second)
            | Date::Dashed(first, second) => {
                format!("{day}{first}{name}{second}{year}")
            }
        }
    }

    /// The form of words that goes with the number: `zero`, `one`, `two`, `few`, `many` or `other`.
    pub(crate) fn plural(&self, number: Number<'_>) -> &'static str {
        number.whole().map_or("other", self.plural)
    }
}

fn always_other(_: u64) -> &'static str {
    "other"
}

fn one_other(n: u64) -> &'static str {
    if n == 1 { "one" } else { "other" }
}

fn up_to_one(n: u64) -> &'static str {
    if n <= 1 { "one" } else { "other" }
}

fn czech(n: u64) -> &'static str {
    match n {
        1 => "one",
        2..=4 => "few",
        _ => "other",
    }
}

fn polish(n: u64) -> &'static str {
    match (n, n % 10, n % 100) {
        (1, ..) => "one",
        (_, 2..=4, tens) if !(12..=14).contains(&tens) => "few",
        _ => "many",
    }
}

fn east_slavic(n: u64) -> &'static str {
    match (n % 10, n % 100) {
        (1, tens) if tens != 11 => "one",
        (2..=4, tens) if !(12..=14).contains(&tens) => "few",
        _ => "many",
    }
}

fn arabic(n: u64) -> &'static str {
    match (n, n % 100) {
        (0, _) => "zero",
        (1, _) => "one",
        (2, _) => "two",
        (_, 3..=10) => "few",
        (_, 11..=99) => "many",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(code: &str, text: &str, currency: &str) -> Result<String, String> {
        let number = Number::parse(text).ok_or("a number")?;
        Ok(Language::of(code)?.money(number, currency))
    }

    #[test]
    fn money_is_written_as_the_language_writes_it() -> Result<(), String> {
        assert_eq!(written("en", "1234567.5", "usd")?, "$1,234,567.50");
        assert_eq!(written("de", "-1234.5", "EUR")?, "-1.234,50\u{a0}€");
        assert_eq!(written("pt-BR", "1234.5", "BRL")?, "R$\u{a0}1.234,50");
        assert_eq!(written("hi", "1234567", "INR")?, "₹12,34,567.00");
        assert_eq!(written("en", "1999.6", "JPY")?, "¥2,000");
        assert_eq!(written("fr", "999", "CHF")?, "999,00\u{a0}CHF");
        Ok(())
    }

    #[test]
    fn plurals_follow_the_language() -> Result<(), String> {
        let form = |code, text| -> Result<&str, String> {
            Ok(Language::of(code)?.plural(Number::parse(text).ok_or("a number")?))
        };
        assert_eq!((form("en", "1")?, form("en", "0")?), ("one", "other"));
        assert_eq!((form("fr", "0")?, form("fr", "2")?), ("one", "other"));
        assert_eq!(
            (form("pl", "22")?, form("pl", "12")?, form("pl", "5")?),
            ("few", "many", "many")
        );
        assert_eq!(
            (form("ru", "21")?, form("ru", "11")?, form("ru", "3")?),
            ("one", "many", "few")
        );
        assert_eq!(
            (form("ar", "2")?, form("ar", "105")?, form("ar", "100")?),
            ("two", "few", "other")
        );
        assert_eq!(form("en", "1.5")?, "other");
        Ok(())
    }

    #[test]
    fn dates_follow_the_language() -> Result<(), String> {
        let dates = |code| -> Result<(String, String), String> {
            let language = Language::of(code)?;
            Ok((
                language.short_date(2026, 3, 5),
                language.long_date(2026, 3, 5),
            ))
        };
        assert_eq!(
            dates("en")?,
            ("3/5/2026".to_owned(), "March 5, 2026".to_owned())
        );
        assert_eq!(
            dates("es")?,
            ("05/03/2026".to_owned(), "5 de marzo de 2026".to_owned())
        );
        assert_eq!(
            dates("de")?,
            ("05.03.2026".to_owned(), "5. März 2026".to_owned())
        );
        Ok(())
    }

    #[test]
    fn an_unknown_language_names_the_known_ones() {
        let error = Language::of("xx").err().unwrap_or_default();
        assert!(error.contains("known are en, es"), "{error}");
    }
}
