//! Decides which addresses count as one network.
//!
//! Of IPv4 it is a /24: what a provider hands a household or an office moves within one, and whoever
//! rents addresses to guess from rents that many at a time. Of IPv6 it is a /64, the least that a
//! subscriber gets: within it every device draws a new address each day, and a guesser has 2^64 of
//! them for nothing. Wider networks would put strangers of one provider together, and let one make
//! the other wait.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::fmt;

const V4_PREFIX_BITS: u32 = 24;
const V6_PREFIX_BITS: u32 = 64;

/// A network that attempts come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network(IpAddr);

impl Network {
    /// The network of an address as text; none when it is no address. An IPv4 address written as an
    /// IPv6 one, `::ffff:192.0.2.1`, is what it stands for; the zone after a `%` says nothing about
    /// where an address is.
    #[must_use]
    pub fn of(address: &str) -> Option<Self> {
        let address = address.trim();
        let address = address
            .split_once('%')
            .map_or(address, |(address, _)| address);
        let network = match address.parse::<IpAddr>().ok()?.to_canonical() {
            IpAddr::V4(address) => {
                let mask = u32::MAX << (u32::BITS - V4_PREFIX_BITS);
                IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & mask))
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX << (u128::BITS - V6_PREFIX_BITS);
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
            }
        };
        Some(Self(network))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = match self.0 {
            IpAddr::V4(_) => V4_PREFIX_BITS,
            IpAddr::V6(_) => V6_PREFIX_BITS,
        };
        write!(formatter, "{}/{bits}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_subscriber_are_one_network() {
        for (address, network) in [
            ("192.0.2.1", "192.0.2.0/24"),
            ("192.0.2.255", "192.0.2.0/24"),
            (" 192.0.3.0 ", "192.0.3.0/24"),
            ("::ffff:192.0.2.7", "192.0.2.0/24"),
            ("::ffff:c000:207", "192.0.2.0/24"),
            ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
            ("2001:DB8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
            ("fe80::1%eth0", "fe80::/64"),
            ("::1", "::/64"),
        ] {
            let found = Network::of(address).map(|network| network.to_string());
            assert_eq!(found.as_deref(), Some(network), "{address}");
        }
    }

    #[test]
    fn what_is_no_address_is_no_network() {
        for text in [
            "",
            "unknown",
            "192.0.2",
            "192.0.2.256",
            "192.0.2.1:80",
            "192.0.2.1, 10.0.0.1",
            "[::1]:80",
            "10.0.0.0/8",
            "%",
            "01.2.3.4",
        ] {
            assert_eq!(Network::of(text), None, "{text}");
        }
    }
}
