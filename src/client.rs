//! Who is asking, as far as the network tells: address, network, browser and the number of the request. Made by `http`,
//! used below it; knows nothing of HTTP.

use std::{
    cell::RefCell,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use crate::random;

/// One request's origin.
#[derive(Debug, Clone)]
pub struct Client {
    /// The address, behind trusted proxies the one they saw.
    pub address: IpAddr,
    /// What the browser calls itself, cut to what the database keeps.
    pub user_agent: Arc<str>,
    /// The number of the request, in each of its log lines and on its error page.
    pub request_id: RequestId,
}

impl Client {
    /// Somebody at this machine's own command line.
    #[must_use]
    pub fn local() -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::LOCALHOST), user_agent: Arc::default(), request_id: RequestId::new() }
    }

    /// Nobody in particular, in this request: for what stays known of an account that is gone.
    #[must_use]
    pub fn nobody(request_id: RequestId) -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), user_agent: Arc::default(), request_id }
    }

    /// The network that limits are counted for.
    #[must_use]
    pub fn network(&self) -> Network {
        Network::of(self.address)
    }
}

/// What one subscriber has of the internet: an IPv4 address, or an IPv6 /64 (RFC 6177 gives no less to a home).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl Network {
    /// The network of `address`.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(IpAddr::V4(address)),
            IpAddr::V6(address) => {
                let prefix = u128::from(address) & (u128::MAX << 64);
                Self(IpAddr::V6(Ipv6Addr::from(prefix)))
            }
        }
    }

    /// For requests that came over no network at all.
    pub const NONE: Self = Self(IpAddr::V4(Ipv4Addr::UNSPECIFIED));

    /// The same network as bytes, never those of another.
    #[must_use]
    pub fn bytes(self) -> Vec<u8> {
        match self.0 {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        }
    }
}

/// 64 random bits that name a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestId(u64);

impl RequestId {
    /// A new one.
    #[must_use]
    pub fn new() -> Self {
        thread_local! {
            static NUMBERS: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
        }
        NUMBERS.with_borrow_mut(|numbers| {
            if numbers.is_empty() {
                // Many at a time, because each question to the operating system takes long.
                let random = random::bytes::<512>();
                numbers.extend(random.as_chunks::<8>().0.iter().map(|bytes| u64::from_ne_bytes(*bytes)));
            }
            Self(numbers.pop().unwrap_or_default())
        })
    }
}

impl Default for RequestId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> Network {
        Network::of(address.parse().unwrap())
    }

    #[test]
    fn an_ipv6_subscriber_is_one_network_whatever_address_it_takes() {
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
    }

    #[test]
    fn an_ipv4_address_is_the_same_however_it_is_written() {
        assert_eq!(network("192.0.2.1"), network("::ffff:192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }
}
