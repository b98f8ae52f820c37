use std::io::Cursor;

use docmill_source::{Options, Source, Sources};

use crate::support::{Discovery, discover_all, refusal, sources, write, zip};

async fn from_input(content: impl Into<Vec<u8>>) -> Discovery {
    let sources = Sources::with_input(Options::default(), Box::new(Cursor::new(content.into()))).unwrap();
    discover_all(&sources, &["list:-".to_owned()]).await
}

#[tokio::test]
async fn a_list_names_files_folders_and_archives() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "a.txt", "a");
    write(root.path(), "folder/b.txt", "b");
    zip(&root.path().join("c.zip"), &[("c.txt", b"c")]);
    let base = root.path().display();
    let text =
        format!("\u{feff}{base}/a.txt\r\n\r\n{base}/missing.txt\n{base}/folder\nftp://x/y\n{base}/c.zip");
    let found = from_input(text.clone()).await;
    let shown = base.to_string().trim_start_matches('/').to_owned();
    assert_eq!(found.names(), [&format!("{shown}/a.txt"), "b.txt", "c.txt"]);
    assert_eq!(found.notices.len(), 2);
    assert!(
        found.notices[0].starts_with("line 3 of standard input was left out:"),
        "{:?}",
        found.notices
    );
    assert!(
        found.notices[1].starts_with("line 5 of standard input"),
        "{:?}",
        found.notices
    );

    write(root.path(), "list", text);
    let same = discover_all(&sources(), &[format!("list:{base}/list")]).await;
    assert_eq!(same.documents, found.documents);
}

#[tokio::test]
async fn a_list_may_be_separated_by_nul() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "with\nbreak.txt", "1");
    write(root.path(), "plain.txt", "2");
    let base = root.path().display();
    let found = from_input(format!("{base}/with\nbreak.txt\0{base}/plain.txt\0")).await;
    assert_eq!(found.documents.len(), 2, "{found:?}");
    assert_eq!(sources().read(&found.documents[0].key, 10).await.unwrap(), "1");
}

#[tokio::test]
async fn a_list_may_name_files_that_are_not_utf8() {
    use std::os::unix::ffi::OsStrExt;
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
    std::fs::write(&path, "x").unwrap();
    let found = from_input(path.as_os_str().as_bytes()).await;
    assert_eq!(found.documents.len(), 1, "{found:?}");
}

#[tokio::test]
async fn what_is_no_list_is_said_so() {
    let root = tempfile::tempdir().unwrap();
    let found = from_input(vec![b'x'; 100_000]).await;
    assert!(
        found.errors[0].message.contains("longer than a path"),
        "{found:?}"
    );
    let error = refusal(&sources(), &format!("list:{}", root.path().display())).await;
    assert!(error.message.contains("is a folder"), "{error}");
    let error = refusal(&sources(), "list:/no/such/list").await;
    assert!(error.message.contains("does not exist"), "{error}");
    let found = from_input("list:other.txt\n").await;
    assert!(found.notices[0].contains("another list"), "{found:?}");
}
