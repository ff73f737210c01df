//! A URL that may be asked for, as far as it can be told without asking.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::uri::PathAndQuery;
use reqwest::Url;

use super::FetchError;

/// An `http` or `https` URL with a host and without credentials, at most
/// [`FetchUrl::MAX_LEN`] bytes long. Shows its host only: paths and queries may hold secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct FetchUrl(Url);

impl FetchUrl {
    /// Longest accepted form, in bytes.
    pub const MAX_LEN: usize = 4096;

    /// The URL, if it may be asked for.
    pub(super) fn of(url: Url) -> Result<Self, FetchError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(FetchError::Scheme(url.scheme().chars().take(16).collect()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchError::Credentials);
        }
        if !url.has_host() {
            return Err(FetchError::Invalid("it names no host".to_owned()));
        }
        Ok(Self(url))
    }

    /// The whole URL: for the request itself, never for a log.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The host it names.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The port it is reached at.
    pub fn port(&self) -> u16 {
        let usual = if self.is_secure() { 443 } else { 80 };
        self.0.port_or_known_default().unwrap_or(usual)
    }

    /// Whether it is reached by TLS.
    pub fn is_secure(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The last part of its path as it is written there, percent signs included.
    pub fn last_segment(&self) -> Option<&str> {
        let last = self.0.path_segments()?.next_back()?;
        (!last.is_empty()).then_some(last)
    }

    /// The address, where the host is one; every spelling of it counts.
    pub(super) fn address(&self) -> Option<IpAddr> {
        let host = self.host();
        host.trim_start_matches('[')
            .trim_end_matches(']')
            .parse()
            .ok()
    }

    /// Whether both are the same scheme, host and port.
    pub(super) fn same_origin(&self, other: &Self) -> bool {
        self.0.origin() == other.0.origin()
    }

    /// Where `location` leads from here.
    pub(super) fn join(&self, location: &str) -> Result<Self, FetchError> {
        let bad = || FetchError::BadRedirect {
            host: self.host().to_owned(),
        };
        if location.len() > Self::MAX_LEN {
            return Err(bad());
        }
        let next = Self::of(self.0.join(location).map_err(|_| bad())?)?;
        if self.is_secure() && !next.is_secure() {
            return Err(FetchError::InsecureRedirect {
                host: self.host().to_owned(),
            });
        }
        Ok(next)
    }

    /// The same server, asked for something else.
    pub fn at(mut self, path: &PathAndQuery) -> Result<Self, FetchError> {
        self.0.set_path(path.path());
        self.0.set_query(path.query());
        if self.as_str().len() > Self::MAX_LEN {
            return Err(too_long());
        }
        Ok(self)
    }

    pub(super) fn into_inner(self) -> Url {
        self.0
    }
}

impl FromStr for FetchUrl {
    type Err = FetchError;

    fn from_str(text: &str) -> Result<Self, FetchError> {
        if text.len() > Self::MAX_LEN {
            return Err(too_long());
        }
        let url = Url::parse(text.trim()).map_err(|err| FetchError::Invalid(err.to_string()))?;
        Self::of(url)
    }
}

fn too_long() -> FetchError {
    FetchError::Invalid(format!("it has more than {} bytes", FetchUrl::MAX_LEN))
}

impl fmt::Debug for FetchUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}/…", self.0.scheme(), self.host())
    }
}

#[cfg(test)]
mod tests {
    use warbler_domain::Refusal as _;

    use super::*;

    fn refused(text: &str) -> &'static str {
        match text.parse::<FetchUrl>() {
            Ok(_) => "accepted",
            Err(err) => err.code(),
        }
    }

    #[test]
    fn only_web_addresses_without_credentials_are_accepted() {
        for (text, expected) in [
            ("https://example.com/a?b#c", "accepted"),
            ("http://example.com", "accepted"),
            ("ftp://example.com/a", "url_scheme"),
            ("file:///etc/passwd", "url_scheme"),
            ("gopher://127.0.0.1:70/", "url_scheme"),
            ("javascript:alert(1)", "url_scheme"),
            ("https://user@example.com", "url_credentials"),
            ("https://:secret@example.com", "url_credentials"),
            ("example.com/a", "url_invalid"),
            ("https://", "url_invalid"),
            ("", "url_invalid"),
        ] {
            assert_eq!(refused(text), expected, "{text}");
        }
        let long = format!("https://example.com/{}", "a".repeat(FetchUrl::MAX_LEN));
        assert_eq!(refused(&long), "url_invalid");
    }

    #[test]
    fn every_spelling_of_an_address_is_seen_through() -> anyhow::Result<()> {
        for text in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.0.0.1/",
            "http://0177.0.0.1/",
            "http://127.0.0.1./",
            "http://１２７.0.0.1/",
        ] {
            let url: FetchUrl = text.parse()?;
            assert_eq!(url.address(), Some("127.0.0.1".parse()?), "{text}");
        }
        let url: FetchUrl = "http://[::ffff:7f00:1]:8080/".parse()?;
        assert_eq!(url.address(), Some("::ffff:127.0.0.1".parse()?));
        let url: FetchUrl = "http://localhost/".parse()?;
        assert_eq!(url.address(), None);
        Ok(())
    }

    #[test]
    fn a_redirect_never_leaves_tls_and_is_checked_like_any_url() -> anyhow::Result<()> {
        let from: FetchUrl = "https://example.com/a/b".parse()?;
        assert_eq!(from.join("../c")?.as_str(), "https://example.com/c");
        for (location, expected) in [
            ("http://example.com/c", "url_insecure_redirect"),
            ("ftp://example.com/c", "url_scheme"),
            ("https://me@example.com/c", "url_credentials"),
            ("https://[", "url_bad_redirect"),
        ] {
            assert_eq!(
                from.join(location)
                    .map(|_| "followed")
                    .map_err(|err| err.code()),
                Err(expected),
                "{location}"
            );
        }
        Ok(())
    }

    #[test]
    fn paths_and_queries_are_not_printed() -> anyhow::Result<()> {
        let url: FetchUrl = "https://example.com/secret?token=1".parse()?;
        assert_eq!(format!("{url:?}"), "https://example.com/…");
        Ok(())
    }
}
