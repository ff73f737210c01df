//! Which addresses are not part of the public internet, and what they are instead.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A range of addresses: all that share the first `prefix` bits of `base`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    base: IpAddr,
    prefix: u8,
}

impl Range {
    /// The range, unless there are not that many bits.
    pub(super) fn new(base: IpAddr, prefix: u8) -> Option<Self> {
        let bits = if base.is_ipv4() { 32 } else { 128 };
        (prefix <= bits).then_some(Self { base, prefix })
    }

    /// Whether `address` is one of them.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => same_v4(base, self.prefix, address),
            (IpAddr::V6(base), IpAddr::V6(address)) => same_v6(base, self.prefix, address),
            _ => false,
        }
    }
}

fn same_v4(base: Ipv4Addr, prefix: u8, address: Ipv4Addr) -> bool {
    let rest = 32u32.saturating_sub(u32::from(prefix));
    (base.to_bits() ^ address.to_bits())
        .checked_shr(rest)
        .unwrap_or(0)
        == 0
}

fn same_v6(base: Ipv6Addr, prefix: u8, address: Ipv6Addr) -> bool {
    let rest = 128u32.saturating_sub(u32::from(prefix));
    (base.to_bits() ^ address.to_bits())
        .checked_shr(rest)
        .unwrap_or(0)
        == 0
}

const fn v4(a: u8, b: u8, c: u8, d: u8) -> Ipv4Addr {
    Ipv4Addr::new(a, b, c, d)
}

const fn v6(head: [u16; 6], tail: [u16; 2]) -> Ipv6Addr {
    Ipv6Addr::new(
        head[0], head[1], head[2], head[3], head[4], head[5], tail[0], tail[1],
    )
}

/// What no request may reach unless the operator allows it. The first row that fits names it.
const RESERVED_V4: [(Ipv4Addr, u8, &str); 17] = [
    (v4(169, 254, 169, 254), 32, "a cloud metadata service"),
    (v4(168, 63, 129, 16), 32, "a cloud metadata service"),
    (v4(100, 100, 100, 200), 32, "a cloud metadata service"),
    (v4(0, 0, 0, 0), 8, "unspecified"),
    (v4(127, 0, 0, 0), 8, "loopback"),
    (v4(10, 0, 0, 0), 8, "private"),
    (v4(172, 16, 0, 0), 12, "private"),
    (v4(192, 168, 0, 0), 16, "private"),
    (v4(100, 64, 0, 0), 10, "carrier-grade NAT"),
    (v4(169, 254, 0, 0), 16, "link-local"),
    (v4(192, 0, 0, 0), 24, "reserved"),
    (v4(192, 0, 2, 0), 24, "for documentation"),
    (v4(198, 51, 100, 0), 24, "for documentation"),
    (v4(203, 0, 113, 0), 24, "for documentation"),
    (v4(198, 18, 0, 0), 15, "for benchmarks"),
    (v4(224, 0, 0, 0), 4, "multicast"),
    (v4(240, 0, 0, 0), 4, "reserved or broadcast"),
];

const RESERVED_V6: [(Ipv6Addr, u8, &str); 17] = [
    (
        v6([0xfd00, 0xec2, 0, 0, 0, 0], [0, 0x254]),
        128,
        "a cloud metadata service",
    ),
    (v6([0; 6], [0, 0]), 128, "unspecified"),
    (v6([0; 6], [0, 1]), 128, "loopback"),
    (
        v6([0, 0, 0, 0, 0, 0xffff], [0, 0]),
        96,
        "a mapped IPv4 address",
    ),
    (v6([0; 6], [0, 0]), 96, "a compatible IPv4 address"),
    (v6([0x64, 0xff9b, 0, 0, 0, 0], [0, 0]), 96, "NAT64"),
    (v6([0x64, 0xff9b, 1, 0, 0, 0], [0, 0]), 48, "NAT64"),
    (v6([0x100, 0, 0, 0, 0, 0], [0, 0]), 64, "for discarding"),
    (
        v6([0x2001, 0, 0, 0, 0, 0], [0, 0]),
        23,
        "Teredo or reserved",
    ),
    (
        v6([0x2001, 0xdb8, 0, 0, 0, 0], [0, 0]),
        32,
        "for documentation",
    ),
    (v6([0x3fff, 0, 0, 0, 0, 0], [0, 0]), 20, "for documentation"),
    (v6([0x2002, 0, 0, 0, 0, 0], [0, 0]), 16, "6to4"),
    (v6([0x5f00, 0, 0, 0, 0, 0], [0, 0]), 16, "reserved"),
    (v6([0xfc00, 0, 0, 0, 0, 0], [0, 0]), 7, "private"),
    (v6([0xfe80, 0, 0, 0, 0, 0], [0, 0]), 10, "link-local"),
    (v6([0xfec0, 0, 0, 0, 0, 0], [0, 0]), 10, "site-local"),
    (v6([0xff00, 0, 0, 0, 0, 0], [0, 0]), 8, "multicast"),
];

/// What is handed out to the public in IPv6; the rest is not in use.
const GLOBAL_V6: Ipv6Addr = v6([0x2000, 0, 0, 0, 0, 0], [0, 0]);

/// What `address` is, if it is not a public one.
pub(super) fn reserved(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => RESERVED_V4
            .iter()
            .find(|(base, prefix, _)| same_v4(*base, *prefix, address))
            .map(|(_, _, what)| *what),
        IpAddr::V6(address) => RESERVED_V6
            .iter()
            .find(|(base, prefix, _)| same_v6(*base, *prefix, address))
            .map(|(_, _, what)| *what)
            .or_else(|| (!same_v6(GLOBAL_V6, 3, address)).then_some("reserved")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_public_is_named() -> anyhow::Result<()> {
        for (address, expected) in [
            ("127.0.0.1", "loopback"),
            ("127.255.0.9", "loopback"),
            ("0.0.0.0", "unspecified"),
            ("10.1.2.3", "private"),
            ("172.31.255.255", "private"),
            ("192.168.0.1", "private"),
            ("100.64.0.1", "carrier-grade NAT"),
            ("169.254.1.1", "link-local"),
            ("169.254.169.254", "a cloud metadata service"),
            ("192.0.0.192", "reserved"),
            ("203.0.113.9", "for documentation"),
            ("224.0.0.1", "multicast"),
            ("255.255.255.255", "reserved or broadcast"),
            ("::", "unspecified"),
            ("::1", "loopback"),
            ("::ffff:8.8.8.8", "a mapped IPv4 address"),
            ("::8.8.8.8", "a compatible IPv4 address"),
            ("64:ff9b::7f00:1", "NAT64"),
            ("fd00:ec2::254", "a cloud metadata service"),
            ("fd12::1", "private"),
            ("fe80::1", "link-local"),
            ("2001:db8::1", "for documentation"),
            ("2002:7f00:1::", "6to4"),
            ("ff02::1", "multicast"),
            ("4000::1", "reserved"),
        ] {
            assert_eq!(reserved(address.parse()?), Some(expected), "{address}");
        }
        Ok(())
    }

    #[test]
    fn what_is_public_is_not() -> anyhow::Result<()> {
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450:4001::1",
        ] {
            assert_eq!(reserved(address.parse()?), None, "{address}");
        }
        Ok(())
    }

    #[test]
    fn a_range_of_no_bits_holds_everything_of_its_family() -> anyhow::Result<()> {
        let all = Range::new("0.0.0.0".parse()?, 0).ok_or_else(|| anyhow::anyhow!("no range"))?;
        assert!(all.contains("8.8.8.8".parse()?) && !all.contains("::1".parse()?));
        assert_eq!(Range::new("10.0.0.0".parse()?, 33), None);
        Ok(())
    }
}
