use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};

use docmill_core::FailureCode;
use docmill_source::{Discovered, Key, Options, Source, Sources};
use futures::StreamExt;

use crate::support::{discover, discover_all, filtered, sources, write};

#[tokio::test]
async fn a_folder_is_walked_in_the_order_of_names_without_hidden_files() {
    let root = tempfile::tempdir().unwrap();
    for name in [
        "b.txt",
        "a/2.txt",
        "a/10.txt",
        "a/deep/er/x.pdf",
        "c.TXT",
        ".git/config",
        "a/.hidden",
        "~$b.docx",
        "Thumbs.db",
    ] {
        write(root.path(), name, name);
    }
    let first = discover(&sources(), root.path()).await;
    assert_eq!(
        first.names(),
        ["a/10.txt", "a/2.txt", "a/deep/er/x.pdf", "b.txt", "c.TXT"]
    );
    assert!(first.notices.is_empty(), "{:?}", first.notices);
    assert_eq!(first.documents[0].bytes, 8);
    let again = discover(&sources(), root.path()).await;
    assert_eq!(first.documents, again.documents);
    let read = sources().read(&first.documents[2].key, 100).await.unwrap();
    assert_eq!(read, "a/deep/er/x.pdf");
}

#[tokio::test]
async fn patterns_choose_and_prune() {
    let root = tempfile::tempdir().unwrap();
    for name in [
        "a.pdf",
        "B.PDF",
        "c.txt",
        "old/d.pdf",
        "old/e/f.pdf",
        "new/g.pdf",
        "new/h.png",
    ] {
        write(root.path(), name, "x");
    }
    let pdf = discover(&filtered(&["*.pdf"], &["old"]), root.path()).await;
    assert_eq!(pdf.names(), ["B.PDF", "a.pdf", "new/g.pdf"]);
    let folder = discover(&filtered(&["new/*"], &["*.{png,txt}"]), root.path()).await;
    assert_eq!(folder.names(), ["new/g.pdf"]);
}

#[tokio::test]
async fn links_to_folders_elsewhere_are_followed_only_when_asked_and_loops_end() {
    let outside = tempfile::tempdir().unwrap();
    write(outside.path(), "far/z.txt", "z");
    symlink(outside.path(), outside.path().join("far/back")).unwrap();
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "a/x.txt", "x");
    symlink("..", root.path().join("a/up")).unwrap();
    symlink("a", root.path().join("same")).unwrap();
    symlink("a/x.txt", root.path().join("y.txt")).unwrap();
    symlink("nowhere", root.path().join("dangling")).unwrap();
    symlink(outside.path().join("far"), root.path().join("link1")).unwrap();
    symlink(outside.path().join("far"), root.path().join("link2")).unwrap();
    write(outside.path(), "single.txt", "s");
    symlink(outside.path().join("single.txt"), root.path().join("s.txt")).unwrap();
    let found = discover(&sources(), root.path()).await;
    assert_eq!(found.names(), ["a/x.txt", "s.txt"]);
    assert!(
        found
            .notices
            .iter()
            .any(|notice| notice.contains("link1") && notice.contains("--follow-links"))
    );
    let following = Sources::new(Options {
        follow_links: true,
        ..Options::default()
    })
    .unwrap();
    let found = discover(&following, root.path()).await;
    assert_eq!(found.names(), ["a/x.txt", "link1/z.txt", "s.txt"]);
    assert_eq!(found.notices.len(), 2, "{:?}", found.notices);
    assert!(found.notices[0].contains("dangling"), "{:?}", found.notices);
    assert!(found.notices[1].contains("leads back"), "{:?}", found.notices);
}

#[tokio::test]
async fn one_file_has_one_key_however_it_is_named() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "a/x.txt", "x");
    symlink(root.path().join("a"), root.path().join("alias")).unwrap();
    let specs = [
        root.path().join("a/x.txt").display().to_string(),
        root.path().join("a/../a/./x.txt").display().to_string(),
        root.path().join("alias").display().to_string(),
        format!("file://{}", root.path().join("a").display()),
    ];
    let found = discover_all(&sources(), &specs).await;
    assert_eq!(found.documents.len(), 4);
    let keys: HashSet<&str> = found.documents.iter().map(|found| found.key.as_str()).collect();
    assert_eq!(keys.len(), 1, "{keys:?}");
}

#[tokio::test]
async fn any_file_name_is_found_and_read_again() {
    let root = tempfile::tempdir().unwrap();
    let names: [&[u8]; 7] = [
        b"100% sure?.txt",
        b"a!b#c&d.txt",
        b"caf\xe9.txt",
        b"line\nbreak.txt",
        b"tab\there",
        "Grüße 文書.pdf".as_bytes(),
        b"zip!",
    ];
    for name in names {
        fs::write(root.path().join(OsStr::from_bytes(name)), name).unwrap();
    }
    let found = discover(&sources(), root.path()).await;
    assert_eq!(found.documents.len(), names.len());
    let mut contents = HashSet::new();
    for document in &found.documents {
        assert!(document.key.is_ascii());
        assert!(!document.name.chars().any(char::is_control));
        contents.insert(sources().read(&document.key, 100).await.unwrap().to_vec());
    }
    assert_eq!(contents, names.iter().map(|name| name.to_vec()).collect());
}

#[tokio::test]
async fn what_may_not_be_read_is_said_and_left_out() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "open.txt", "x");
    write(root.path(), "shut/y.txt", "y");
    let shut = root.path().join("shut");
    fs::set_permissions(&shut, fs::Permissions::from_mode(0o000)).unwrap();
    let enforced = fs::read_dir(&shut).is_err();
    let found = discover(&sources(), root.path()).await;
    fs::set_permissions(&shut, fs::Permissions::from_mode(0o755)).unwrap();
    // The superuser may read everything, so there the folder simply belongs to the walk.
    if enforced {
        assert_eq!(found.names(), ["open.txt"]);
        assert!(
            found.notices[0].contains("permission denied"),
            "{:?}",
            found.notices
        );
    } else {
        assert_eq!(found.names(), ["open.txt", "shut/y.txt"]);
    }
}

#[tokio::test]
async fn a_pipe_is_left_out_and_never_opened() {
    let root = tempfile::tempdir().unwrap();
    let socket = std::os::unix::net::UnixListener::bind(root.path().join("socket")).unwrap();
    let found = discover(&sources(), root.path()).await;
    assert!(found.documents.is_empty());
    assert!(
        found.notices[0].contains("not a regular file"),
        "{:?}",
        found.notices
    );
    let key = Key::File(root.path().join("socket")).to_string();
    let failure = sources().read(&key, 100).await.unwrap_err();
    assert_eq!(failure.code, FailureCode::SourceUnreadable);
    drop(socket);
}

#[tokio::test]
async fn a_file_above_the_limit_is_refused() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "big", vec![0; 101]);
    let key = discover(&sources(), root.path()).await.documents.remove(0).key;
    let failure = sources().read(&key, 100).await.unwrap_err();
    assert_eq!(failure.code, FailureCode::TooLarge);
    assert_eq!(sources().read(&key, 101).await.unwrap().len(), 101);
    fs::remove_file(root.path().join("big")).unwrap();
    let failure = sources().read(&key, 100).await.unwrap_err();
    assert_eq!(failure.code, FailureCode::SourceUnreadable);
    assert!(failure.message.contains("does not exist"), "{failure}");
}

/// The walk of a large pile waits for who pulls: after one document of 50,000 was
/// taken, files that come into being far behind are still seen, so the walk was not there yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_runs_only_a_little_ahead() {
    let root = tempfile::tempdir().unwrap();
    for folder in 0..100 {
        let path = root.path().join(format!("{folder:03}"));
        fs::create_dir(&path).unwrap();
        let original = path.join("000");
        fs::write(&original, "x").unwrap();
        // Further names of one file are quicker to make than further files.
        for file in 1..500 {
            fs::hard_link(&original, path.join(format!("{file:03}"))).unwrap();
        }
    }
    let sources = sources();
    let mut stream = sources
        .discover(&[root.path().display().to_string()])
        .await
        .unwrap();
    let first = stream.next().await;
    assert!(matches!(first, Some(Ok(Discovered::Document(_)))));
    write(root.path(), "050/late", "late");
    let mut count = 1;
    let mut late = 0;
    while let Some(item) = stream.next().await {
        if let Ok(Discovered::Document(found)) = item {
            count += 1;
            late += usize::from(found.name == "050/late");
        }
    }
    assert_eq!((count, late), (50_001, 1));
}

#[tokio::test]
async fn a_walk_ends_when_nobody_listens() {
    let root = tempfile::tempdir().unwrap();
    for number in 0..2_000 {
        write(root.path(), &format!("{number}"), "x");
    }
    let sources = sources();
    let mut stream = sources
        .discover(&[root.path().display().to_string()])
        .await
        .unwrap();
    assert!(stream.next().await.is_some());
    drop(stream);
    // The runtime of this test waits for its blocking threads: a walk that did not end would hang here.
}
