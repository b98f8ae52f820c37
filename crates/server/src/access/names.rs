//! What a request says it asks and where it comes from: `Host` and `Origin`, read strictly. What
//! is not exactly one of them is neither.

use std::net::Ipv6Addr;

use axum::http::{HeaderMap, HeaderName, Uri, header};

/// A host with its port, as `Host` has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authority {
    /// Lower case, without the brackets of IPv6.
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
}

impl Authority {
    /// `docs.example.org`, `127.0.0.1:7878`, `[::1]:7878`; `None` for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, after) = rest.split_once(']')?;
                let address: Ipv6Addr = address.parse().ok()?;
                let port = match after {
                    "" => None,
                    after => Some(after.strip_prefix(':')?),
                };
                (address.to_string(), port)
            }
            None => {
                let (host, port) = match text.split_once(':') {
                    Some((host, port)) => (host, Some(port)),
                    None => (text, None),
                };
                let is_name = !host.is_empty()
                    && host.len() <= 253
                    && host
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
                (is_name.then(|| host.to_ascii_lowercase())?, port)
            }
        };
        let port = match port {
            None => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok()?),
            Some(_) => return None,
        };
        Some(Self { host, port })
    }
}

/// Where a page is from: scheme, host and port together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    scheme: Scheme,
    host: String,
    port: u16,
}

/// How a browser reaches the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    const fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl Origin {
    pub(crate) fn new(scheme: Scheme, authority: &Authority) -> Self {
        Self {
            scheme,
            host: authority.host.clone(),
            port: authority.port.unwrap_or(scheme.port()),
        }
    }

    /// As the header has it: `https://docs.example.org:8443`. `null` is no origin.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let scheme = match scheme {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return None,
        };
        Some(Self::new(scheme, &Authority::parse(authority)?))
    }
}

/// Where others reach the server, when it is said: `https://docs.example.org/docmill`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    text: String,
    origin: Origin,
    path: String,
}

impl PublicUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no address; write it like https://docs.example.org");
        let text = text.trim().trim_end_matches('/');
        let (origin, path) = match text.split_once("://").and_then(|(_, rest)| rest.find('/')) {
            Some(_) => {
                let uri: Uri = text.parse().map_err(|_| wrong())?;
                let path = uri.path().to_owned();
                if !is_path(&path) || uri.query().is_some() {
                    return Err(wrong());
                }
                (text.strip_suffix(&path).unwrap_or(text), path)
            }
            None => (text, String::new()),
        };
        Ok(Self {
            text: text.to_owned(),
            origin: Origin::parse(origin).ok_or_else(wrong)?,
            path,
        })
    }

    /// Without a slash at the end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Below its host: empty, or `/docmill`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    pub(crate) const fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn host(&self) -> &str {
        &self.origin.host
    }

    pub(crate) fn is_https(&self) -> bool {
        self.origin.scheme == Scheme::Https
    }
}

/// A path that can be nothing else: inside an attribute, or at the start of an address, where two
/// slashes would name another host.
pub(crate) fn is_path(text: &str) -> bool {
    text.starts_with('/')
        && !text.contains("//")
        && text.split('/').all(|part| part != "." && part != "..")
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~'))
}

/// The only value of a header, as text; two of them are none.
pub(crate) fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// The host a request names: in its head, and in its address when that is a whole one.
pub(crate) fn host_of(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    let host = Authority::parse(only(headers, &header::HOST)?)?;
    match uri.authority() {
        Some(authority) if Authority::parse(authority.as_str())? != host => None,
        _ => Some(host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Option<String> {
        Authority::parse(text).map(|authority| authority.host)
    }

    #[test]
    fn a_host_is_a_whole_one() {
        assert_eq!(host("localhost:7878").as_deref(), Some("localhost"));
        assert_eq!(host("[::1]:7878").as_deref(), Some("::1"));
        assert_eq!(host("[0:0::1]").as_deref(), Some("::1"));
        assert_eq!(host("Docs.Example.org").as_deref(), Some("docs.example.org"));
        for wrong in [
            "",
            "[::1]evil",
            "[::1]:",
            "[::1]:x",
            "[evil]",
            "[::1",
            "::1",
            "a b",
            "a:1:2",
            "a:99999",
            "a:+1",
            "user@localhost",
            "localhost/",
            "localhost#",
            "loc\u{e4}lhost",
        ] {
            assert_eq!(host(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_origin_is_its_scheme_its_host_and_its_port() {
        let origin = |text: &str| Origin::parse(text).unwrap();
        assert_eq!(origin("https://a"), origin("https://A:443"));
        assert_ne!(origin("https://a"), origin("http://a"));
        assert_ne!(origin("http://a:7878"), origin("http://a:7879"));
        for none in ["null", "", "a", "file://", "http://a/", "http://a@b"] {
            assert_eq!(Origin::parse(none), None, "{none}");
        }
    }

    #[test]
    fn a_public_address_says_where_it_is() {
        let url = PublicUrl::parse("https://docs.example.org:8443/docmill/").unwrap();
        assert_eq!(
            (url.host(), url.path(), url.is_https()),
            ("docs.example.org", "/docmill", true)
        );
        assert_eq!(url.as_str(), "https://docs.example.org:8443/docmill");
        assert_eq!(PublicUrl::parse("http://a").unwrap().path(), "");
        for wrong in [
            "",
            "a",
            "ftp://a",
            "https://",
            "https://a//b",
            "https://a/b?c",
            "https://a/..",
        ] {
            PublicUrl::parse(wrong).unwrap_err();
        }
    }

    #[test]
    fn a_prefix_names_no_other_host() {
        assert!(is_path("/") && is_path("/docmill") && is_path("/a/b-c_d.e~f"));
        for wrong in ["", "a", "//other", "/a//b", "/a/../b", "/a\"", "/a b", "/\\other"] {
            assert!(!is_path(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_request_names_one_host() {
        let headers = |hosts: &[&str]| -> HeaderMap {
            hosts
                .iter()
                .map(|host| (header::HOST, host.parse().unwrap()))
                .collect()
        };
        let at = |uri: &str, hosts: &[&str]| host_of(&uri.parse().unwrap(), &headers(hosts));
        assert!(at("/x", &["localhost"]).is_some());
        assert!(at("http://localhost/x", &["localhost"]).is_some());
        assert_eq!(at("http://evil/x", &["localhost"]), None);
        assert_eq!(at("/x", &["localhost", "evil"]), None);
        assert_eq!(at("/x", &[]), None);
    }
}
