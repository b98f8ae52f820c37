//! Hostile documents and broken workers: each costs one document, with a clear reason,
//! and the next one is read.

use std::path::Path;
use std::time::{Duration, Instant};

use docmill_core::failure::FailureCode;
use docmill_parse::sandbox::{Config, Sandbox};
use docmill_parse::{Documents, Reader as _};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::build::{docx, line, pdf, zip};
use crate::harness::{config, reader, request};

/// A reader whose worker is a shell script.
fn scripted(script: &str, limit: Duration) -> Documents {
    Documents::new(Sandbox::new(Config {
        program: "sh".into(),
        arguments: vec!["-c".to_owned(), script.to_owned()],
        limit,
        ocr_limit: limit,
        ..config()
    }))
}

const LONG: Duration = Duration::from_secs(60);

async fn failure_of(reader: &Documents) -> FailureCode {
    let page = line(72, 700, "a page");
    let failure = reader.read(request("a.pdf", pdf(&[&page]))).await;
    failure.expect_err("a broken worker").code
}

#[tokio::test]
async fn a_worker_that_hangs_is_a_timeout() {
    let reader = scripted("sleep 600", Duration::from_millis(200));
    assert_eq!(failure_of(&reader).await, FailureCode::ParseTimeout);
}

#[tokio::test]
async fn a_worker_that_dies_is_a_crash_and_one_at_its_limit_says_so() {
    assert_eq!(
        failure_of(&scripted("exit 3", LONG)).await,
        FailureCode::ParseCrash
    );
    assert_eq!(
        failure_of(&scripted("kill -SEGV $$", LONG)).await,
        FailureCode::ParseCrash
    );
    assert_eq!(
        failure_of(&scripted("kill -ABRT $$", LONG)).await,
        FailureCode::ParseLimit
    );
    assert_eq!(
        failure_of(&scripted("kill -XCPU $$", LONG)).await,
        FailureCode::ParseTimeout
    );
}

/// Whoever kills a worker, the document is not to blame: it is not failed for good.
#[tokio::test]
async fn a_worker_that_is_killed_from_outside_says_nothing_about_its_document() {
    for signal in ["KILL", "TERM"] {
        let failure = scripted(&format!("kill -{signal} $$"), LONG);
        let code = failure_of(&failure).await;
        assert_eq!(code, FailureCode::ReaderKilled, "{signal}");
        assert_eq!(code.class(), docmill_core::failure::FailureClass::Transient);
    }
}

/// Two kills in a row, as a person with `kill -9` may do, cost nothing.
#[tokio::test]
async fn a_document_whose_worker_is_killed_twice_is_read_all_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let kills = folder.path().join("kills");
    let script = format!(
        "echo killed >> {0}; if [ $(wc -l < {0}) -le 2 ]; then kill -KILL $$; fi; exec {1}",
        kills.display(),
        config().program.display()
    );
    let page = line(72, 700, "a healthy page");
    let read = scripted(&script, LONG)
        .read(request("a.pdf", pdf(&[&page])))
        .await;
    assert!(
        read.expect("it was read").pages[0]
            .text
            .contains("a healthy page")
    );
    let starts = std::fs::read_to_string(&kills).expect("it was started");
    assert_eq!(starts.lines().count(), 3);
}

#[tokio::test]
async fn a_worker_that_talks_nonsense_is_a_crash() {
    for script in [
        "printf '\\000\\000\\000\\000'",
        "printf '\\377\\377\\377\\377more'",
        "printf 'x'",
    ] {
        assert_eq!(
            failure_of(&scripted(script, LONG)).await,
            FailureCode::ParseCrash,
            "{script}"
        );
    }
}

#[tokio::test]
async fn a_worker_that_cannot_be_started_says_so() {
    let reader = Documents::new(Sandbox::new(Config {
        program: "/no/such/program".into(),
        ..config()
    }));
    assert_eq!(failure_of(&reader).await, FailureCode::Internal);
}

#[tokio::test]
async fn a_worker_killed_between_documents_costs_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let reader = recorded(folder.path());
    let page = line(72, 700, "still read");
    for _ in 0..2 {
        let reading = reader.read(request("a.pdf", pdf(&[&page]))).await.expect("a PDF");
        assert_eq!(reading.pages[0].text, "still read");
        let worker = worker_of(folder.path()).await;
        kill_process(worker, Signal::KILL).expect("a living worker");
    }
}

#[tokio::test]
async fn giving_up_ends_the_worker() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = format!(
        "echo $$ > {}/pid.new; mv {0}/pid.new {0}/pid; sleep 600",
        folder.path().display()
    );
    let reader = scripted(&script, LONG);
    let worker = tokio::select! {
        _ = failure_of(&reader) => panic!("the worker never answers"),
        worker = worker_of(folder.path()) => worker,
    };
    until("the worker has ended", || test_kill_process(worker).is_err()).await;
}

#[tokio::test]
async fn depth_that_breaks_a_decoder_costs_one_document() {
    let reader = reader();
    let nested = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let hostile = format!(
        "%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R /X {nested} >>\nendobj\n\
        2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF\n"
    );
    assert!(reader.read(request("deep.pdf", hostile)).await.is_err());
    let page = line(72, 700, "next");
    let reading = reader.read(request("a.pdf", pdf(&[&page]))).await.expect("a PDF");
    assert_eq!(reading.pages[0].text, "next");
}

#[tokio::test]
async fn a_bomb_is_refused_before_it_is_unpacked() {
    let zeros = vec![b' '; 140 * 1024 * 1024];
    let bomb = zip(&[("word/document.xml", &zeros)]);
    assert!(bomb.len() < 1024 * 1024);
    let failure = reader().read(request("a.docx", bomb)).await.expect_err("a bomb");
    assert_eq!(failure.code, FailureCode::ParseLimit, "{failure}");
}

#[tokio::test]
async fn xml_of_endless_depth_is_refused() {
    let deep = docx(&"<w:p>".repeat(100_000));
    let failure = reader()
        .read(request("a.docx", deep))
        .await
        .expect_err("endless depth");
    assert_eq!(failure.code, FailureCode::ParseLimit, "{failure}");
}

#[tokio::test]
async fn more_memory_than_allowed_is_a_limit() {
    // A picture whose header asks for more pixels than any scan has.
    let mut bitmap = b"BM".to_vec();
    for number in [0_u32, 0, 54, 40, 60_000, 60_000] {
        bitmap.extend(number.to_le_bytes());
    }
    bitmap.extend([1, 0, 24, 0]);
    bitmap.extend([0; 24]);
    let failure = reader()
        .read(request("a.bmp", bitmap))
        .await
        .expect_err("a giant");
    assert_eq!(failure.code, FailureCode::ParseLimit, "{failure}");
}

/// A reader with the real worker, which writes its number down first.
fn recorded(folder: &Path) -> Documents {
    let worker = config().program;
    scripted(
        &format!(
            "echo $$ > {0}/pid.new; mv {0}/pid.new {0}/pid; exec {1}",
            folder.display(),
            worker.display()
        ),
        LONG,
    )
}

/// The number a worker wrote down; taken away, so that the next one is seen.
async fn worker_of(folder: &Path) -> Pid {
    let file = folder.join("pid");
    until("the worker has started", || file.exists()).await;
    let number = std::fs::read_to_string(&file).expect("the worker's number");
    std::fs::remove_file(&file).expect("a file of ours");
    Pid::from_raw(number.trim().parse().expect("a number")).expect("a process")
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
