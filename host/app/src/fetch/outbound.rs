//! What may be reached although it is not public: `outbound_allow` of the configuration.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::address::{Range, reserved};

/// Names and addresses that requests may reach although they are not public.
///
/// An entry is a name (`files.lan`), a suffix (`*.corp.example`, the bare name not among them),
/// an address (`10.0.0.5`) or a range (`10.0.0.0/8`). A name is allowed whatever it resolves to.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Outbound {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    written: String,
    what: Allowed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Allowed {
    Name(String),
    /// With its leading dot.
    Suffix(String),
    Range(Range),
}

/// An entry that says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a name, `*.suffix`, address or range such as 10.0.0.0/8 in `outbound_allow`")]
pub struct BadOutbound(String);

impl Outbound {
    /// Why a connection to `address`, reached as `host`, is refused: what the address is.
    pub(super) fn refusal(&self, host: &str, address: IpAddr) -> Option<&'static str> {
        let what = reserved(address)?;
        let allowed = self.allows_host(host) || self.allows_address(address);
        (!allowed).then_some(what)
    }

    fn allows_host(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.entries.iter().any(|entry| match &entry.what {
            Allowed::Name(name) => *name == host,
            Allowed::Suffix(suffix) => host.ends_with(suffix) && host.len() > suffix.len(),
            Allowed::Range(_) => false,
        })
    }

    fn allows_address(&self, address: IpAddr) -> bool {
        let plain = address.to_canonical();
        self.entries.iter().any(|entry| match &entry.what {
            Allowed::Range(range) => range.contains(address) || range.contains(plain),
            Allowed::Name(_) | Allowed::Suffix(_) => false,
        })
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.entries.iter().map(|entry| &entry.written))
            .finish()
    }
}

impl TryFrom<Vec<String>> for Outbound {
    type Error = BadOutbound;

    fn try_from(written: Vec<String>) -> Result<Self, BadOutbound> {
        let entries = written.into_iter().map(|written| {
            let what = parse(written.trim()).ok_or_else(|| BadOutbound(written.clone()))?;
            Ok(Entry { written, what })
        });
        Ok(Self {
            entries: entries.collect::<Result<_, _>>()?,
        })
    }
}

impl From<Outbound> for Vec<String> {
    fn from(outbound: Outbound) -> Self {
        let entries = outbound.entries.into_iter();
        entries.map(|entry| entry.written).collect()
    }
}

fn parse(text: &str) -> Option<Allowed> {
    if let Ok(address) = text.parse::<IpAddr>() {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        return Range::new(address, bits).map(Allowed::Range);
    }
    if let Some((base, prefix)) = text.split_once('/') {
        let range = Range::new(base.parse().ok()?, prefix.parse().ok()?);
        return range.map(Allowed::Range);
    }
    if let Some(suffix) = text.strip_prefix("*.") {
        return name(suffix).map(|suffix| Allowed::Suffix(format!(".{suffix}")));
    }
    name(text).map(Allowed::Name)
}

/// A host name as URLs carry it: lower case, international letters in their ASCII form.
fn name(text: &str) -> Option<String> {
    let usual = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.is_empty() || !text.chars().all(usual) {
        return None;
    }
    let url = Url::parse(&format!("http://{text}/")).ok()?;
    let host = url.domain()?.trim_end_matches('.');
    (!host.is_empty()).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowing(entries: &[&str]) -> Result<Outbound, BadOutbound> {
        let entries: Vec<_> = entries.iter().map(|entry| (*entry).to_owned()).collect();
        entries.try_into()
    }

    #[test]
    fn nothing_private_is_reached_by_default() -> anyhow::Result<()> {
        let none = Outbound::default();
        assert_eq!(
            none.refusal("localhost", "127.0.0.1".parse()?),
            Some("loopback")
        );
        assert_eq!(none.refusal("example.com", "93.184.216.34".parse()?), None);
        Ok(())
    }

    #[test]
    fn a_name_a_suffix_an_address_or_a_range_allows() -> anyhow::Result<()> {
        let some = allowing(&["Files.Lan", "*.corp.example", "10.0.0.5", "192.168.0.0/16"])?;
        for (host, address) in [
            ("files.lan", "127.0.0.1"),
            ("FILES.lan.", "10.9.9.9"),
            ("a.b.corp.example", "10.9.9.9"),
            ("whatever", "10.0.0.5"),
            ("whatever", "192.168.77.1"),
            ("whatever", "::ffff:192.168.77.1"),
        ] {
            assert_eq!(
                some.refusal(host, address.parse()?),
                None,
                "{host} {address}"
            );
        }
        for (host, address) in [
            ("corp.example", "10.9.9.9"),
            ("evilcorp.example", "10.9.9.9"),
            ("files.lan.evil.example", "127.0.0.1"),
            ("whatever", "10.0.0.6"),
            ("whatever", "172.16.0.1"),
        ] {
            assert!(
                some.refusal(host, address.parse()?).is_some(),
                "{host} {address}"
            );
        }
        Ok(())
    }

    #[test]
    fn an_entry_that_says_nothing_is_refused() {
        for entry in [
            "",
            "*",
            "*.",
            "http://x",
            "10.0.0.0/33",
            "10.0.0/8",
            "a b",
            "x/8",
        ] {
            assert_eq!(
                allowing(&[entry]),
                Err(BadOutbound(entry.to_owned())),
                "{entry}"
            );
        }
    }
}
