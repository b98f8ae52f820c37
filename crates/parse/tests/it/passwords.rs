//! Encrypted documents: the right password among several, and none.

use docmill_core::failure::FailureCode;
use docmill_parse::Reader as _;

use crate::build::{encrypted_pdf, line};
use crate::harness::{reader, request};

#[tokio::test]
async fn the_password_that_fits_is_found() {
    let content = encrypted_pdf(&line(72, 700, "behind the lock"), "open sesame");
    let mut wanted = request("a.pdf", content);
    wanted.passwords = vec!["wrong".to_owned(), "open sesame".to_owned()];
    let reading = reader().read(wanted).await.expect("an opened PDF");
    assert_eq!(reading.pages[0].text, "behind the lock");
}

#[tokio::test]
async fn without_it_the_password_is_asked_for() {
    let content = encrypted_pdf(&line(72, 700, "behind the lock"), "open sesame");
    let mut wanted = request("a.pdf", content);
    let failure = reader().read(wanted.clone()).await.expect_err("a locked PDF");
    assert_eq!(failure.code, FailureCode::PasswordRequired);
    assert!(failure.message.contains("no password was given"), "{failure}");
    wanted.passwords = vec!["wrong".to_owned()];
    let failure = reader().read(wanted).await.expect_err("a locked PDF");
    assert!(failure.message.contains("does not open it"), "{failure}");
}
