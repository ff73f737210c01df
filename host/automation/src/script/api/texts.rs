//! Texts: looking into them, cutting them, putting them together.

use rhai::{Array, Dynamic, ImmutableString, Map};
use warbler_domain::rule::fold;
use warbler_domain::{Random, template};

use super::{Answer, in_call, runtime};
use crate::script::book::Book;
use crate::script::{json, plain};

/// Most columns a text is padded to.
const MAX_PAD: usize = 10_000;

pub(super) fn register(book: &mut Book<'_>) {
    register_looking(book);
    register_changing(book);
    register_lists(book);
    register_json(book);
}

fn register_looking(book: &mut Book<'_>) {
    book.chapter("Texts")
        .add(
            "contains_any(text, list) -> bool",
            "Whether one of these is anywhere in the text, whatever the case.",
            "contains_any(\"What does it COST?\", [\"price\", \"cost\"]) // true",
            |text: &str, parts: Array| any(text, &parts, |text, part| text.contains(part)),
        )
        .add(
            "has_any_word(text, list) -> bool",
            "The same for whole words.",
            "has_any_word(\"priceless\", [\"price\"]) // false\nhas_any_word(\"The price?\", [\"price\"]) // true",
            |text: &str, words: Array| any(text, &words, has_word),
        )
        .add(
            "is_any(text, list) -> bool",
            "Whether the text is one of these, whatever case, accents and the spaces around it.",
            "is_any(\" SÍ \", [\"yes\", \"si\"]) // true",
            |text: &str, parts: Array| {
                let text = fold(text);
                any(&text, &parts, |text, part| text == fold(part))
            },
        )
        .add(
            "starts_with_any(text, list) -> bool",
            "Whether the text begins with one of these, whatever the case.",
            "starts_with_any(\"Order 4711\", [\"order \", \"bestellung \"]) // true",
            |text: &str, parts: Array| any(text, &parts, |text, part| text.starts_with(part)),
        );
}

fn register_changing(book: &mut Book<'_>) {
    book.add(
        "to_lower(text) -> text",
        "A copy in lower case.",
        "to_lower(\"HELLO\") // \"hello\"",
        |text: &str| text.to_lowercase(),
    )
    .add(
        "to_upper(text) -> text",
        "A copy in upper case.",
        "to_upper(\"hello\") // \"HELLO\"",
        |text: &str| text.to_uppercase(),
    )
    .add(
        "capital(text) -> text",
        "A copy with its first letter as a capital.",
        "capital(\"ada lovelace\") // \"Ada lovelace\"",
        plain::capital,
    )
    .add(
        "title(text) -> text",
        "A copy with a capital at the beginning of every word.",
        "title(\"ada lovelace\") // \"Ada Lovelace\"",
        |text: &str| {
            let words: Vec<String> = text.split(' ').map(plain::capital).collect();
            words.join(" ")
        },
    )
    .add(
        "trim(text) -> text",
        "A copy without spaces at both ends.",
        "trim(\"  Hello \") // \"Hello\"",
        |text: &str| text.trim().to_owned(),
    )
    .add(
        "no_accents(text) -> text",
        "A copy without accents.",
        "no_accents(\"Öffnungszeiten à São Paulo\") // \"Offnungszeiten a Sao Paulo\"",
        plain::without_accents,
    )
    .add(
        "short(text, length) -> text",
        "A copy of at most so many characters, with `…` at the end where something was cut off.",
        "short(\"Good morning\", 6) // \"Good …\"",
        |text: &str, length: i64| {
            let most = usize::try_from(length).unwrap_or(0);
            if text.chars().count() <= most {
                return text.to_owned();
            }
            let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
            short.push('…');
            short
        },
    )
    .add(
        "pad_left(text, length, with) -> text",
        "A copy of at least so many characters, filled at its beginning.",
        "pad_left(7, 3, \"0\") // \"007\"",
        |text: Dynamic, length: i64, with: &str| -> Answer<String> {
            let text = text.to_string();
            Ok(format!("{}{text}", filling(&text, length, with)?))
        },
    )
    .add(
        "pad_right(text, length, with) -> text",
        "The same, filled at its end.",
        "pad_right(\"Tea\", 6, \".\") // \"Tea...\"",
        |text: Dynamic, length: i64, with: &str| -> Answer<String> {
            let text = text.to_string();
            Ok(format!("{text}{}", filling(&text, length, with)?))
        },
    )
    .add(
        "plural(count, one, many) -> text",
        "A number with the word that goes with it.",
        "plural(1, \"pizza\", \"pizzas\") // \"1 pizza\"\nplural(3, \"pizza\", \"pizzas\") // \"3 pizzas\"",
        |count: i64, one: &str, many: &str| {
            let word = if count == 1 { one } else { many };
            format!("{count} {word}")
        },
    )
    .add(
        "fill(template, #{…}) -> text",
        "A text of the kind campaigns have: `{{Name}}`, `{{ name.or(\"friend\") }}`, `{hello|hi}`.",
        "fill(\"{Hi|Hi} {{Name}}!\", #{ name: \"Ada\" }) // \"Hi Ada!\"",
        fill,
    );
}

fn register_lists(book: &mut Book<'_>) {
    book.add(
        "words(text) -> list",
        "The words of a text, without what stands between them.",
        "words(\"Two pizzas, please!\") // [\"Two\", \"pizzas\", \"please\"]",
        |text: &str| {
            let words = text.split(|c: char| !c.is_alphanumeric());
            list(words.filter(|word| !word.is_empty()))
        },
    )
    .add(
        "lines(text) -> list",
        "Its lines.",
        "lines(\"a\\nb\") // [\"a\", \"b\"]",
        |text: &str| list(text.lines()),
    )
    .add(
        "join(list, between) -> text",
        "One text of several.",
        "join([1, 2, 3], \", \") // \"1, 2, 3\"",
        |items: Array, between: &str| {
            let items: Vec<String> = items.iter().map(ToString::to_string).collect();
            items.join(between)
        },
    )
    .add(
        "to_number(text) -> number",
        "The number in a text, with a point or a comma; `()` when it is none.",
        "to_number(\" 42 \") // 42\nto_number(\"19,90\") // 19.9\nto_number(\"many\") // ()",
        |text: &str| {
            let text = text.trim();
            if let Ok(whole) = text.parse::<i64>() {
                return Dynamic::from(whole);
            }
            let number = text.replacen(',', ".", 1).parse::<f64>().ok();
            let number = number.filter(|number| number.is_finite());
            number.map_or(Dynamic::UNIT, Dynamic::from)
        },
    );
}

fn register_json(book: &mut Book<'_>) {
    book.add(
        "parse_json(text) -> value",
        "The map, list, text or number that a JSON text says.",
        "parse_json(`{\"seats\": [4, 6]}`).seats // [4, 6]",
        |text: &str| -> Answer<Dynamic> {
            json::parse(text).map_err(|error| runtime(format!("the text {error}")))
        },
    )
    .add(
        "to_json(value) -> text",
        "A value as JSON.",
        "to_json(#{ name: \"Ada\", seats: 4 }) // `{\"name\":\"Ada\",\"seats\":4}`",
        |value: Dynamic| -> Answer<String> { json::text(&value).map_err(runtime) },
    );
}

fn list<'t>(items: impl Iterator<Item = &'t str>) -> Array {
    items.map(|item| item.to_owned().into()).collect()
}

fn filling(text: &str, length: i64, with: &str) -> Answer<String> {
    let length = usize::try_from(length).unwrap_or(0);
    if length > MAX_PAD {
        return Err(runtime(format!(
            "a text is padded to at most {MAX_PAD} characters"
        )));
    }
    let missing = length.saturating_sub(text.chars().count());
    Ok(with.chars().cycle().take(missing).collect())
}

fn fill(text: &str, fields: Map) -> Answer<String> {
    let fields: Vec<(String, String)> = fields
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    let template = template::check(text, &names).map_err(|error| runtime(error.to_string()))?;
    let seed = in_call(|call| Ok(rand::RngExt::random::<u64>(call.random())))?;
    let filled = template.render(&fields, &Random::seeded(seed));
    filled.map_err(|error| runtime(error.to_string()))
}

/// Whether one of `parts` is in `text`, whatever their case.
fn any(text: &str, parts: &Array, is_in: impl Fn(&str, &str) -> bool) -> Answer<bool> {
    let text = text.to_lowercase();
    for part in parts {
        let part = part.clone().try_cast::<ImmutableString>();
        let part = part.ok_or_else(|| runtime("a list of texts is expected"))?;
        if !part.is_empty() && is_in(&text, &part.to_lowercase()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether `word` stands in `text` with no letter or digit right before or after it.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(start, found)| {
        let before = text
            .get(..start)
            .and_then(|before| before.chars().next_back());
        let after = text
            .get(start + found.len()..)
            .and_then(|after| after.chars().next());
        let joins = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        !joins(before) && !joins(after)
    })
}
