//! Where the dialects are served: under a prefix, at a listener's root, or at a listener of its
//! own. What answers a request is known before it is routed, and never guessed from what it says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use warbler_domain::pacing::Zone;
use warbler_domain::{Dialect, SessionName};

use super::{Switch, rows_of};
use crate::native;

/// The session that old clients of `gateway` mean when they name none, as documented.
const LEGACY_SESSION: &str = "putra";

/// The path below which a dialect is served, such as `/hub`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Prefix(String);

/// A text that is no prefix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a prefix; one looks like `/hub`: letters, digits, `-`, `_` and `.`, without a slash at the end"
)]
pub struct BadPrefix(String);

impl Prefix {
    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Prefix {
    type Err = BadPrefix;

    fn from_str(text: &str) -> Result<Self, BadPrefix> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let is_part = |part: &str| !part.is_empty() && part.bytes().all(plain);
        let rest = text.strip_prefix('/').filter(|_| text.len() <= 100);
        match rest.is_some_and(|rest| rest.split('/').all(is_part)) {
            true => Ok(Self(text.to_owned())),
            false => Err(BadPrefix(text.chars().take(100).collect())),
        }
    }
}

/// Who may make an account by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Registration {
    /// Whoever reaches a listener that only this machine reaches.
    #[default]
    Loopback,
    /// Everybody.
    Open,
    /// Nobody.
    Closed,
}

/// Where and how one dialect is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountOptions {
    /// Below what it is served at the host's own listener; nothing for nowhere.
    pub prefix: Option<Prefix>,
    /// A listener of its own, where it has its documented paths.
    pub listen: Option<SocketAddr>,
    /// Whether the limits of its document hold.
    pub rate_limits: bool,
}

/// Where and how the dialects are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialectOptions {
    /// The dialect that answers the host's own listener at its documented paths, too.
    pub root: Option<Dialect>,
    /// Each dialect.
    pub mounts: BTreeMap<Dialect, MountOptions>,
    /// The unsafe behaviour that is open.
    pub documented_unsafe: BTreeSet<Switch>,
    /// Who may make an account.
    pub registration: Registration,
    /// The origins whose pages may call the dialects.
    pub cors_origins: Vec<String>,
    /// Whose clock a time without an offset is by, in dialects whose documents have such.
    pub zone: Zone,
    /// The session that sends where old clients of `gateway` name none.
    pub legacy_session: Option<SessionName>,
}

impl Default for DialectOptions {
    /// Each dialect below its name, none at the root, nothing unsafe.
    fn default() -> Self {
        let mount = |dialect: Dialect| MountOptions {
            prefix: Some(Prefix(format!("/{dialect}"))),
            listen: None,
            rate_limits: true,
        };
        let mounts = Dialect::ALL
            .into_iter()
            .map(|dialect| (dialect, mount(dialect)));
        Self {
            root: None,
            mounts: mounts.collect(),
            documented_unsafe: BTreeSet::new(),
            registration: Registration::default(),
            cors_origins: Vec::new(),
            zone: Zone::default(),
            legacy_session: LEGACY_SESSION.parse().ok(),
        }
    }
}

/// Why nothing can be served like that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadMounts {
    /// Two would answer the same paths.
    #[error(
        "{one} and {other} would both answer {path}; give one of them another prefix or a listener of its own"
    )]
    Overlap {
        /// One of them.
        one: String,
        /// The other.
        other: String,
        /// What both would answer.
        path: String,
    },
    /// Two would listen at the same address.
    #[error("{one} and {other} would both listen on {address}")]
    SameAddress {
        /// One of them.
        one: String,
        /// The other.
        other: String,
        /// Where.
        address: SocketAddr,
    },
    /// An origin is not one.
    #[error("`{0}` is not an origin; one looks like `https://app.example.com`")]
    BadOrigin(String),
}

impl DialectOptions {
    /// Refuses what cannot be served beside the native API and a listener at `listen`.
    pub fn check(&self, listen: SocketAddr) -> Result<(), BadMounts> {
        self.check_addresses(listen)?;
        let mut taken: Vec<(String, Vec<String>)> = vec![(NATIVE.to_owned(), native_paths())];
        if let Some(root) = self.root {
            taken.push((format!("{root} (root_dialect)"), rows_of(root)));
        }
        for (dialect, mount) in &self.mounts {
            if let Some(prefix) = &mount.prefix {
                taken.push((dialect.to_string(), vec![format!("{prefix}/{{*rest}}")]));
            }
        }
        for (at, (one, paths)) in taken.iter().enumerate() {
            for (other, others) in taken.iter().skip(at + 1) {
                let both = paths.iter().find_map(|path| {
                    let found = others.iter().find(|other| meet(path, other));
                    found.map(|other| if other.contains("{*") { other } else { path })
                });
                if let Some(path) = both {
                    return Err(BadMounts::Overlap {
                        one: one.clone(),
                        other: other.clone(),
                        path: path.clone(),
                    });
                }
            }
        }
        let plain = |origin: &&String| {
            let rest = origin
                .strip_prefix("https://")
                .or(origin.strip_prefix("http://"));
            !rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(['/', '*', ' ']))
        };
        match self.cors_origins.iter().find(plain) {
            Some(bad) => Err(BadMounts::BadOrigin(bad.clone())),
            None => Ok(()),
        }
    }

    fn check_addresses(&self, listen: SocketAddr) -> Result<(), BadMounts> {
        let mut taken: Vec<(String, SocketAddr)> = vec![(NATIVE.to_owned(), listen)];
        for (dialect, mount) in &self.mounts {
            let Some(address) = mount.listen else {
                continue;
            };
            let same = taken.iter().find(|(_, known)| *known == address);
            if let Some((one, _)) = same.filter(|_| address.port() != 0) {
                return Err(BadMounts::SameAddress {
                    one: one.clone(),
                    other: dialect.to_string(),
                    address,
                });
            }
            taken.push((dialect.to_string(), address));
        }
        Ok(())
    }
}

/// What the native API is called in messages.
const NATIVE: &str = "the native API";

fn native_paths() -> Vec<String> {
    let routes = native::routes().into_iter();
    routes.map(|route| route.path).collect()
}

/// Whether some path would be answered by both patterns.
fn meet(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.split('/'), other.split('/'));
    loop {
        match (one.next(), other.next()) {
            (None, None) => return true,
            // Whatever is below a prefix is its own, and so is the prefix itself.
            (Some(part), _) | (_, Some(part)) if part.starts_with("{*") => return true,
            (Some(one), Some(other)) if one == other || is_any(one) || is_any(other) => {}
            _ => return false,
        }
    }
}

fn is_any(part: &str) -> bool {
    part.starts_with('{')
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: SocketAddr =
        SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 3000);

    fn with_prefix(text: &str) -> anyhow::Result<DialectOptions> {
        let mut options = DialectOptions::default();
        let prefix = Some(text.parse()?);
        if let Some(mount) = options.mounts.get_mut(&Dialect::Hub) {
            mount.prefix = prefix;
        }
        Ok(options)
    }

    #[test]
    fn by_default_nothing_overlaps() {
        assert_eq!(DialectOptions::default().check(HERE), Ok(()));
        let every = Dialect::ALL.into_iter().map(Some);
        for root in every {
            let options = DialectOptions {
                root,
                ..DialectOptions::default()
            };
            assert_eq!(options.check(HERE), Ok(()));
        }
    }

    #[test]
    fn an_overlap_is_refused_by_both_names() -> anyhow::Result<()> {
        for prefix in ["/v1", "/v1/sessions", "/docs", "/media"] {
            let refused = with_prefix(prefix)?.check(HERE);
            let text = refused.map_err(|err| err.to_string());
            let named = |text: &String| text.contains("the native API and hub");
            assert!(text.as_ref().is_err_and(named), "{prefix}: {text:?}");
        }
        let rooted = DialectOptions {
            root: Some(Dialect::Hub),
            ..with_prefix("/session")?
        };
        let text = rooted.check(HERE).map_err(|err| err.to_string());
        assert!(text.is_err_and(|text| text.contains("hub (root_dialect) and hub")));
        Ok(())
    }

    #[test]
    fn two_cannot_listen_at_one_address() {
        let mut options = DialectOptions::default();
        for mount in options.mounts.values_mut() {
            mount.listen = Some(HERE);
        }
        let refused = options.check(HERE);
        assert!(matches!(refused, Err(BadMounts::SameAddress { .. })));
    }

    #[test]
    fn a_prefix_is_a_plain_path() {
        for good in ["/hub", "/api/v2", "/a.b-c_d"] {
            assert!(good.parse::<Prefix>().is_ok(), "{good}");
        }
        for bad in ["", "/", "hub", "/hub/", "//", "/{x}", "/a b", "/a//b"] {
            assert!(bad.parse::<Prefix>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_origin_is_a_scheme_and_a_host() {
        for (origin, good) in [
            ("https://app.example.com", true),
            ("http://localhost:8080", true),
            ("*", false),
            ("https://app.example.com/", false),
        ] {
            let options = DialectOptions {
                cors_origins: vec![origin.to_owned()],
                ..DialectOptions::default()
            };
            assert_eq!(options.check(HERE).is_ok(), good, "{origin}");
        }
    }
}
