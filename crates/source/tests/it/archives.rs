use std::fs;
use std::io::Write;

use docmill_core::FailureCode;
use docmill_source::{Options, Source, Sources};
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::support::{discover, filtered, refusal, sources, write, zip};

#[tokio::test]
async fn every_file_in_an_archive_is_a_document() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("pile!.zip");
    zip(
        &path,
        &[
            ("a.txt", b"one"),
            ("sub/b.txt", b"two"),
            ("sub/", b""),
            ("__MACOSX/a.txt", b"mac"),
            ("sub/.DS_Store", b"mac"),
            ("Grüße.txt", b"hallo"),
        ],
    );
    let sources = sources();
    let found = discover(&sources, &path).await;
    assert_eq!(found.names(), ["a.txt", "sub/b.txt", "Grüße.txt"]);
    assert!(found.notices.is_empty(), "{:?}", found.notices);
    let contents = [&b"one"[..], b"two", b"hallo"];
    for (document, content) in found.documents.iter().zip(contents) {
        assert!(
            document.key.starts_with("zip:///") && document.key.contains("pile%21.zip!/"),
            "{}",
            document.key
        );
        assert_eq!(document.bytes, content.len() as u64);
        assert_eq!(sources.read(&document.key, 100).await.unwrap(), content);
    }
}

#[tokio::test]
async fn an_archive_in_a_folder_is_opened_and_a_document_that_is_a_zip_is_not() {
    let root = tempfile::tempdir().unwrap();
    zip(
        &root.path().join("b.zip"),
        &[("in/x.txt", b"x"), ("in/y.png", b"y")],
    );
    zip(
        &root.path().join("report.docx"),
        &[("[Content_Types].xml", b"<x/>"), ("word/document.xml", b"<x/>")],
    );
    zip(
        &root.path().join("sheet.zip"),
        &[("mimetype", b"application/vnd.oasis.opendocument.spreadsheet")],
    );
    write(root.path(), "a.txt", "a");
    let found = discover(&sources(), root.path()).await;
    assert_eq!(
        found.names(),
        [
            "a.txt",
            "b.zip/in/x.txt",
            "b.zip/in/y.png",
            "report.docx",
            "sheet.zip"
        ]
    );
    // Also one whose mark stands last, behind many others.
    let parts: Vec<String> = (0..200).map(|number| format!("media/{number}.png")).collect();
    let mut entries: Vec<(&str, &[u8])> = parts.iter().map(|part| (part.as_str(), &b"x"[..])).collect();
    entries.push(("[Content_Types].xml", b"<x/>"));
    zip(&root.path().join("report.docx"), &entries);
    let found = discover(&sources(), &root.path().join("report.docx")).await;
    assert_eq!(found.names(), ["report.docx"]);
    let found = discover(&filtered(&["*.png"], &[]), root.path()).await;
    assert_eq!(found.names(), ["b.zip/in/y.png"]);
}

#[tokio::test]
async fn names_that_climb_are_shown_harmlessly_and_still_read() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("evil.zip");
    zip(
        &path,
        &[
            ("../../etc/passwd", b"not yours"),
            ("/abs.txt", b"abs"),
            ("win\\dir\\c.txt", b"win"),
            ("bell\u{7}.txt", b"bell"),
        ],
    );
    let sources = sources();
    let found = discover(&sources, &path).await;
    assert_eq!(
        found.names(),
        ["etc/passwd", "abs.txt", "win/dir/c.txt", "bell\u{fffd}.txt"]
    );
    assert_eq!(
        sources.read(&found.documents[0].key, 100).await.unwrap(),
        "not yours"
    );
    assert_eq!(sources.read(&found.documents[3].key, 100).await.unwrap(), "bell");
}

#[tokio::test]
async fn archives_inside_archives_are_left_out_with_a_word() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("mixed.zip");
    zip(&path, &[("open.txt", b"open"), ("inner.zip", b"PK\x03\x04")]);
    let found = discover(&sources(), &path).await;
    assert_eq!(found.names(), ["open.txt"]);
    assert_eq!(found.notices.len(), 1);
    assert!(
        found.notices[0].contains("inner.zip") && found.notices[0].contains("archive inside"),
        "{:?}",
        found.notices
    );
}

#[tokio::test]
async fn encrypted_entries_are_opened_by_a_password_or_say_that_one_is_needed() {
    use docmill_core::failure::FailureCode;
    use zip::AesMode;
    use zip::unstable::write::FileOptionsExt as _;
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("locked.zip");
    let mut writer = ZipWriter::new(fs::File::create(&path).unwrap());
    let old = SimpleFileOptions::default()
        .with_deprecated_encryption(b"first")
        .unwrap();
    writer.start_file("old.txt", old).unwrap();
    writer.write_all(b"old way").unwrap();
    let new = SimpleFileOptions::default().with_aes_encryption(AesMode::Aes256, "second");
    writer.start_file("new.txt", new).unwrap();
    writer.write_all(b"new way").unwrap();
    writer.finish().unwrap();
    let with = |passwords: &[&str]| {
        Sources::new(Options {
            passwords: passwords.iter().map(|it| (*it).to_owned()).collect(),
            ..Options::default()
        })
        .unwrap()
    };
    let found = discover(&sources(), &path).await;
    assert_eq!(found.names(), ["old.txt", "new.txt"]);
    let right = with(&["wrong", "first", "second"]);
    assert_eq!(right.read(&found.documents[0].key, 100).await.unwrap(), "old way");
    assert_eq!(right.read(&found.documents[1].key, 100).await.unwrap(), "new way");
    for (sources, says) in [
        (sources(), "it is encrypted in its archive"),
        (with(&["wrong"]), "none of the passwords opens it in its archive"),
    ] {
        for document in &found.documents {
            let failure = sources.read(&document.key, 100).await.unwrap_err();
            assert_eq!(
                (failure.code, failure.message.as_str()),
                (FailureCode::PasswordRequired, says)
            );
        }
    }
}

#[tokio::test]
async fn a_broken_archive_is_said_so() {
    let root = tempfile::tempdir().unwrap();
    write(
        root.path(),
        "cut.zip",
        b"PK\x03\x04 and then nothing that an archive has",
    );
    write(root.path(), "text.zip", "only called so");
    let found = discover(&sources(), root.path()).await;
    assert_eq!(found.names(), ["text.zip"]);
    assert!(found.notices[0].contains("cut.zip"), "{:?}", found.notices);
    let error = refusal(&sources(), &root.path().join("cut.zip").display().to_string()).await;
    assert!(error.message.contains("cannot be opened"), "{error}");
}

#[tokio::test]
async fn damage_and_disappearance_cost_one_document() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("pile.zip");
    let mut writer = ZipWriter::new(fs::File::create(&path).unwrap());
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, content) in [("good.txt", "good content"), ("bad.txt", "bad content")] {
        writer.start_file(name, stored).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let at = (0..bytes.len())
        .find(|&at| bytes[at..].starts_with(b"bad content"))
        .unwrap();
    bytes[at] = b'B';
    fs::write(&path, bytes).unwrap();

    let sources = sources();
    let found = discover(&sources, &path).await;
    assert_eq!(
        sources.read(&found.documents[0].key, 100).await.unwrap(),
        "good content"
    );
    let failure = sources.read(&found.documents[1].key, 100).await.unwrap_err();
    assert_eq!(failure.code, FailureCode::SourceUnreadable);
    assert!(failure.message.contains("damaged"), "{failure}");

    zip(&path, &[("other.txt", b"something else altogether")]);
    let failure = sources.read(&found.documents[0].key, 100).await.unwrap_err();
    assert!(failure.message.contains("no longer has it"), "{failure}");
}

/// A small archive that unpacks to a lot is stopped at the limit, also when its index lies about the size.
#[tokio::test]
async fn a_bomb_is_stopped_at_the_limit() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("bomb.zip");
    zip(&path, &[("bomb", &vec![0; 4 << 20])]);
    assert!(fs::metadata(&path).unwrap().len() < 64 << 10);
    let honest = sources();
    let key = discover(&honest, &path).await.documents.remove(0).key;
    assert_eq!(
        honest.read(&key, 1 << 20).await.unwrap_err().code,
        FailureCode::TooLarge
    );
    assert_eq!(honest.read(&key, 4 << 20).await.unwrap().len(), 4 << 20);

    let mut bytes = fs::read(&path).unwrap();
    for (signature, size) in [(b"PK\x03\x04", 22), (b"PK\x01\x02", 24)] {
        let at = (0..bytes.len() - 4)
            .find(|&at| bytes[at..].starts_with(signature))
            .unwrap();
        bytes[at + size..at + size + 4].copy_from_slice(&10_u32.to_le_bytes());
    }
    fs::write(&path, bytes).unwrap();
    let read = sources().read(&key, 1 << 20).await;
    assert!(read.is_err(), "{:?} bytes", read.map(|content| content.len()));
}

#[tokio::test]
async fn many_readers_share_an_archive() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("many.zip");
    let contents: Vec<(String, Vec<u8>)> = (0..300)
        .map(|number| {
            (
                format!("{number}.txt"),
                format!("content {number} ").repeat(50).into_bytes(),
            )
        })
        .collect();
    let entries: Vec<(&str, &[u8])> = contents
        .iter()
        .map(|(name, content)| (name.as_str(), content.as_slice()))
        .collect();
    zip(&path, &entries);
    let sources = sources();
    let found = discover(&sources, &path).await;
    let reads = found
        .documents
        .iter()
        .map(|document| sources.read(&document.key, 10_000));
    let read = futures::future::join_all(reads).await;
    for ((_, content), read) in contents.iter().zip(read) {
        assert_eq!(read.unwrap(), content.as_slice());
    }
}

#[tokio::test]
async fn entries_of_one_name_are_all_documents() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("twice.zip");
    zip(
        &path,
        &[
            ("bill-1.txt", b"first"),
            ("other.txt", b"other"),
            ("bill-2.txt", b"second"),
        ],
    );
    // No program writes two entries of one name on purpose; joined archives have them.
    let mut bytes = fs::read(&path).unwrap();
    for at in 0..bytes.len() - 10 {
        if &bytes[at..at + 10] == b"bill-2.txt" {
            bytes[at + 5] = b'1';
        }
    }
    fs::write(&path, bytes).unwrap();
    let sources = sources();
    let found = discover(&sources, &path).await;
    assert_eq!(found.names(), ["bill-1.txt", "other.txt", "bill-1.txt (2)"]);
    for (document, content) in found.documents.iter().zip([&b"first"[..], b"other", b"second"]) {
        assert_eq!(
            sources.read(&document.key, 100).await.unwrap(),
            content,
            "{}",
            document.key
        );
    }
}
