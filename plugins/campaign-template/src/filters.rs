//! What is done to a value: `{{total | money: EUR}}`.

use crate::language::Language;
use crate::number::Number;

/// Filters, in words for whoever misspelt one.
const KNOWN: &str = "default, first, upper, lower, capital, number, money, date, plural";

/// What filters need to know.
pub(crate) struct Manner<'c> {
    pub(crate) language: &'static Language,
    /// The currency where a filter names none.
    pub(crate) currency: &'c str,
}

/// `value` after `filter` with its `argument`; the error says what is wrong.
pub(crate) fn apply(
    manner: &Manner<'_>,
    value: &str,
    filter: &str,
    argument: &str,
) -> Result<String, String> {
    let language = manner.language;
    let number = || Number::parse(value).ok_or_else(|| "is no number such as 1234.5".to_owned());
    Ok(match filter {
        "default" if value.trim().is_empty() => argument.trim_matches('"').to_owned(),
        "default" => value.to_owned(),
        "first" => value
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_owned(),
        "upper" => value.to_uppercase(),
        "lower" => value.to_lowercase(),
        "capital" => capital(value),
        "number" => {
            let number = number()?;
            let decimals = match argument {
                "" => number.decimals(),
                digits => digits
                    .parse()
                    .ok()
                    .filter(|decimals| *decimals <= 9)
                    .ok_or("`number` takes 0 to 9 decimals")?,
            };
            language.number(number, decimals)
        }
        "money" => {
            let currency = if argument.is_empty() {
                manner.currency
            } else {
                argument
            };
            if currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_alphabetic()) {
                return Err("`money` takes the code of a currency, such as EUR".to_owned());
            }
            language.money(number()?, currency)
        }
        "date" => {
            let (year, month, day) = date(value).ok_or("is no date such as 2026-01-05")?;
            match argument {
                "" | "long" => language.long_date(year, month, day),
                "short" => language.short_date(year, month, day),
                "iso" => format!("{year:04}-{month:02}-{day:02}"),
                _ => return Err("`date` is long, short or iso".to_owned()),
            }
        }
        "plural" => plural(language, number()?, argument)?,
        _ => return Err(format!("there is no filter `{filter}`; there are {KNOWN}")),
    })
}

/// With its first letter as a capital.
fn capital(value: &str) -> String {
    let mut letters = value.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// The first ten characters of an ISO date or time.
fn date(value: &str) -> Option<(u32, u32, u32)> {
    let date = value.trim().get(..10)?;
    let mut parts = date.split('-').map(str::parse::<u32>);
    let (year, month, day) = (
        parts.next()?.ok()?,
        parts.next()?.ok()?,
        parts.next()?.ok()?,
    );
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    (1..=days).contains(&day).then_some((year, month, day))
}

/// The form among `one = # item; other = # items` that goes with the number; `#` is the number.
fn plural(language: &Language, number: Number<'_>, forms: &str) -> Result<String, String> {
    let wanted = language.plural(number);
    let find = |word: &str| {
        forms.split(';').find_map(|form| {
            let (name, text) = form.split_once('=')?;
            (name.trim() == word).then(|| text.trim())
        })
    };
    let form = find(wanted)
        .or_else(|| find("other"))
        .ok_or_else(|| format!("`plural` needs `other = …`, or `{wanted} = …` for this number"))?;
    Ok(form.replace('#', &language.number(number, number.decimals())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn english(value: &str, filter: &str, argument: &str) -> Result<String, String> {
        let manner = Manner {
            language: Language::of("en")?,
            currency: "USD",
        };
        apply(&manner, value, filter, argument)
    }

    #[test]
    fn filters_change_what_they_say() {
        for (value, filter, argument, expected) in [
            ("", "default", "there", "there"),
            ("Ana", "default", "there", "Ana"),
            ("Ana Lima", "first", "", "Ana"),
            ("ana", "capital", "", "Ana"),
            ("ana", "upper", "", "ANA"),
            ("1234.50", "number", "", "1,234.50"),
            ("1234.5", "number", "0", "1,235"),
            ("1234.5", "money", "", "$1,234.50"),
            ("1234.5", "money", "EUR", "€1,234.50"),
            ("2026-01-05T09:00:00Z", "date", "", "January 5, 2026"),
            ("2028-02-29", "date", "short", "2/29/2028"),
            ("1", "plural", "one = # item; other = # items", "1 item"),
            (
                "1200",
                "plural",
                "one = # item; other = # items",
                "1,200 items",
            ),
        ] {
            assert_eq!(
                english(value, filter, argument),
                Ok(expected.to_owned()),
                "{filter}"
            );
        }
    }

    #[test]
    fn what_cannot_be_done_is_told() {
        for (value, filter, argument, expected) in [
            ("x", "number", "", "is no number"),
            ("5", "number", "12", "0 to 9"),
            ("5", "money", "euro", "code of a currency"),
            ("2026-02-29", "date", "", "is no date"),
            ("5 January", "date", "", "is no date"),
            ("5", "plural", "one = x", "needs `other"),
            (
                "5",
                "shout",
                "",
                "there is no filter `shout`; there are default",
            ),
        ] {
            let error = english(value, filter, argument).err().unwrap_or_default();
            assert!(error.contains(expected), "{filter}: {error}");
        }
    }
}
