//! `[dialects]`: the documented APIs of other gateways.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::net::SocketAddr;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use warbler_api::{DialectOptions, MountOptions, Prefix, Registration, Switch};
use warbler_domain::pacing::Zone;
use warbler_domain::{Dialect, SessionName};

/// The documented APIs of other gateways.
#[derive(Debug, Clone, Deserialize)]
pub struct Dialects {
    #[serde(deserialize_with = "perhaps")]
    root: Option<Dialect>,
    #[serde(deserialize_with = "registration")]
    registration: Registration,
    cors_origins: Vec<String>,
    time_zone: Zone,
    #[serde(deserialize_with = "perhaps")]
    legacy_session: Option<SessionName>,
    #[serde(deserialize_with = "switches")]
    documented_unsafe: BTreeSet<Switch>,
    /// Each by its name; the defaults know which there are.
    #[serde(flatten)]
    mounts: BTreeMap<String, Mount>,
}

/// Where and how one of them is served.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mount {
    #[serde(deserialize_with = "perhaps")]
    prefix: Option<Prefix>,
    #[serde(deserialize_with = "perhaps")]
    listen: Option<SocketAddr>,
    rate_limits: bool,
}

impl Dialects {
    /// What the API is told.
    pub fn options(&self) -> DialectOptions {
        let mounts = self.mounts.iter().filter_map(|(name, mount)| {
            let options = MountOptions {
                prefix: mount.prefix.clone(),
                listen: mount.listen,
                rate_limits: mount.rate_limits,
            };
            Some((name.parse().ok()?, options))
        });
        DialectOptions {
            root: self.root,
            mounts: mounts.collect(),
            documented_unsafe: self.documented_unsafe.clone(),
            registration: self.registration,
            cors_origins: self.cors_origins.clone(),
            zone: self.time_zone.clone(),
            legacy_session: self.legacy_session.clone(),
        }
    }
}

/// A text that may be empty.
fn perhaps<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    let text = String::deserialize(deserializer)?;
    match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(D::Error::custom),
    }
}

fn registration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Registration, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "loopback" => Ok(Registration::Loopback),
        "open" => Ok(Registration::Open),
        "closed" => Ok(Registration::Closed),
        other => Err(D::Error::custom(format!(
            "`registration` is \"loopback\", \"open\" or \"closed\", not `{other}`"
        ))),
    }
}

fn switches<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<Switch>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    let switches = names.iter().map(|name| name.parse());
    switches.collect::<Result<_, _>>().map_err(D::Error::custom)
}
