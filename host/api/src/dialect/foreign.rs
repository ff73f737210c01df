//! Pages of other origins: what a browser sends by itself proves nothing about who wants it.
//!
//! A foreign page can make a browser post here, with the cookies and passwords that it keeps for this
//! host; and where nothing has to be shown, it can give its own name the address of this host and
//! read the answers, too.

use std::net::IpAddr;

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::problem::Problem;

/// Refuses a request that shows what browsers send by themselves, if another origin is behind it
/// that is not among those `listed`.
pub(super) fn no_foreign_page(headers: &HeaderMap, listed: &[HeaderValue]) -> Result<(), Problem> {
    let Some(origin) = headers.get(ORIGIN) else {
        return Ok(());
    };
    let own = origin.to_str().ok().and_then(authority_of);
    let is_own = own.is_some() && own == host_of(headers);
    match is_own || listed.contains(origin) {
        true => Ok(()),
        false => Err(refusal()),
    }
}

/// Refuses a request that shows nothing, if a foreign page may be behind it: the host it names has
/// to be an address, `localhost`, or that of an origin among those `listed`.
pub(super) fn no_page_at_all(headers: &HeaderMap, listed: &[HeaderValue]) -> Result<(), Problem> {
    let host = host_of(headers).unwrap_or_default();
    let known = listed.iter().filter_map(|origin| origin.to_str().ok());
    let mut known = known.filter_map(authority_of);
    match is_own_name(host) || known.any(|known| known == host) {
        true => no_foreign_page(headers, listed),
        false => Err(refusal()),
    }
}

fn refusal() -> Problem {
    let detail = "a page of another origin may not call; name it in `cors_origins` if it is to";
    Problem::new(StatusCode::FORBIDDEN, "foreign_page", detail)
}

fn host_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(HOST)?.to_str().ok()
}

fn authority_of(origin: &str) -> Option<&str> {
    origin.split_once("://").map(|(_, authority)| authority)
}

/// Whether a `Host` names no name that a page could have made its own.
fn is_own_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let inner = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    name.eq_ignore_ascii_case("localhost") || inner.unwrap_or(name).parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Check = fn(&HeaderMap, &[HeaderValue]) -> Result<(), Problem>;

    fn passes(check: Check, host: &'static str, origin: Option<&'static str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static(host));
        if let Some(origin) = origin {
            headers.insert(ORIGIN, HeaderValue::from_static(origin));
        }
        let listed = [HeaderValue::from_static("https://app.example.com")];
        check(&headers, &listed).is_ok()
    }

    #[test]
    fn a_page_of_another_origin_is_told_from_an_own_one() {
        for (host, origin, good) in [
            ("wa.example.com", None, true),
            ("wa.example.com", Some("https://wa.example.com"), true),
            ("wa.example.com", Some("https://app.example.com"), true),
            ("wa.example.com", Some("https://evil.example"), false),
            ("wa.example.com", Some("null"), false),
            ("127.0.0.1:3000", Some("http://127.0.0.1:8080"), false),
            ("", Some("null"), false),
        ] {
            assert_eq!(
                passes(no_foreign_page, host, origin),
                good,
                "{host} {origin:?}"
            );
        }
    }

    #[test]
    fn where_nothing_is_shown_a_page_cannot_use_a_name_of_its_own_either() {
        for (host, origin, good) in [
            ("127.0.0.1:3000", None, true),
            ("localhost", None, true),
            ("[::1]:3000", None, true),
            ("app.example.com", None, true),
            ("127.0.0.1:3000", Some("http://127.0.0.1:3000"), true),
            ("evil.example", None, false),
            ("127.0.0.1.evil.example:3000", None, false),
            ("", None, false),
            ("evil.example", Some("http://evil.example"), false),
            ("127.0.0.1:3000", Some("http://evil.example"), false),
        ] {
            assert_eq!(
                passes(no_page_at_all, host, origin),
                good,
                "{host} {origin:?}"
            );
        }
    }
}
