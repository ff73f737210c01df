//! Requests to the outside, and what goes with the payload of a webhook.

use rhai::{Array, Dynamic, EvalAltResult, ImmutableString, Map, Position};

use super::{Answer, in_call, runtime, wait_for_others};
use crate::effects::{self, Denied};
use crate::script::book::Book;
use crate::script::current::Envelope;
use crate::script::json;

/// What a request came to.
#[derive(Clone)]
struct Response {
    status: i64,
    headers: Vec<(String, String)>,
    text: ImmutableString,
}

pub(super) fn register(book: &mut Book<'_>) {
    register_response(book);
    book.chapter("Requests to other servers")
        .add(
            "http_get(url) -> response",
            "Asks a server; needs the grant `http`, and at most four times in one call. The response has `status`, `ok` \
             (200 to 299), `text`, `data` (what its JSON says) and `header(name)`. A request has 5 s of its own.",
            "let order = http_get(\"https://api.example.com/orders/4711\");\norder.status // 200\norder.data.state // \"shipped\"\norder.header(\"content-type\") // \"application/json\"",
            |url: &str| -> Answer<Response> { request("GET", url, None, &Map::new()) },
        )
        .add(
            "http_get(url, headers) -> response",
            "The same with headers.",
            "http_get(\"https://api.example.com/orders/4711\", #{ authorization: \"Bearer \" + secret(\"crm_token\") }).ok // true",
            |url: &str, headers: Map| -> Answer<Response> { request("GET", url, None, &headers) },
        )
        .add(
            "http_post(url, body) -> response",
            "Sends something: a map or list as JSON, a text as it is.",
            "http_post(\"https://api.example.com/leads\", #{ name: message.sender_name }).status // 201",
            |url: &str, body: Dynamic| -> Answer<Response> {
                request("POST", url, Some(&body), &Map::new())
            },
        )
        .add(
            "http_post(url, body, headers) -> response",
            "The same with headers.",
            "http_post(\"https://api.example.com/leads\", \"name=Ada\", #{ \"content-type\": \"application/x-www-form-urlencoded\" }).ok // true",
            |url: &str, body: Dynamic, headers: Map| -> Answer<Response> {
                request("POST", url, Some(&body), &headers)
            },
        )
        .add(
            "http(method, url, body, headers) -> response",
            "Any other request; `()` is no body.",
            "http(\"DELETE\", \"https://api.example.com/leads/1\", (), #{}).ok // true",
            |method: &str, url: &str, body: Dynamic, headers: Map| -> Answer<Response> {
                let body = (!body.is_unit()).then_some(body);
                request(method, url, body.as_ref(), &headers)
            },
        )
        .add(
            "url_encode(text) -> text",
            "A text as a part of a URL.",
            "url_encode(\"a b&c\") // \"a%20b%26c\"",
            url_encode,
        )
        .chapter("In `transform`")
        .add(
            "header(name, value)",
            "Adds a header to what the endpoint is sent; in `transform` only.",
            r#"header("x-source", "whatsapp");"#,
            |name: &str, value: Dynamic| -> Answer<()> {
                on_envelope(|envelope| {
                    envelope.headers.push((name.to_owned(), value.to_string()));
                })
            },
        )
        .add(
            "method(word)",
            "Sends it by `PUT`, `PATCH`, `DELETE` or `GET` instead of `POST`; in `transform` only.",
            r#"method("PUT");"#,
            |method: &str| -> Answer<()> {
                on_envelope(|envelope| envelope.method = Some(method.to_owned()))
            },
        )
        .add(
            "path(text)",
            "Sends it to another path of the endpoint's server, with its query if there is one; in `transform` only.",
            r#"path("/leads/" + url_encode("Ada Lovelace") + "?source=whatsapp");"#,
            |path: &str| -> Answer<()> {
                on_envelope(|envelope| envelope.path = Some(path.to_owned()))
            },
        )
        .add(
            "content_type(type)",
            "Says what the payload is; a map or list is `application/json` by itself. In `transform` only.",
            r#"content_type("text/plain");"#,
            |content_type: &str| -> Answer<()> {
                on_envelope(|envelope| envelope.content_type = Some(content_type.to_owned()))
            },
        );
}

/// Says something of the payload that is made.
fn on_envelope(say: impl FnOnce(&mut Envelope)) -> Answer<()> {
    in_call(|call| match &mut call.envelope {
        Some(envelope) => {
            say(envelope);
            Ok(())
        }
        None => Err(Denied::refusal(
            "not-here",
            "only `transform` makes a payload",
        )),
    })
}

fn register_response(book: &mut Book<'_>) {
    book.engine
        .register_type_with_name::<Response>("Response")
        .register_get("status", |of: &mut Response| of.status)
        .register_get("ok", |of: &mut Response| (200..300).contains(&of.status))
        .register_get("text", |of: &mut Response| of.text.clone())
        .register_get("data", |of: &mut Response| {
            json::parse(&of.text).map_err(|error| runtime(format!("the answer {error}")))
        })
        .register_fn("header", |of: &mut Response, name: &str| {
            let named = |(known, _): &&(String, String)| known.eq_ignore_ascii_case(name);
            let found = of.headers.iter().find(named);
            found.map_or(Dynamic::UNIT, |(_, value)| value.clone().into())
        })
        .register_indexer_get(
            |_: &mut Response, field: ImmutableString| -> Result<Dynamic, Box<EvalAltResult>> {
                let message = format!(
                    "`{field}` is not a field of a response; there are status, ok, text, data and header(name)"
                );
                Err(EvalAltResult::ErrorRuntime(message.into(), Position::NONE).into())
            },
        )
        .register_fn("to_string", |of: &mut Response| of.status.to_string())
        .register_fn("to_debug", |of: &mut Response| of.status.to_string());
}

fn request(method: &str, url: &str, body: Option<&Dynamic>, headers: &Map) -> Answer<Response> {
    let mut headers: Vec<(String, String)> = headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    let body = match body {
        None => Vec::new(),
        Some(body) if body.is::<Map>() || body.is::<Array>() => {
            if !headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
            {
                headers.push(("content-type".to_owned(), "application/json".to_owned()));
            }
            json::text(body).map_err(runtime)?.into_bytes()
        }
        Some(body) => body.to_string().into_bytes(),
    };
    let wanted = effects::Request {
        method: method.to_owned(),
        url: url.to_owned(),
        headers,
        body,
    };
    let answer = in_call(|call| {
        if call.now.is_none() {
            let message = "a script asks others in a handler, and not while it is loaded";
            return Err(Denied::refusal("not-here", message));
        }
        let began = std::time::Instant::now();
        let most = call.effects.fetch_time();
        let answer = wait_for_others(call.may_wait, most, call.effects.fetch(wanted));
        call.waited(began);
        answer
    })?;
    Ok(Response {
        status: i64::from(answer.status),
        headers: answer.headers,
        text: String::from_utf8_lossy(&answer.body).into_owned().into(),
    })
}

fn url_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            other => {
                encoded.push('%');
                encoded.push_str(&data_encoding::HEXUPPER.encode(&[other]));
            }
        }
    }
    encoded
}
