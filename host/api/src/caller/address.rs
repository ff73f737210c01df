//! Where a request comes from: the other end of its connection, or, when that is a proxy the
//! operator trusts, whom the proxy names.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::{Extensions, HeaderMap};

/// What proxies add: each the address it was called from, the nearest last.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The other end of a connection, noted on each of its requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The proxies whose word about addresses is taken.
#[derive(Debug, Clone, Default)]
pub(crate) struct Proxies(Arc<[IpAddr]>);

impl Proxies {
    pub(crate) fn new(trusted: &[IpAddr]) -> Self {
        Self(trusted.iter().map(IpAddr::to_canonical).collect())
    }

    /// Whether a request comes from a proxy whose word is taken.
    pub(crate) fn is_trusted(&self, extensions: &Extensions) -> bool {
        let peer = extensions.get::<Peer>();
        peer.is_some_and(|peer| self.0.contains(&peer.0.ip().to_canonical()))
    }

    /// Where a request comes from, where that is known.
    pub(crate) fn origin(&self, extensions: &Extensions, headers: &HeaderMap) -> Option<IpAddr> {
        let peer = extensions.get::<Peer>()?.0.ip().to_canonical();
        if !self.0.contains(&peer) {
            return Some(peer);
        }
        Some(self.named(headers).unwrap_or(peer))
    }

    /// The last address that is not itself a trusted proxy: all before it are only claimed.
    fn named(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let lines: Vec<_> = headers.get_all(FORWARDED_FOR).iter().collect();
        let texts = lines.iter().rev().filter_map(|line| line.to_str().ok());
        let hops = texts.flat_map(|line| line.rsplit(','));
        for hop in hops {
            let address: IpAddr = hop.trim().parse().ok()?;
            let address = address.to_canonical();
            if !self.0.contains(&address) {
                return Some(address);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn origin(trusted: &[&str], peer: &str, forwarded: &[&str]) -> anyhow::Result<String> {
        let trusted: Result<Vec<IpAddr>, _> = trusted.iter().map(|text| text.parse()).collect();
        let mut request = Request::builder();
        for line in forwarded {
            request = request.header(FORWARDED_FOR, *line);
        }
        let request = request.extension(Peer(peer.parse()?)).body(())?;
        let proxies = Proxies::new(&trusted?);
        let origin = proxies.origin(request.extensions(), request.headers());
        Ok(origin.map_or_else(String::new, |address| address.to_string()))
    }

    #[test]
    fn nobody_is_believed_about_addresses_unless_trusted() -> anyhow::Result<()> {
        assert_eq!(origin(&[], "192.0.2.9:1", &["10.0.0.1"])?, "192.0.2.9");
        Ok(())
    }

    #[test]
    fn a_trusted_proxy_names_who_called_it_and_not_who_was_claimed() -> anyhow::Result<()> {
        let trusted = ["127.0.0.1", "10.0.0.2"];
        let named = |lines: &[&str]| origin(&trusted, "[::ffff:127.0.0.1]:1", lines);
        assert_eq!(named(&["203.0.113.7"])?, "203.0.113.7");
        assert_eq!(named(&["6.6.6.6, 203.0.113.7, 10.0.0.2"])?, "203.0.113.7");
        assert_eq!(named(&["6.6.6.6", "203.0.113.7"])?, "203.0.113.7");
        assert_eq!(named(&["nonsense"])?, "127.0.0.1");
        assert_eq!(named(&[])?, "127.0.0.1");
        Ok(())
    }
}
