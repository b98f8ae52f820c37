//! A server reads for others: nothing outside its roots, by no way.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use docmill_core::FailureCode;
use docmill_source::{Key, Options, Source, Sources};

use crate::support::{discover, refusal, write, zip};

fn confined(root: &Path) -> Sources {
    Sources::new(Options {
        roots: Some(vec![root.to_path_buf()]),
        ..Options::default()
    })
    .unwrap()
}

/// An allowed folder, and a secret beside it.
fn scene() -> (tempfile::TempDir, std::path::PathBuf, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().canonicalize().unwrap();
    write(&real, "secret/passwd.txt", "secret");
    write(&real, "allowed/batch/a.txt", "a");
    (folder, real.join("allowed"), real.join("secret"))
}

#[tokio::test]
async fn links_that_lead_out_are_never_followed() {
    let (_folder, allowed, secret) = scene();
    symlink(secret.join("passwd.txt"), allowed.join("batch/file.txt")).unwrap();
    symlink(&secret, allowed.join("batch/folder")).unwrap();
    symlink("/nowhere", allowed.join("batch/nowhere")).unwrap();
    symlink("a.txt", allowed.join("batch/same.txt")).unwrap();
    let found = discover(&confined(&allowed), &allowed.join("batch")).await;
    assert_eq!(found.names(), ["a.txt"]);
    // Whether something is behind a link is not told: one sentence for all of them.
    assert_eq!(found.notices.len(), 3, "{:?}", found.notices);
    assert!(
        found
            .notices
            .iter()
            .all(|notice| notice.contains("leads out of the folder"))
    );
}

#[tokio::test]
async fn a_key_outside_the_roots_is_not_read_whoever_wrote_it() {
    let (_folder, allowed, secret) = scene();
    zip(&secret.join("z.zip"), &[("a.txt", b"a")]);
    let sources = confined(&allowed);
    for key in [
        Key::File(secret.join("passwd.txt")),
        Key::File(allowed.join("../secret/passwd.txt")),
        Key::ZipEntry {
            archive: secret.join("z.zip"),
            entry: b"a.txt".to_vec(),
        },
    ] {
        let failure = sources.read(&key.to_string(), 100).await.unwrap_err();
        assert_eq!(failure.code, FailureCode::SourceUnreadable);
        assert!(failure.message.contains("outside the folders"), "{failure}");
    }
    for spec in [
        secret.display().to_string(),
        format!("list:{}", secret.join("passwd.txt").display()),
    ] {
        assert!(sources.permits(std::slice::from_ref(&spec)).is_err(), "{spec}");
        let _told = refusal(&sources, &spec).await;
    }
    let missing = refusal(&sources, &secret.join("missing").display().to_string()).await;
    let there = refusal(&sources, &secret.join("passwd.txt").display().to_string()).await;
    assert_eq!(
        missing.message.replace("missing", "X"),
        there.message.replace("passwd.txt", "X"),
        "what is there and what is not are told alike"
    );
}

/// Between listing and reading, what was a file becomes a link, or a folder on the way does.
#[tokio::test]
async fn what_takes_the_place_of_a_document_later_is_not_read() {
    let (_folder, allowed, secret) = scene();
    let sources = confined(&allowed);
    let key = discover(&sources, &allowed.join("batch"))
        .await
        .documents
        .remove(0)
        .key;
    assert_eq!(sources.read(&key, 100).await.unwrap(), "a");
    fs::remove_file(allowed.join("batch/a.txt")).unwrap();
    symlink(secret.join("passwd.txt"), allowed.join("batch/a.txt")).unwrap();
    let failure = sources.read(&key, 100).await.unwrap_err();
    assert!(failure.message.contains("link on the way"), "{failure}");
    fs::remove_dir_all(allowed.join("batch")).unwrap();
    write(&secret, "a.txt", "secret too");
    symlink(&secret, allowed.join("batch")).unwrap();
    let failure = sources.read(&key, 100).await.unwrap_err();
    assert!(failure.message.contains("link on the way"), "{failure}");
    // And listing it again finds nothing either.
    let _told = refusal(&sources, &allowed.join("batch").display().to_string()).await;
}
