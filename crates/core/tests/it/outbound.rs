//! Whom a server may be made to call.

use std::net::{IpAddr, Ipv4Addr};

use docmill_core::outbound::{Network, Origin, Policy, Reach, Terms};
use proptest::prelude::*;

fn origin(text: &str) -> Origin {
    text.parse().expect("an origin")
}

#[test]
fn addresses_that_are_not_public_are_known_in_every_dress() {
    for private in [
        "127.0.0.1",
        "127.255.0.3",
        "0.0.0.0",
        "10.1.2.3",
        "192.168.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "169.254.169.254",
        "100.64.0.1",
        "198.18.0.1",
        "192.0.2.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "2001:db8::1",
    ] {
        let address: IpAddr = private.parse().unwrap();
        assert!(Reach::Public.permits(address).is_err(), "{private}");
        assert!(Reach::Anywhere.permits(address).is_ok(), "{private}");
    }
    for public in [
        "93.184.216.34",
        "2606:2800:220:1::1",
        "8.8.8.8",
        "172.32.0.1",
        "100.128.0.1",
    ] {
        assert_eq!(Network::of(public.parse().unwrap()), Network::Public, "{public}");
    }
}

#[test]
fn a_stranger_gets_no_key_and_is_not_quoted() {
    let policy = Policy::Server {
        trusted: vec![origin("http://models.internal:8000/v1")],
    };
    for (url, by_admin, expected) in [
        ("http://models.internal:8000/v1", false, Terms::TRUSTED),
        ("http://MODELS.internal.:8000/v1/", false, Terms::TRUSTED),
        ("http://models.internal:8000/v1/team", false, Terms::TRUSTED),
        ("http://models.internal:8000/v10", false, Terms::STRANGER),
        ("http://models.internal:8000/", false, Terms::STRANGER),
        ("http://models.internal:8000/v1/../admin", false, Terms::STRANGER),
        (
            "http://models.internal:8000/v1/%2e%2e/admin",
            false,
            Terms::STRANGER,
        ),
        ("https://models.internal:8000/v1", false, Terms::STRANGER),
        ("http://models.internal/v1", false, Terms::STRANGER),
        (
            "http://models.internal:8000@evil.example/v1",
            false,
            Terms::STRANGER,
        ),
        (
            "http://evil.example\\@models.internal:8000/v1",
            false,
            Terms::STRANGER,
        ),
        ("http://127.0.0.1:8000/v1", false, Terms::STRANGER),
        ("http://127.0.0.1:8000/v1", true, Terms::TRUSTED),
    ] {
        assert_eq!(policy.terms(url, by_admin), expected, "{url} by_admin={by_admin}");
        assert_eq!(Policy::OwnUser.terms(url, by_admin), Terms::TRUSTED, "{url}");
    }
}

proptest! {
    /// An IPv4 address means the same inside an IPv6 one that stands for it.
    #[test]
    fn mapping_an_address_changes_nothing(bits: u32) {
        let address = Ipv4Addr::from(bits);
        prop_assert_eq!(
            Network::of(IpAddr::V4(address)),
            Network::of(IpAddr::V6(address.to_ipv6_mapped()))
        );
    }

    /// Reading an address never panics, and what is written reads back as the same place.
    #[test]
    fn an_origin_reads_back(text in "https?://[a-z0-9.:\\[\\]@/%-]{0,30}") {
        if let Ok(read) = text.parse::<Origin>() {
            prop_assert_eq!(read.to_string().parse::<Origin>().unwrap(), read);
        }
    }
}
