use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use docmill_source::{Bucket, Key, Scheme};
use proptest::collection::vec;
use proptest::prelude::*;

/// An absolute path of any bytes an operating system allows.
fn path() -> impl Strategy<Value = PathBuf> {
    vec(1..=255_u8, 0..40).prop_map(|mut bytes| {
        bytes.insert(0, b'/');
        PathBuf::from(OsString::from_vec(bytes))
    })
}

fn key() -> impl Strategy<Value = Key> {
    let schemes = prop_oneof![Just(Scheme::S3), Just(Scheme::Gcs), Just(Scheme::Azure)];
    prop_oneof![
        path().prop_map(Key::File),
        (path(), vec(any::<u8>(), 1..40)).prop_map(|(archive, entry)| Key::ZipEntry { archive, entry }),
        (path(), vec(any::<u8>(), 1..40), any::<u32>()).prop_map(|(archive, entry, number)| {
            Key::ZipNamesake {
                archive,
                entry,
                number,
            }
        }),
        (schemes, "[a-z0-9.@-]{1,20}", ".{1,40}").prop_map(|(scheme, name, path)| Key::Object {
            bucket: Bucket { scheme, name },
            path,
        }),
    ]
}

proptest! {
    /// Whatever the names are, a key read back is the same key, and is plain ASCII without spaces.
    #[test]
    fn keys_round_trip(key in key()) {
        let text = key.to_string();
        prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{}", text);
        prop_assert_eq!(Key::parse(&text), Some(key));
    }

    /// Two different places never share a key.
    #[test]
    fn keys_differ(a in key(), b in key()) {
        prop_assert_eq!(a == b, a.to_string() == b.to_string());
    }

    /// No text makes the reader of keys panic.
    #[test]
    fn any_text_is_a_key_or_not(text in ".{0,60}") {
        let _ = Key::parse(&text);
        let _ = Key::parse(&format!("file://{text}"));
        let _ = Key::parse(&format!("zip://{text}"));
        let _ = Key::parse(&format!("s3://{text}"));
    }
}

#[test]
fn keys_look_like_urls() {
    let key = Key::ZipEntry {
        archive: PathBuf::from("/data/a!b.zip"),
        entry: b"sub/caf\xe9.pdf".to_vec(),
    };
    assert_eq!(key.to_string(), "zip:///data/a%21b.zip!/sub/caf%E9.pdf");
    for text in [
        "",
        "file://relative",
        "zip:///no-entry.zip",
        "s3://bucket",
        "s3:///key",
        "http://x/y",
    ] {
        assert_eq!(Key::parse(text), None, "{text}");
    }
}
