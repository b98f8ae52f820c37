//! A bucket served by a few lines of this file: ListObjectsV2 with continuation
//! tokens and `start-after`, HEAD and GET, path-style; for Azure the list of blobs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use docmill_core::FailureCode;
use docmill_source::{Discovered, Options, Source, Sources};
use futures::StreamExt;
use percent_encoding::percent_decode_str;

use crate::support::{discover_all, refusal};

#[derive(Default)]
struct Served {
    /// Requests without an AWS signature are refused.
    signed: bool,
    objects: BTreeMap<String, Vec<u8>>,
    page: usize,
    requests: Mutex<Vec<String>>,
}

struct Bucket {
    served: Arc<Served>,
    sources: Sources,
}

/// Serves `objects` as the bucket `pile` at most `page` a page.
fn bucket(objects: impl IntoIterator<Item = (String, Vec<u8>)>, page: usize) -> Bucket {
    let settings = [
        ("AWS_ENDPOINT_URL", ENDPOINT),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];
    served(objects, page, true, &settings)
}

/// Stands for the address of the server in settings.
const ENDPOINT: &str = "ENDPOINT";

fn served(
    objects: impl IntoIterator<Item = (String, Vec<u8>)>,
    page: usize,
    signed: bool,
    settings: &[(&str, &str)],
) -> Bucket {
    let served = Arc::new(Served {
        signed,
        objects: objects.into_iter().collect(),
        page,
        requests: Mutex::default(),
    });
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = Arc::clone(&served);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let server = Arc::clone(&server);
            thread::spawn(move || server.serve(&stream));
        }
    });
    let cloud = settings
        .iter()
        .map(|(name, value)| (name.to_string(), value.replace(ENDPOINT, &endpoint)))
        .collect();
    let options = Options {
        cloud,
        ..Options::default()
    };
    Bucket {
        served,
        sources: Sources::new(options).unwrap(),
    }
}

impl Served {
    fn serve(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        loop {
            let mut request = String::new();
            if reader.read_line(&mut request).unwrap_or(0) == 0 {
                return;
            }
            let mut signed = !self.signed;
            loop {
                let mut header = String::new();
                reader.read_line(&mut header).unwrap();
                signed |= header
                    .to_lowercase()
                    .starts_with("authorization: aws4-hmac-sha256");
                if header.trim().is_empty() {
                    break;
                }
            }
            let mut words = request.split(' ');
            let (method, target) = (words.next().unwrap(), words.next().unwrap());
            self.requests.lock().unwrap().push(format!("{method} {target}"));
            let (status, body) = if signed {
                self.answer(target)
            } else {
                ("403 Forbidden", Vec::new())
            };
            let mut answer = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nLast-Modified: Mon, 02 Nov 2026 10:00:00 GMT\r\nETag: \"x\"\r\n\r\n",
                body.len()
            )
            .into_bytes();
            if method != "HEAD" {
                answer.extend_from_slice(&body);
            }
            let mut writer = stream;
            writer.write_all(&answer).unwrap();
        }
    }

    fn answer(&self, target: &str) -> (&'static str, Vec<u8>) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = percent_decode_str(path).decode_utf8().unwrap().into_owned();
        let path = path.trim_start_matches('/');
        let (name, key) = path.split_once('/').unwrap_or((path, ""));
        if name != "pile" {
            let body = "<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message></Error>";
            return ("404 Not Found", body.into());
        }
        if key.is_empty() {
            let page = self.page(query);
            return (
                "200 OK",
                if query.contains("comp=list") {
                    blobs(&page)
                } else {
                    page
                }
                .into(),
            );
        }
        match self.objects.get(key) {
            Some(content) => ("200 OK", content.clone()),
            None => ("404 Not Found", "<Error><Code>NoSuchKey</Code></Error>".into()),
        }
    }

    fn page(&self, query: &str) -> String {
        let parameter = |name: &str| {
            query.split('&').find_map(|pair| {
                let value = pair.strip_prefix(name)?.strip_prefix('=')?.replace('+', " ");
                Some(percent_decode_str(&value).decode_utf8().unwrap().into_owned())
            })
        };
        let prefix = parameter("prefix").unwrap_or_default();
        let after = parameter("continuation-token")
            .or(parameter("marker"))
            .or(parameter("start-after"));
        let asked: usize = parameter("max-keys")
            .or(parameter("maxresults"))
            .map_or(1_000, |text| text.parse().unwrap());
        let size = asked.min(self.page);
        let mut rest = self
            .objects
            .iter()
            .filter(|(key, _)| key.starts_with(&prefix) && after.as_ref().is_none_or(|after| *key > after));
        let mut text = String::from("<ListBucketResult>");
        let mut last = String::new();
        for (key, content) in rest.by_ref().take(size) {
            let escaped = key.replace('&', "&amp;").replace('<', "&lt;");
            write!(
                text,
                "<Contents><Key>{escaped}</Key><Size>{}</Size><LastModified>2026-11-02T10:00:00Z</LastModified><ETag>x</ETag></Contents>",
                content.len()
            )
            .unwrap();
            last.clone_from(&escaped);
        }
        if rest.next().is_some() {
            write!(text, "<NextContinuationToken>{last}</NextContinuationToken>").unwrap();
        }
        text + "</ListBucketResult>"
    }

    fn requested(&self, method: &str) -> usize {
        let requests = self.requests.lock().unwrap();
        requests
            .iter()
            .filter(|request| request.starts_with(method))
            .count()
    }
}

/// The same page in Azure's words.
fn blobs(page: &str) -> String {
    page.replace("<ListBucketResult>", "<EnumerationResults><Blobs>")
        .replace("<NextContinuationToken>", "</Blobs><NextMarker>")
        .replace(
            "</NextContinuationToken></ListBucketResult>",
            "</NextMarker></EnumerationResults>",
        )
        .replace("</ListBucketResult>", "</Blobs></EnumerationResults>")
        .replace("<Contents>", "<Blob>")
        .replace("</Contents>", "</Properties></Blob>")
        .replace("<Key>", "<Name>")
        .replace(
            "</Key>",
            "</Name><Properties><Content-Type>text/plain</Content-Type>",
        )
        .replace("Size>", "Content-Length>")
        .replace("LastModified>", "Last-Modified>")
        .replace("2026-11-02T10:00:00Z", "Mon, 02 Nov 2026 10:00:00 GMT")
        .replace("ETag>", "Etag>")
}

fn object(key: &str) -> (String, Vec<u8>) {
    (key.to_owned(), format!("content of {key}").into_bytes())
}

#[tokio::test]
async fn a_bucket_is_listed_page_by_page_as_it_is_pulled() {
    let bucket = bucket(
        (0..2_500).map(|number| object(&format!("in/{number:04}.txt"))),
        1_000,
    );
    let mut stream = bucket
        .sources
        .discover(&["s3://pile/in/".to_owned()])
        .await
        .unwrap();
    for _ in 0..10 {
        assert!(stream.next().await.is_some());
    }
    assert_eq!(bucket.served.requested("GET"), 1);
    let rest: Vec<_> = stream.collect().await;
    assert_eq!(rest.len(), 2_490);
    assert_eq!(bucket.served.requested("GET"), 3);
    let Some(Ok(Discovered::Document(last))) = rest.last() else {
        panic!("{:?}", rest.last())
    };
    assert_eq!(
        (last.name.as_str(), last.key.as_str()),
        ("2499.txt", "s3://pile/in/2499.txt")
    );
    assert_eq!(
        bucket.sources.read(&last.key, 100).await.unwrap(),
        "content of in/2499.txt"
    );
}

#[tokio::test]
async fn a_prefix_is_an_object_a_folder_or_a_beginning() {
    let bucket = bucket(
        ["2024/a.txt", "2024/b/c.txt", "2024-old/d.txt", "2024/.hidden"].map(object),
        1_000,
    );
    let names = async |spec: &str| {
        let found = discover_all(&bucket.sources, &[spec.to_owned()]).await;
        assert!(found.errors.is_empty(), "{found:?}");
        found
            .documents
            .into_iter()
            .map(|found| found.name)
            .collect::<Vec<_>>()
    };
    assert_eq!(names("s3://pile/2024/a.txt").await, ["a.txt"]);
    assert_eq!(names("s3://pile/2024").await, ["a.txt", "b/c.txt"]);
    assert_eq!(names("s3a://pile/2024/").await, ["a.txt", "b/c.txt"]);
    assert_eq!(
        names("s3://pile/2024*").await,
        ["2024-old/d.txt", "2024/a.txt", "2024/b/c.txt"]
    );
    assert_eq!(names("s3://pile").await.len(), 3);
    let error = refusal(&bucket.sources, "s3://pile/2025").await;
    assert!(error.message.contains("nothing at s3://pile/2025"), "{error}");
}

#[tokio::test]
async fn odd_keys_are_read_again_and_impossible_ones_cost_only_themselves() {
    let odd = ["in/100% & more+?.txt", "in/Grüße.txt", "in/a b#c.txt"];
    let impossible = ["in/x//y.txt", "in/../up.txt", "in/m/./n.txt"];
    let plain: Vec<String> = (0..40).map(|number| format!("in/p{number:02}.txt")).collect();
    let keys = odd
        .iter()
        .chain(&impossible)
        .map(ToString::to_string)
        .chain(plain);
    let bucket = bucket(keys.map(|key| object(&key)), 16);
    let found = discover_all(&bucket.sources, &["s3://pile/in".to_owned()]).await;
    assert!(found.errors.is_empty(), "{:?}", found.errors);
    assert_eq!(found.documents.len(), 43, "{:?}", found.names());
    assert_eq!(found.notices.len(), 3, "{:?}", found.notices);
    for key in odd {
        let name = key.trim_start_matches("in/");
        let document = found.documents.iter().find(|found| found.name == name).unwrap();
        assert_eq!(
            bucket.sources.read(&document.key, 100).await.unwrap(),
            format!("content of {key}").as_str()
        );
    }
}

#[tokio::test]
async fn folder_markers_are_not_documents() {
    let empty = |key: &str| (key.to_owned(), Vec::new());
    let objects = [
        empty("in/"),
        empty("in/sub/"),
        object("in/sub/a.txt"),
        empty("in/empty.txt"),
        object("in/z.txt"),
    ];
    let bucket = bucket(objects, 1);
    let found = discover_all(&bucket.sources, &["s3://pile/in/".to_owned()]).await;
    assert_eq!(found.names(), ["empty.txt", "sub/a.txt", "z.txt"]);
}

#[tokio::test]
async fn an_object_above_the_limit_is_refused_and_a_missing_one_said_so() {
    let bucket = bucket([("big".to_owned(), vec![0; 5_000])], 10);
    let failure = bucket.sources.read("s3://pile/big", 4_999).await.unwrap_err();
    assert_eq!(failure.code, FailureCode::TooLarge);
    assert_eq!(
        bucket.sources.read("s3://pile/big", 5_000).await.unwrap().len(),
        5_000
    );
    let failure = bucket.sources.read("s3://pile/gone", 10).await.unwrap_err();
    assert_eq!(failure.code, FailureCode::SourceUnreadable);
    assert!(failure.message.contains("does not exist"), "{failure}");
}

#[tokio::test]
async fn a_missing_bucket_is_said_so() {
    let bucket = bucket([object("a")], 10);
    let error = refusal(&bucket.sources, "s3://plie/in/").await;
    assert!(error.message.contains("there is no bucket s3://plie"), "{error}");
    assert!(error.hint.is_some());
}

#[tokio::test]
async fn a_list_may_name_objects() {
    let bucket = bucket((0..50).map(|number| object(&format!("{number}.txt"))), 10);
    let root = tempfile::tempdir().unwrap();
    let mut lines: String = (0..50)
        .map(|number| format!("s3://pile/{number}.txt\n"))
        .collect();
    lines.push_str("s3://pile/missing.txt\n");
    let path = root.path().join("list");
    std::fs::write(&path, lines).unwrap();
    let found = discover_all(&bucket.sources, &[format!("list:{}", path.display())]).await;
    let expected: Vec<String> = (0..50).map(|number| format!("{number}.txt")).collect();
    assert_eq!(found.names(), expected);
    assert!(found.notices[0].contains("line 51"), "{:?}", found.notices);
    assert!(found.errors.is_empty());
}

#[tokio::test]
async fn unencrypted_http_is_used_only_when_allowed() {
    let options = Options {
        cloud: [
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
            ("AWS_ACCESS_KEY_ID", "k"),
            ("AWS_SECRET_ACCESS_KEY", "s"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
        ..Options::default()
    };
    let sources = Sources::new(options).unwrap();
    let error = refusal(&sources, "s3://pile/in/").await;
    assert!(error.message.contains("unencrypted"), "{error}");
}

#[tokio::test]
async fn google_and_azure_are_listed_and_read_alike() {
    let objects = || (0..25).map(|number| object(&format!("in/{number:02} ü.txt")));
    let google = [
        ("GOOGLE_BASE_URL", ENDPOINT),
        ("GOOGLE_ALLOW_HTTP", "true"),
        ("GOOGLE_SKIP_SIGNATURE", "true"),
    ];
    let azure = [
        ("AZURE_STORAGE_ENDPOINT", ENDPOINT),
        ("AZURE_ALLOW_HTTP", "true"),
        ("AZURE_SKIP_SIGNATURE", "true"),
        ("AZURE_STORAGE_ACCOUNT_NAME", "account"),
    ];
    for (spec, key, settings) in [
        ("gs://pile/in/", "gs://pile/in/24%20%C3%BC.txt", &google[..]),
        ("azure://pile/in/", "az://pile/in/24%20%C3%BC.txt", &azure[..]),
    ] {
        let bucket = served(objects(), 10, false, settings);
        let found = discover_all(&bucket.sources, &[spec.to_owned()]).await;
        assert!(found.errors.is_empty(), "{:?}", found.errors);
        assert_eq!(found.documents.len(), 25, "{spec}");
        assert_eq!(found.documents[24].key, key);
        assert_eq!(bucket.served.requested("GET"), 3, "{spec}");
        assert_eq!(
            bucket.sources.read(key, 100).await.unwrap(),
            "content of in/24 ü.txt"
        );
    }
}
