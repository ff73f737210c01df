//! What a template says, read into parts.
//!
//! `{{name | filter: argument}}` stands for a value, `{{if name = "x"}} … {{else}} … {{end}}` chooses by
//! one, `{Hi|Hello}` is one of several texts. A brace that is none of these is a brace; `\` before one,
//! before `|` or `\`, takes its meaning away.

/// How deep choices and conditions may stand in one another.
const MAX_DEPTH: usize = 16;

/// One part of a template.
#[derive(Debug)]
pub(crate) enum Part<'t> {
    /// As it stands.
    Text(&'t str),
    /// A value.
    Value(Value<'t>),
    /// One of several; the number tells it from the others of the template.
    Choice(u64, Vec<Vec<Part<'t>>>),
    /// The first whose condition holds; the last may have none.
    If(Vec<(Option<Condition<'t>>, Vec<Part<'t>>)>),
}

/// A name and what is done to its value.
#[derive(Debug)]
pub(crate) struct Value<'t> {
    pub(crate) name: &'t str,
    /// Filters and their arguments, which are empty where there is none.
    pub(crate) filters: Vec<(&'t str, &'t str)>,
    /// Where it stands.
    pub(crate) place: Place,
}

/// Comparisons, all of which hold in one of the groups.
#[derive(Debug)]
pub(crate) struct Condition<'t> {
    pub(crate) any_of: Vec<Vec<Comparison<'t>>>,
    pub(crate) place: Place,
}

/// `name`, `not name` or `name = "x"`.
#[derive(Debug)]
pub(crate) struct Comparison<'t> {
    pub(crate) name: &'t str,
    pub(crate) operator: Operator,
    pub(crate) than: &'t str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Given,
    NotGiven,
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// A line and a column, both from 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    line: usize,
    column: usize,
}

impl Place {
    /// `message`, with where it is about.
    pub(crate) fn says(self, message: &str) -> String {
        format!("line {}, column {}: {message}", self.line, self.column)
    }
}

/// Reads a template; the error says what is wrong where.
pub(crate) fn parse(template: &str) -> Result<Vec<Part<'_>>, String> {
    let mut reader = Reader {
        template,
        at: 0,
        choices: 0,
    };
    let (parts, end) = reader.parts(false, 0)?;
    match end {
        End::Template => Ok(parts),
        End::Tag(at, word) => {
            let message = format!("{{{{{word}}}}} without {{{{if}}}} before it");
            Err(reader.place(at).says(&message))
        }
        End::Bar | End::Brace => Err("a choice ends that never began".to_owned()),
    }
}

struct Reader<'t> {
    template: &'t str,
    at: usize,
    choices: u64,
}

/// What ended a run of parts.
enum End<'t> {
    Template,
    /// `|` between the texts of a choice.
    Bar,
    /// `}` behind a choice.
    Brace,
    /// `{{else}}`, `{{else if …}}` or `{{end}}`, and where it begins.
    Tag(usize, &'t str),
}

impl<'t> Reader<'t> {
    fn parts(&mut self, in_choice: bool, depth: usize) -> Result<(Vec<Part<'t>>, End<'t>), String> {
        if depth > MAX_DEPTH {
            let message = format!("more than {MAX_DEPTH} choices and conditions in one another");
            return Err(self.place(self.at).says(&message));
        }
        let mut parts = Vec::new();
        let mut from = self.at;
        while let Some(byte) = self.template.as_bytes().get(self.at).copied() {
            let at = self.at;
            let mut text = |to: usize| {
                let text = self.template.get(from..to).unwrap_or_default();
                if !text.is_empty() {
                    parts.push(Part::Text(text));
                }
            };
            match byte {
                b'\\' if self.escaped(at) => {
                    text(at);
                    from = at + 1;
                    self.at = at + 2;
                }
                b'{' if self.rest(at).starts_with("{{") => {
                    text(at);
                    let tag = self.tag(at)?;
                    let word = tag.split_whitespace().next().unwrap_or_default();
                    match word {
                        "else" | "end" => return Ok((parts, End::Tag(at, tag))),
                        "if" => parts.push(self.condition(at, tag, depth)?),
                        _ => parts.push(Part::Value(self.value(at, tag)?)),
                    }
                    from = self.at;
                }
                b'{' if self.is_choice(at) => {
                    text(at);
                    parts.push(self.choice(depth)?);
                    from = self.at;
                }
                b'|' | b'}' if in_choice => {
                    text(at);
                    self.at = at + 1;
                    return Ok((parts, if byte == b'|' { End::Bar } else { End::Brace }));
                }
                _ => self.at = at + 1,
            }
        }
        if let Some(text) = self.template.get(from..).filter(|text| !text.is_empty()) {
            parts.push(Part::Text(text));
        }
        Ok((parts, End::Template))
    }

    fn choice(&mut self, depth: usize) -> Result<Part<'t>, String> {
        let began = self.at;
        self.at += 1;
        self.choices += 1;
        let number = self.choices;
        let mut texts = Vec::new();
        loop {
            let (parts, end) = self.parts(true, depth + 1)?;
            texts.push(parts);
            match end {
                End::Bar => {}
                End::Brace => return Ok(Part::Choice(number, texts)),
                End::Template | End::Tag(..) => {
                    return Err(self.place(began).says("this choice has no } of its own"));
                }
            }
        }
    }

    fn condition(&mut self, at: usize, tag: &'t str, depth: usize) -> Result<Part<'t>, String> {
        let mut branches = Vec::new();
        let mut condition = Some(self.comparisons(at, tag.trim_start_matches("if"))?);
        loop {
            let closed = condition.is_none();
            let (parts, end) = self.parts(false, depth + 1)?;
            branches.push((condition.take(), parts));
            let End::Tag(at, word) = end else {
                return Err(self.place(at).says("{{if}} without {{end}} behind it"));
            };
            let rest = word.trim_start_matches("else").trim();
            if word == "end" {
                return Ok(Part::If(branches));
            } else if closed || !word.starts_with("else") {
                return Err(self.place(at).says("{{end}} is expected here"));
            } else if let Some(rest) = rest.strip_prefix("if ") {
                condition = Some(self.comparisons(at, rest)?);
            } else if !rest.is_empty() {
                return Err(self
                    .place(at)
                    .says("{{else}} or {{else if …}} is expected here"));
            }
        }
    }

    /// What stands between the braces at `at`; goes behind them.
    fn tag(&mut self, at: usize) -> Result<&'t str, String> {
        let inner = self.rest(at + 2);
        let end = inner.find("}}");
        let Some(tag) = end.and_then(|end| inner.get(..end)) else {
            return Err(self.place(at).says("{{ without }} behind it"));
        };
        self.at = at + 2 + tag.len() + 2;
        Ok(tag.trim())
    }

    fn value(&self, at: usize, tag: &'t str) -> Result<Value<'t>, String> {
        let place = self.place(at);
        let mut parts = tag.split('|').map(str::trim);
        let name = parts.next().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| place.says("a name is expected between {{ and }}"))?;
        let filters = parts.map(|filter| match filter.split_once(':') {
            Some((word, argument)) => (word.trim(), argument.trim()),
            None => (filter, ""),
        });
        Ok(Value {
            name,
            filters: filters.collect(),
            place,
        })
    }

    fn comparisons(&self, at: usize, text: &'t str) -> Result<Condition<'t>, String> {
        let place = self.place(at);
        let group = |group: &'t str| {
            let comparisons = group.split(" and ");
            comparisons
                .map(|one| comparison(one.trim(), place))
                .collect()
        };
        let any_of = text
            .split(" or ")
            .map(group)
            .collect::<Result<_, String>>()?;
        Ok(Condition { any_of, place })
    }

    /// Whether the brace at `at` begins a choice: a `|` of its own comes before its end.
    fn is_choice(&self, at: usize) -> bool {
        let bytes = self.template.as_bytes();
        let (mut depth, mut bar, mut at) = (0_usize, false, at);
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'\\' if self.escaped(at) => at += 1,
                b'{' if self.rest(at).starts_with("{{") => match self.rest(at).find("}}") {
                    Some(end) => at += end + 1,
                    None => return false,
                },
                b'{' => depth += 1,
                b'|' if depth == 1 => bar = true,
                b'}' if depth == 1 => return bar,
                b'}' => depth -= 1,
                _ => {}
            }
            at += 1;
        }
        false
    }

    fn escaped(&self, at: usize) -> bool {
        let next = self.template.as_bytes().get(at + 1);
        next.is_some_and(|next| br"{}|\".contains(next))
    }

    fn rest(&self, at: usize) -> &'t str {
        self.template.get(at..).unwrap_or_default()
    }

    fn place(&self, at: usize) -> Place {
        let before = self.template.get(..at).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        Place {
            line: before.matches('\n').count() + 1,
            column: line.chars().count() + 1,
        }
    }
}

fn comparison(text: &str, place: Place) -> Result<Comparison<'_>, String> {
    // Longer ones first: `<=` begins as `<` does.
    const OPERATORS: [(&str, Operator); 6] = [
        ("!=", Operator::NotEqual),
        ("<=", Operator::AtMost),
        (">=", Operator::AtLeast),
        ("=", Operator::Equal),
        ("<", Operator::Less),
        (">", Operator::More),
    ];
    let found = OPERATORS
        .iter()
        .find_map(|(word, operator)| Some((text.split_once(word)?, *operator)));
    let (name, operator, than) = match found {
        Some(((name, than), operator)) => (name.trim(), operator, than.trim().trim_matches('"')),
        None => match text.strip_prefix("not ") {
            Some(name) => (name.trim(), Operator::NotGiven, ""),
            None => (text, Operator::Given, ""),
        },
    };
    if name.is_empty() {
        return Err(place.says("a name is expected behind {{if"));
    }
    Ok(Comparison {
        name,
        operator,
        than,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_that_mean_nothing_are_text() -> Result<(), String> {
        for text in ["{a}", "a | b", "}{", r"\{a\|b\}", "{", "a}"] {
            let parts = parse(text)?;
            assert!(
                parts.iter().all(|part| matches!(part, Part::Text(_))),
                "{text}"
            );
        }
        Ok(())
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (template, expected) in [
            ("a\nb {{name", "line 2, column 3: {{ without }}"),
            ("{{if a}}b", "line 1, column 1: {{if}} without {{end}}"),
            ("a {{end}}", "line 1, column 3: {{end}} without {{if}}"),
            (
                "{{if a}}b{{else}}c{{else}}d{{end}}",
                "column 19: {{end}} is expected",
            ),
            ("{{ }}", "a name is expected"),
            ("{{if = 3}}x{{end}}", "a name is expected behind {{if"),
        ] {
            let error = parse(template).err().unwrap_or_default();
            assert!(error.contains(expected), "{template}: {error}");
        }
        let deep = "{a|".repeat(40) + &"}".repeat(40);
        assert!(
            parse(&deep)
                .err()
                .unwrap_or_default()
                .contains("in one another")
        );
    }
}
