//! The page at `/docs`: the OpenAPI document, for people.
//!
//! It reads the document as JSON, as any other reader of it would: what the page shows is what the
//! document says.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Escaped, Html};

/// Longest body that is written into a command, in bytes.
const SHORT: usize = 240;
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// One operation of the document.
struct Operation<'a> {
    path: &'a str,
    method: &'static str,
    body: &'a Value,
}

impl Operation<'_> {
    fn anchor(&self) -> &str {
        text(self.body, "operationId")
    }

    fn has_tag(&self, tag: &str) -> bool {
        list(self.body, "tags").any(|name| name == tag)
    }
}

/// The whole document as a page.
///
/// `problems` are the rows of the table of problems: code, statuses, meaning, remedy. `at` is where
/// the document is.
pub(crate) fn manual(document: &Value, problems: &[[String; 4]], at: Option<&str>) -> Html {
    let operations = operations(document);
    let info = document.get("info").unwrap_or(&Value::Null);
    let title = text(info, "title");
    let codes = problems.iter().map(|[code, ..]| code.as_str()).collect();
    let mut page = Page(String::new(), codes);
    page.put(format_args!(
        "<main>\n<h1>{} API <small>{}</small></h1>\n",
        Escaped(title),
        Escaped(text(info, "version"))
    ));
    page.paragraphs(text(info, "description"));
    if let Some(at) = at.map(Escaped) {
        page.put(format_args!(
            "<p>The same for programs: <a href=\"{at}\">{at}</a></p>\n"
        ));
    }
    page.contents(document, &operations);
    for tag in list(document, "tags") {
        let name = text(tag, "name");
        page.put(format_args!("<h2>{}</h2>\n", Escaped(name)));
        page.paragraphs(text(tag, "description"));
        for operation in operations
            .iter()
            .filter(|operation| operation.has_tag(name))
        {
            page.operation(document, operation);
        }
    }
    if !problems.is_empty() {
        page.problems(problems);
    }
    let mut types = entries(document.pointer("/components/schemas")).peekable();
    if types.peek().is_some() {
        page.put(format_args!("<h2 id=\"types\">Types</h2>\n"));
    }
    for (name, schema) in types {
        page.schema(name, schema);
    }
    page.put(format_args!("</main>\n"));
    Html::new(&format!("{title} API"), &page.0)
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let mut operations = Vec::new();
    for (path, item) in entries(document.get("paths")) {
        for method in METHODS {
            if let Some(body) = item.get(method) {
                operations.push(Operation { path, method, body });
            }
        }
    }
    operations
}

/// The page as it grows, and the codes that have a row in its table of problems.
struct Page<'a>(String, BTreeSet<&'a str>);

impl Page<'_> {
    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        self.0.push_str(&std::fmt::format(text));
    }

    /// Text with `code` in it, paragraph by paragraph.
    fn paragraphs(&mut self, text: &str) {
        for paragraph in text
            .split("\n\n")
            .filter(|paragraph| !paragraph.trim().is_empty())
        {
            self.put(format_args!("<p>"));
            self.inline(paragraph);
            self.put(format_args!("</p>\n"));
        }
    }

    fn inline(&mut self, text: &str) {
        for (at, part) in text.split('`').enumerate() {
            match at % 2 {
                0 => self.put(format_args!("{}", Escaped(part))),
                _ if self.1.contains(part) => self.put(format_args!(
                    "<a href=\"#problem-{0}\"><code>{0}</code></a>",
                    Escaped(part)
                )),
                _ => self.put(format_args!("<code>{}</code>", Escaped(part))),
            }
        }
    }

    fn contents(&mut self, document: &Value, operations: &[Operation<'_>]) {
        self.put(format_args!("<nav>\n"));
        for tag in list(document, "tags") {
            let name = text(tag, "name");
            self.put(format_args!("<strong>{}</strong>\n<ul>\n", Escaped(name)));
            for operation in operations
                .iter()
                .filter(|operation| operation.has_tag(name))
            {
                let (method, path) = (operation.method.to_uppercase(), Escaped(operation.path));
                let anchor = Escaped(operation.anchor());
                self.put(format_args!(
                    "<li><span class=\"method\">{method}</span> <a href=\"#{anchor}\"><code>{path}</code></a></li>\n"
                ));
            }
            self.put(format_args!("</ul>\n"));
        }
        if !self.1.is_empty() {
            self.put(format_args!(
                "<p><a href=\"#problems\">Problems</a> · <a href=\"#types\">Types</a></p>\n"
            ));
        }
        self.put(format_args!("</nav>\n"));
    }

    fn problems(&mut self, problems: &[[String; 4]]) {
        self.put(format_args!(
            "<h2 id=\"problems\">Problems</h2>\n<div class=\"wide\"><table>\n\
             <tr><th>Code</th><th>Status</th><th>What it means</th><th>What to do</th></tr>\n"
        ));
        for [code, status, meaning, remedy] in problems {
            let (code, status) = (Escaped(code), Escaped(status));
            self.put(format_args!(
                "<tr id=\"problem-{code}\"><td><code>{code}</code></td><td>{status}</td><td>"
            ));
            self.inline(meaning);
            self.put(format_args!("</td><td>"));
            self.inline(remedy);
            self.put(format_args!("</td></tr>\n"));
        }
        self.put(format_args!("</table></div>\n"));
    }

    fn operation(&mut self, document: &Value, operation: &Operation<'_>) {
        let (method, path) = (operation.method.to_uppercase(), Escaped(operation.path));
        let anchor = Escaped(operation.anchor());
        self.put(format_args!(
            "<h3 id=\"{anchor}\"><span class=\"method\">{method}</span> <code>{path}</code></h3>\n"
        ));
        self.paragraphs(text(operation.body, "summary"));
        self.paragraphs(text(operation.body, "description"));
        if operation.body.get("security").is_none() {
            self.put(format_args!(
                "<p class=\"open\">No key is needed in a header.</p>\n"
            ));
        }
        self.parameters(operation.body);
        self.put(format_args!(
            "<pre><code>{}</code></pre>\n",
            Escaped(&curl(document, operation))
        ));
        self.request(operation.body);
        self.responses(operation.body);
    }

    fn parameters(&mut self, operation: &Value) {
        let mut rows = list(operation, "parameters").peekable();
        if rows.peek().is_none() {
            return;
        }
        self.put(format_args!(
            "<div class=\"wide\"><table>\n<tr><th>Parameter</th><th>In</th><th>What it is</th></tr>\n"
        ));
        for row in rows {
            let needed = if row.get("required") == Some(&Value::Bool(true)) {
                ""
            } else {
                ", optional"
            };
            let (name, place) = (Escaped(text(row, "name")), Escaped(text(row, "in")));
            self.put(format_args!(
                "<tr><td><code>{name}</code></td><td>{place}{needed}</td><td>"
            ));
            self.inline(text(row, "description"));
            self.put(format_args!("</td></tr>\n"));
        }
        self.put(format_args!("</table></div>\n"));
    }

    fn request(&mut self, operation: &Value) {
        for (_, content) in entries(operation.pointer("/requestBody/content")) {
            self.put(format_args!("<p>Body: "));
            self.type_of(content.get("schema"));
            self.put(format_args!("</p>\n"));
            self.examples(content);
        }
    }

    fn examples(&mut self, content: &Value) {
        for (_, example) in entries(content.get("examples")) {
            let summary = Escaped(text(example, "summary"));
            let value = example.get("value").map(pretty).unwrap_or_default();
            self.put(format_args!(
                "<p>{summary}:</p>\n<pre><code>{}</code></pre>\n",
                Escaped(&value)
            ));
        }
    }

    fn responses(&mut self, operation: &Value) {
        self.put(format_args!(
            "<div class=\"wide\"><table>\n<tr><th>Status</th><th>Body</th><th>When</th></tr>\n"
        ));
        for (status, response) in entries(operation.get("responses")) {
            self.put(format_args!("<tr><td>{}</td><td>", Escaped(status)));
            for (kind, content) in entries(response.get("content")) {
                match kind {
                    "application/json" | "application/problem+json" => {
                        self.type_of(content.get("schema"))
                    }
                    kind => self.put(format_args!("<code>{}</code> ", Escaped(kind))),
                }
            }
            self.put(format_args!("</td><td>"));
            self.inline(text(response, "description"));
            self.put(format_args!("</td></tr>\n"));
        }
        self.put(format_args!("</table></div>\n"));
        for (_, response) in entries(operation.get("responses")) {
            for (_, content) in entries(response.get("content")) {
                self.examples(content);
            }
        }
    }

    fn schema(&mut self, name: &str, schema: &Value) {
        let shown = Escaped(name);
        self.put(format_args!("<h3 id=\"type-{shown}\">{shown}</h3>\n"));
        self.paragraphs(text(schema, "description"));
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            let words: Vec<_> = words
                .iter()
                .filter_map(Value::as_str)
                .map(|word| format!("`{word}`"))
                .collect();
            self.paragraphs(&format!("One of {}.", words.join(", ")));
        }
        let parts: Vec<&Value> = ["allOf", "oneOf"]
            .into_iter()
            .flat_map(|key| list(schema, key))
            .collect();
        for part in std::iter::once(schema).chain(parts) {
            self.fields(part);
        }
        if let Some(example) = schema.get("example") {
            self.put(format_args!(
                "<pre><code>{}</code></pre>\n",
                Escaped(&pretty(example))
            ));
        }
    }

    fn fields(&mut self, schema: &Value) {
        let Some(fields) = schema.get("properties") else {
            return;
        };
        let required: Vec<&Value> = list(schema, "required").collect();
        self.put(format_args!(
            "<div class=\"wide\"><table>\n<tr><th>Field</th><th>Type</th><th>What it is</th></tr>\n"
        ));
        for (name, field) in entries(Some(fields)) {
            let needed = if required.iter().any(|needed| *needed == name) {
                ""
            } else {
                ", optional"
            };
            self.put(format_args!(
                "<tr><td><code>{}</code>{needed}</td><td>",
                Escaped(name)
            ));
            self.type_of(Some(field));
            self.put(format_args!("</td><td>"));
            self.inline(text(field, "description"));
            self.put(format_args!("</td></tr>\n"));
        }
        self.put(format_args!("</table></div>\n"));
    }

    /// The name of a type, linked where it has a section.
    fn type_of(&mut self, schema: Option<&Value>) {
        let Some(schema) = schema else {
            return;
        };
        if let Some(name) = text(schema, "$ref").strip_prefix("#/components/schemas/") {
            let name = Escaped(name);
            return self.put(format_args!("<a href=\"#type-{name}\">{name}</a> "));
        }
        for part in ["allOf", "oneOf"]
            .into_iter()
            .flat_map(|key| list(schema, key))
        {
            self.type_of(Some(part));
        }
        let words = match schema.get("type") {
            Some(Value::String(word)) => vec![word.as_str()],
            Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
            _ => vec![],
        };
        for word in words.into_iter().filter(|word| *word != "null") {
            let format = text(schema, "format");
            let word = if format.is_empty() { word } else { format };
            self.put(format_args!("{} ", Escaped(word)));
        }
        if schema.get("items").is_some() {
            self.put(format_args!("of "));
            self.type_of(schema.get("items"));
        }
    }
}

/// The operation as a command to try; what a caller has of its own is a variable.
fn curl(document: &Value, operation: &Operation<'_>) -> String {
    let mut path = operation.path.to_owned();
    for parameter in list(operation.body, "parameters") {
        let name = text(parameter, "name");
        let value = match text(parameter, "example") {
            "" => format!("${name}"),
            example => example.to_owned(),
        };
        path = path.replace(&format!("{{{name}}}"), &value);
    }
    let base = document.pointer("/servers/0/url").and_then(Value::as_str);
    let method = match operation.method {
        "get" => String::new(),
        method => format!("-X {} ", method.to_uppercase()),
    };
    let base = base.unwrap_or("http://127.0.0.1:3000");
    let mut command = format!("curl {method}{base}{path}");
    let scheme = list(operation.body, "security").next();
    let scheme = entries(scheme).next().map(|(name, _)| name);
    if let Some(name) = scheme {
        let scheme = document.pointer(&format!("/components/securitySchemes/{name}"));
        let header = match scheme.map(|scheme| (text(scheme, "in"), text(scheme, "name"))) {
            Some(("header", header)) => format!("{header}: "),
            _ => "Authorization: Bearer ".to_owned(),
        };
        command.push_str(&format!(" \\\n  -H \"{header}$WARBLER_KEY\""));
    }
    if let Some(content) = operation.body.pointer("/requestBody/content") {
        let examples = entries(content.pointer("/application~1json/examples"));
        let examples = examples.map(|(_, example)| example["value"].to_string());
        let shortest = examples.min_by_key(String::len);
        let short = shortest.filter(|text| text.len() <= SHORT && !text.contains('\''));
        let body = short.map_or("@body.json".to_owned(), |text| format!("'{text}'"));
        command.push_str(&format!(
            " \\\n  -H \"Content-Type: application/json\" -d {body}"
        ));
    }
    command
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn entries(value: Option<&Value>) -> impl Iterator<Item = (&str, &Value)> {
    let map = value.and_then(Value::as_object);
    map.into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value))
}
