//! Pages for people: `/docs`, made from the OpenAPI document, `/passkey`, and `/`.
//!
//! One file each, nothing from elsewhere. The policy they are served under allows the one style sheet by
//! its digest and nothing else; only `/passkey` has a script, allowed in the same way, which asks this
//! host alone.

mod manual;
pub(in crate::native) mod problems;

use std::fmt;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use data_encoding::BASE64;
use http::HeaderValue;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_FRAME_OPTIONS,
};
use sha2::{Digest as _, Sha256};

pub(crate) use manual::manual;

const STYLE: &str = include_str!("docs/style.css");
const PASSKEY: &str = include_str!("docs/passkey.html");
const PASSKEY_SCRIPT: &str = include_str!("docs/passkey.js");

/// A page with the headers that keep it to itself.
#[derive(Clone)]
pub(crate) struct Html {
    text: Bytes,
    policy: HeaderValue,
}

impl Html {
    fn new(title: &str, body: &str) -> Self {
        Self::allowing(title, body, "")
    }

    /// The same page with another text in the place of one; both have nothing in them that a page
    /// would escape.
    pub(crate) fn with(&self, placeholder: &str, text: &str) -> Self {
        let page = String::from_utf8_lossy(&self.text);
        Self {
            text: page.replace(placeholder, text).into(),
            policy: self.policy.clone(),
        }
    }

    fn with_script(title: &str, body: &str, script: &str) -> Self {
        let digest = BASE64.encode(&Sha256::digest(script));
        let more = format!("; script-src 'sha256-{digest}'; connect-src 'self'");
        Self::allowing(title, &format!("{body}<script>{script}</script>\n"), &more)
    }

    /// A page, and what its policy allows beside the style sheet.
    fn allowing(title: &str, body: &str, more: &str) -> Self {
        let digest = BASE64.encode(&Sha256::digest(STYLE));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'{more}"
        );
        let text = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n",
            Escaped(title)
        );
        // Base64 and the words above are visible ASCII, so this is always a header.
        let policy =
            HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
        Self {
            text: text.into(),
            policy,
        }
    }
}

impl IntoResponse for Html {
    fn into_response(self) -> Response {
        let fixed = [
            (
                CONTENT_TYPE,
                HeaderValue::from_static("text/html; charset=utf-8"),
            ),
            (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
            (CONTENT_SECURITY_POLICY, self.policy),
        ];
        (fixed, self.text).into_response()
    }
}

/// Text, safe anywhere in a page.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => fmt::Write::write_char(f, c)?,
            }
        }
        Ok(())
    }
}

/// The page at `/passkey`: linking that WhatsApp allows only with a passkey, step by step.
pub(super) fn passkey() -> Html {
    Html::with_script("Link with a passkey", PASSKEY, PASSKEY_SCRIPT)
}

/// The page at `/`.
pub(super) fn home(version: &str) -> Html {
    let body = format!(
        "<main>\n<h1>Warbler <small>{}</small></h1>\n\
         <p>This is a self-hosted WhatsApp automation host. It keeps WhatsApp accounts linked, sends and \
         receives their messages, and lets sandboxed plugins and scripts answer.</p>\n\
         <ul>\n<li><a href=\"/docs\">How to use the API</a></li>\n\
         <li><a href=\"/openapi.json\">The API as an OpenAPI document</a></li>\n\
         <li><a href=\"/passkey\">Link an account that needs its passkey</a></li>\n\
         <li><a href=\"/readyz\">Whether the host is ready</a></li>\n</ul>\n</main>\n",
        Escaped(version)
    );
    Html::new("Warbler", &body)
}
