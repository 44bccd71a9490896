//! The client of a request as the network shows it: address, network, user agent. `web` makes it, the layers below use
//! it.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// The client that sent a request.
#[derive(Debug, Clone)]
pub struct Client {
    /// The client's address. Behind trusted proxies, the address that they forwarded.
    pub address: IpAddr,
    /// The `User-Agent` header, cut to the length of its database column.
    pub user_agent: Arc<str>,
}

impl Client {
    /// Returns the client for a command on this machine's command line.
    #[must_use]
    pub fn local() -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::LOCALHOST), user_agent: Arc::default() }
    }

    /// Returns a client without address and user agent, for changes that no client asked for and for the last event of
    /// a deleted account.
    #[must_use]
    pub fn anonymous() -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), user_agent: Arc::default() }
    }

    /// Returns the address as the database keeps it; empty if there is none.
    #[must_use]
    pub fn stored_address(&self) -> String {
        if self.address.is_unspecified() { String::new() } else { self.address.to_canonical().to_string() }
    }

    /// Returns the network that limits are counted for.
    #[must_use]
    pub fn network(&self) -> Network {
        Network::of(self.address)
    }
}

/// The addresses of one client: a single IPv4 address, or an IPv6 /64, which is one LAN. A site gets more of them, up
/// to a whole /48 (RFC 6177), see [`Network::site`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(IpNet);

impl Network {
    /// The network of requests that did not come over a network.
    pub const NONE: Self = Self(IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 32)));

    const IPV6_LAN_PREFIX: u8 = 64;
    const IPV6_SITE_PREFIX: u8 = 48;

    /// Returns the network of `address`. An IPv4-mapped IPv6 address counts as the IPv4 address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(Ipv4Net::from(address).into()),
            IpAddr::V6(address) => Self(Ipv6Net::new_assert(address, Self::IPV6_LAN_PREFIX).trunc().into()),
        }
    }

    /// Returns the largest network that one IPv6 subscriber may control: the enclosing /48. `None` for IPv4.
    #[must_use]
    pub fn site(self) -> Option<Self> {
        match self.0 {
            IpNet::V4(_) => None,
            IpNet::V6(net) => Some(Self(Ipv6Net::new_assert(net.addr(), Self::IPV6_SITE_PREFIX).trunc().into())),
        }
    }

    /// Returns the network as bytes that are unique among all networks: the address and the length of the prefix.
    #[must_use]
    pub fn bytes(self) -> Vec<u8> {
        let length = [self.0.prefix_len()];
        match self.0.addr() {
            IpAddr::V4(address) => [&address.octets()[..], &length].concat(),
            IpAddr::V6(address) => [&address.octets()[..], &length].concat(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> Network {
        Network::of(address.parse().unwrap())
    }

    #[test]
    fn ipv6_addresses_in_one_64_prefix_share_a_network() {
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
    }

    #[test]
    fn ipv6_networks_in_one_48_prefix_share_a_site() {
        assert_eq!(network("2001:db8:1:2::1").site(), network("2001:db8:1:ffff::1").site());
        assert_ne!(network("2001:db8:1::1").site(), network("2001:db8:2::1").site());
        assert_eq!(network("192.0.2.1").site(), None);
        let first = network("2001:db8:1:0::1");
        assert_ne!(first.bytes(), first.site().unwrap().bytes(), "they begin with the same address");
    }

    #[test]
    fn ipv4_mapped_ipv6_address_equals_ipv4_address() {
        assert_eq!(network("192.0.2.1"), network("::ffff:192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }
}
