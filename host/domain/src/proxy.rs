//! The way around: a proxy between a session and WhatsApp.

use std::fmt;
use std::str::FromStr;

use crate::Secret;

/// A proxy: an HTTP one that takes `CONNECT`, or a SOCKS5 one.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// How it is spoken to.
    pub kind: ProxyKind,
    /// Its name or address; names behind a SOCKS5 proxy are looked up there.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// What it wants to know, if anything.
    pub login: Option<ProxyLogin>,
}

/// How a proxy is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyKind {
    /// HTTP's `CONNECT`.
    Http,
    /// SOCKS version 5.
    Socks5,
}

/// Who asks a proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyLogin {
    /// The name.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// A text that is no proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a proxy; write http://host:port or socks5://host:port, with user:password@ before the host if it wants them"
)]
pub struct BadProxy;

impl Proxy {
    /// Longest name, password and host, in bytes: what SOCKS5 has room for.
    pub const MAX_PART: usize = 255;

    /// The URL with its password, for whoever stores it or speaks to the proxy.
    pub fn expose(&self) -> String {
        self.url(|password| percent(password.expose()))
    }

    fn url(&self, shown: impl Fn(&Secret) -> String) -> String {
        let scheme = match self.kind {
            ProxyKind::Http => "http",
            ProxyKind::Socks5 => "socks5",
        };
        let login = self.login.as_ref().map_or_else(String::new, |login| {
            format!("{}:{}@", percent(&login.user), shown(&login.password))
        });
        let host = match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        format!("{scheme}://{login}{host}:{}", self.port)
    }
}

/// The URL, its password masked.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url(Secret::to_string))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Proxy {
    type Err = BadProxy;

    fn from_str(text: &str) -> Result<Self, BadProxy> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(BadProxy)?;
        let kind = match scheme {
            "http" => ProxyKind::Http,
            "socks5" | "socks5h" => ProxyKind::Socks5,
            _ => return Err(BadProxy),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (login, place) = match rest.rsplit_once('@') {
            Some((login, place)) => (Some(parse_login(login)?), place),
            None => (None, rest),
        };
        let (host, port) = place.rsplit_once(':').ok_or(BadProxy)?;
        let host = match host.strip_prefix('[') {
            Some(inner) => inner.strip_suffix(']').filter(|inner| inner.contains(':')),
            None => Some(host).filter(|host| !host.contains(':')),
        };
        let host = host.ok_or(BadProxy)?;
        let usual = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if !fits(host) || !host.chars().all(usual) {
            return Err(BadProxy);
        }
        let port: u16 = port.parse().map_err(|_| BadProxy)?;
        (port != 0).then_some(()).ok_or(BadProxy)?;
        Ok(Self {
            kind,
            host: host.to_ascii_lowercase(),
            port,
            login,
        })
    }
}

fn parse_login(text: &str) -> Result<ProxyLogin, BadProxy> {
    let (user, password) = text.split_once(':').ok_or(BadProxy)?;
    let (user, password) = (plain(user)?, plain(password)?);
    // HTTP's scheme for it ends the name at a colon.
    if !fits(&user) || !fits(&password) || user.contains(':') {
        return Err(BadProxy);
    }
    Ok(ProxyLogin {
        user,
        password: Secret::new(password),
    })
}

fn fits(part: &str) -> bool {
    (1..=Proxy::MAX_PART).contains(&part.len()) && !part.chars().any(char::is_control)
}

/// Letters that stand for themselves in a URL's login; all others are written as `%XX`.
fn percent(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                written.push(char::from(byte));
            }
            byte => written.push_str(&format!("%{byte:02X}")),
        }
    }
    written
}

fn plain(text: &str) -> Result<String, BadProxy> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        let (high, low) = (digit().ok_or(BadProxy)?, digit().ok_or(BadProxy)?);
        bytes.push(u8::try_from(high * 16 + low).map_err(|_| BadProxy)?);
    }
    String::from_utf8(bytes).map_err(|_| BadProxy)
}

#[cfg(test)]
mod tests {
    use super::{BadProxy, Proxy, ProxyKind};

    #[test]
    fn a_proxy_is_read_and_written_and_shown_without_its_password() -> Result<(), BadProxy> {
        let proxy: Proxy = "socks5://ada:p%40ss%3A@Proxy.example:1080".parse()?;
        assert_eq!(proxy.kind, ProxyKind::Socks5);
        assert_eq!((proxy.host.as_str(), proxy.port), ("proxy.example", 1080));
        let password = proxy.login.as_ref().map(|login| login.password.expose());
        assert_eq!(password, Some("p@ss:"));
        assert_eq!(proxy.to_string(), "socks5://ada:***@proxy.example:1080");
        assert_eq!(format!("{proxy:?}"), proxy.to_string());
        assert_eq!(proxy.expose().parse(), Ok(proxy));
        let six: Proxy = "http://[::1]:3128/".parse()?;
        assert_eq!((six.host.as_str(), six.port), ("::1", 3128));
        assert_eq!(six.to_string(), "http://[::1]:3128");
        Ok(())
    }

    #[test]
    fn what_is_no_proxy_is_refused() {
        for text in [
            "",
            "proxy.example:1080",
            "ftp://proxy.example:21",
            "http://proxy.example",
            "http://proxy.example:0",
            "http://proxy.example:99999",
            "http://:3128",
            "http://::1:3128",
            "http://user@proxy.example:3128",
            "http://user:%zz@proxy.example:3128",
            "http://user:pass@proxy.example:3128/path",
            "http://pro xy:3128",
        ] {
            assert_eq!(text.parse::<Proxy>(), Err(BadProxy), "{text}");
        }
    }
}
