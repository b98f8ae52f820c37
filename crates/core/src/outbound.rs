//! Whom this process may be made to call, and what it says to them.
//!
//! docmill calls model providers, webhooks, sign-in servers and buckets. The person at
//! the command line may call what they like: it is their machine, their network and their
//! key. A server calls on behalf of others, and some of them may name the address. They
//! must not be able to make it reach what only the server reaches (its own machine, the
//! network around it, the cloud's metadata service), to have an answer from there read to
//! them, or to be sent a key.
//!
//! Everything here is a decision over values. `docmill-outbound` carries it out: it looks
//! a name up once, asks [`Reach::permits`] about every address found, and connects to one of
//! exactly those, so that a name cannot mean something else in between.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Which addresses a connection may go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// All: an admin, or the person at the command line, named the place.
    Anywhere,
    /// The public internet alone.
    Public,
}

/// What kind of network an address belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Network {
    /// The public internet.
    Public,
    /// This machine.
    Loopback,
    /// A private network.
    Private,
    /// Only this link; also where clouds keep the credentials of a machine (169.254.169.254).
    Link,
    /// Meant for something else: multicast, documentation, translation, the future.
    Reserved,
}

impl Network {
    /// Which network an address belongs to (RFC 6890 and what came after it).
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => Self::of_v6(address),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        let [a, b, c, _] = address.octets();
        match (a, b, c) {
            (127, ..) => Self::Loopback,
            // "This host" reaches this machine on most systems.
            (0, ..) => Self::Loopback,
            (10, ..) | (172, 16..=31, _) | (192, 168, _) | (100, 64..=127, _) => Self::Private,
            (169, 254, _) => Self::Link,
            (192, 0, 0 | 2) | (192, 88, 99) | (198, 18..=19, _) | (198, 51, 100) | (203, 0, 113) => {
                Self::Reserved
            }
            (224..=255, ..) => Self::Reserved,
            _ => Self::Public,
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        let [a, b, ..] = address.segments();
        match (a, b) {
            _ if address.is_loopback() || address.is_unspecified() => Self::Loopback,
            (0xfc00..=0xfdff, _) => Self::Private,
            (0xfe80..=0xfebf, _) => Self::Link,
            // Addresses that hold another inside (6to4, Teredo): what they lead to cannot be told.
            (0x2002, _) | (0x2001, 0 | 2 | 0xdb8) => Self::Reserved,
            (0x3fff, 0..=0x0fff) => Self::Reserved,
            // All that is given out is in here; NAT64 and IPv4-compatible addresses are not.
            (0x2000..=0x3fff, _) => Self::Public,
            _ => Self::Reserved,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Public => "on the public internet",
            Self::Loopback => "on this machine",
            Self::Private => "in a private network",
            Self::Link => "on this machine's own link",
            Self::Reserved => "not one of the public internet",
        }
    }
}

/// An address that may not be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the address is {}", .network.words())]
pub struct Refused {
    /// Where the address is.
    pub network: Network,
}

impl Reach {
    /// Whether a connection may go to this address.
    ///
    /// # Errors
    /// When it may not.
    pub fn permits(self, address: IpAddr) -> Result<(), Refused> {
        match (self, Network::of(address)) {
            (Self::Anywhere, _) | (Self::Public, Network::Public) => Ok(()),
            (Self::Public, network) => Err(Refused { network }),
        }
    }
}

/// What a named place gets of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Terms {
    /// Where its name may lead.
    pub reach: Reach,
    /// Whether it is sent the key for places of one's own (`DOCMILL_API_KEY`).
    pub sends_key: bool,
    /// Whether what it says about an error is shown: the texts of an internal service are not
    /// for everybody who may start a batch.
    pub shows_errors: bool,
}

impl Terms {
    /// For places an admin, or the person at the command line, named.
    pub const TRUSTED: Self = Self {
        reach: Reach::Anywhere,
        sends_key: true,
        shows_errors: true,
    };

    /// For places somebody else named.
    pub const STRANGER: Self = Self {
        reach: Reach::Public,
        sends_key: false,
        shows_errors: false,
    };
}

/// Whose word counts when a model's address is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Policy {
    /// The command line: all words are its user's.
    OwnUser,
    /// A server: these places, and what its admins name.
    Server {
        /// Places named when the server was started.
        trusted: Vec<Origin>,
    },
}

impl Policy {
    /// What the place at `url` gets. `by_admin` says that the person who named it for this batch
    /// may decide that: an admin, or the user of the command line.
    #[must_use]
    pub fn terms(&self, url: &str, by_admin: bool) -> Terms {
        match self {
            Self::OwnUser => Terms::TRUSTED,
            Self::Server { .. } if by_admin => Terms::TRUSTED,
            Self::Server { trusted } => match url.parse::<Origin>() {
                Ok(named) if trusted.iter().any(|origin| origin.covers(&named)) => Terms::TRUSTED,
                _ => Terms::STRANGER,
            },
        }
    }
}

/// A place on the web: scheme, host, port, and the path below which it is trusted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: Scheme,
    host: String,
    port: u16,
    path: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Scheme {
    Http,
    Https,
}

/// Text that is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the address of a server; write it like https://host.example/v1")]
pub struct NoOrigin(pub String);

impl Origin {
    /// Whether `named` is this place or below it.
    #[must_use]
    pub fn covers(&self, named: &Self) -> bool {
        let below = named
            .path
            .strip_prefix(&self.path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        (self.scheme, &self.host, self.port) == (named.scheme, &named.host, named.port) && below
    }
}

impl FromStr for Origin {
    type Err = NoOrigin;

    /// Refuses all that could be read in two ways: a user before the host, steps up, a query.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text.trim()).ok_or_else(|| NoOrigin(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Origin> {
    let odd = |c: char| !c.is_ascii_graphic() || matches!(c, '\\' | '@' | '?' | '#' | '%');
    if text.contains(odd) {
        return None;
    }
    let (scheme, rest) = text.split_once("://")?;
    let (scheme, usual) = match scheme.to_ascii_lowercase().as_str() {
        "http" => (Scheme::Http, 80),
        "https" => (Scheme::Https, 443),
        _ => return None,
    };
    let (authority, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, ""),
    };
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            let host: Ipv6Addr = host.parse().ok()?;
            (host.to_string(), after)
        }
        None => match authority.find(':') {
            Some(colon) => {
                let (host, port) = authority.split_at(colon);
                (host.to_ascii_lowercase(), port)
            }
            None => (authority.to_ascii_lowercase(), ""),
        },
    };
    let port = match port {
        "" => usual,
        port => port.strip_prefix(':')?.parse().ok()?,
    };
    let path = path.trim_end_matches('/');
    let steps = path.split('/').any(|part| matches!(part, "." | ".."));
    let host = host.trim_end_matches('.').to_owned();
    (!host.is_empty() && !steps && !path.contains("//")).then(|| Origin {
        scheme,
        host,
        port,
        path: path.to_owned(),
    })
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        let (open, close) = if self.host.contains(':') {
            ("[", "]")
        } else {
            ("", "")
        };
        write!(
            f,
            "{scheme}://{open}{}{close}:{}{}",
            self.host, self.port, self.path
        )
    }
}
