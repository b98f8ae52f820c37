use docmill_source::{Options, Source, Sources};

use crate::support::{refusal, sources, write};

#[tokio::test]
async fn what_cannot_be_a_source_is_explained_with_a_way_out() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "invoices/a.txt", "a");
    let typo = root.path().join("invioces").display().to_string();
    let near = format!("did you mean {}?", root.path().join("invoices").display());
    let cases = [
        (typo.as_str(), "does not exist", near.as_str()),
        ("/no/such/place/at/all", "does not exist", "check the path"),
        ("", "empty", "name a folder"),
        ("s4://bucket/x", "s4://", "did you mean s3://?"),
        ("gss://bucket/x", "gss://", "did you mean gs://?"),
        ("sftp://host/x", "sftp://", "use a path"),
        (
            "https://example.org/a.pdf",
            "does not download",
            "download the files first",
        ),
        ("s3://", "names no bucket", "s3://BUCKET/PREFIX"),
        ("file://relative", "not a complete file URL", "file:///absolute"),
        ("zip:///a.zip!/b", "entry of a ZIP", "--include"),
    ];
    for (spec, message, hint) in cases {
        let error = refusal(&sources(), spec).await;
        assert!(error.message.contains(message), "{spec}: {error}");
        assert!(
            error.hint.as_deref().unwrap_or("").contains(hint),
            "{spec}: {:?}",
            error.hint
        );
    }
}

#[tokio::test]
async fn a_missing_folder_is_told_before_anything_is_yielded() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "a.txt", "a");
    let specs = [root.path().display().to_string(), "/no/such/folder".to_owned()];
    assert!(sources().discover(&specs).await.is_err());
    assert!(sources().discover(&[]).await.is_err());
}

#[test]
fn a_wrong_pattern_is_refused_by_name() {
    let options = Options {
        include: vec!["[a".to_owned()],
        ..Options::default()
    };
    let error = Sources::new(options).err().unwrap();
    assert!(
        error.message.contains("--include") && error.message.contains("[a"),
        "{error}"
    );
}

#[tokio::test]
async fn a_key_of_no_kind_is_a_failure_not_a_panic() {
    for key in [
        "",
        "nonsense",
        "file://",
        "zip:///x",
        "s3://",
        "s3://b",
        "ftp://a/b",
    ] {
        assert!(sources().read(key, 10).await.is_err(), "{key}");
    }
}

#[test]
fn secrets_are_not_printed() {
    let variables = [("AWS_SECRET_ACCESS_KEY", "hush"), ("HOME", "/root")];
    let options = Options::from_variables(variables.iter().map(|(name, value)| (name.into(), value.into())));
    let shown = format!("{options:?}");
    assert!(
        shown.contains("AWS_SECRET_ACCESS_KEY") && !shown.contains("hush") && !shown.contains("HOME"),
        "{shown}"
    );
}
