//! Where an extension may fetch from.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Scheme, host and port that may be fetched from: `https://api.example.com`,
/// `http://files.lan:8080`, or `https://*.example.com` for every name below one.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HttpOrigin {
    secure: bool,
    /// Lower case, without `*.`.
    host: String,
    below: bool,
    port: u16,
}

/// A text that is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an origin such as https://api.example.com, without path or password")]
pub struct BadOrigin(String);

impl HttpOrigin {
    /// Whether a URL of this scheme, host and port is of this origin.
    pub fn admits(&self, secure: bool, host: &str, port: u16) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.secure == secure && self.port == port && self.holds(&host)
    }

    pub(super) fn covers(&self, other: &Self) -> bool {
        let host = if other.below {
            // A whole domain is covered only by itself, or by one above it.
            self.below && (self.host == other.host || self.holds(&other.host))
        } else {
            self.holds(&other.host)
        };
        host && self.secure == other.secure && self.port == other.port
    }

    fn holds(&self, host: &str) -> bool {
        if self.below {
            host.strip_suffix(&self.host)
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        } else {
            host == self.host
        }
    }

    fn usual_port(secure: bool) -> u16 {
        if secure { 443 } else { 80 }
    }
}

impl FromStr for HttpOrigin {
    type Err = BadOrigin;

    fn from_str(text: &str) -> Result<Self, BadOrigin> {
        let bad = || BadOrigin(text.chars().take(200).collect());
        let (scheme, rest) = text.split_once("://").ok_or_else(bad)?;
        let secure = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err(bad()),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        // An address of version 6 stands in brackets and has colons of its own.
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| bad())?),
            _ => (rest, Self::usual_port(secure)),
        };
        let (host, below) = match host.strip_prefix("*.") {
            Some(host) => (host, true),
            None => (host, false),
        };
        let usual = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let numbers = |c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '.');
        let bracketed = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let plain = match bracketed {
            Some(address) => !below && !address.is_empty() && address.chars().all(numbers),
            None => !host.is_empty() && !host.starts_with('.') && host.chars().all(usual),
        };
        // `https://*.com` would be nearly everything.
        if !plain || (below && !host.contains('.')) {
            return Err(bad());
        }
        Ok(Self {
            secure,
            host: host.trim_end_matches('.').to_ascii_lowercase(),
            below,
            port,
        })
    }
}

impl TryFrom<String> for HttpOrigin {
    type Error = BadOrigin;

    fn try_from(text: String) -> Result<Self, BadOrigin> {
        text.parse()
    }
}

impl From<HttpOrigin> for String {
    fn from(origin: HttpOrigin) -> Self {
        origin.to_string()
    }
}

impl fmt::Display for HttpOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        let star = if self.below { "*." } else { "" };
        write!(f, "{scheme}://{star}{}", self.host)?;
        if self.port != Self::usual_port(self.secure) {
            write!(f, ":{}", self.port)?;
        }
        Ok(())
    }
}

impl fmt::Debug for HttpOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

    #[test]
    fn an_origin_admits_its_scheme_host_and_port_and_nothing_else() -> Result {
        let api: HttpOrigin = "https://API.example.com".parse()?;
        assert!(api.admits(true, "api.example.com", 443));
        assert!(api.admits(true, "api.example.com.", 443));
        assert!(!api.admits(false, "api.example.com", 80));
        assert!(!api.admits(true, "api.example.com", 8443));
        assert!(!api.admits(true, "evil-api.example.com", 443));
        assert!(!api.admits(true, "api.example.com.evil.org", 443));
        let all: HttpOrigin = "https://*.example.com:8443".parse()?;
        assert!(all.admits(true, "a.b.example.com", 8443));
        assert!(!all.admits(true, "example.com", 8443));
        assert!(!all.admits(true, "badexample.com", 8443));
        assert_eq!(all.to_string(), "https://*.example.com:8443");
        let six: HttpOrigin = "http://[::1]:80".parse()?;
        assert!(six.admits(false, "[::1]", 80));
        Ok(())
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "api.example.com",
            "ftp://a.b",
            "https://",
            "https://*",
            "https://*.com",
            "https://a.b/path",
            "https://user@a.b",
            "https://a.b:port",
            "https://a b",
        ] {
            assert!(text.parse::<HttpOrigin>().is_err(), "{text}");
        }
    }
}
