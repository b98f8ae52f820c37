//! Rows from memory into every format, read back by other readers.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::RowAccessor;
use calamine::{Data, Reader as _};
use docmill_core::batch::BatchState;
use docmill_core::document::{Class, Kind};
use docmill_core::extraction::{Evidence, Extraction};
use docmill_core::failure::{Failure, FailureCode};
use docmill_core::id::BatchId;
use docmill_core::money::Usd;
use docmill_core::page::BBox;
use docmill_core::plan::Plan;
use docmill_core::price::Price;
use docmill_core::template::Template;
use docmill_core::time::Timestamp;
use docmill_core::usage::Usage;
use docmill_store::{Balance, Counters, DocumentRow};
use serde_json::json;

use super::*;

fn batch() -> BatchRow {
    let schema = json!({"type": "object", "properties": {
        "vendor": {"type": "string"},
        "date": {"type": "string", "format": "date"},
        "total": {"type": "number"},
        "count": {"type": "integer"},
        "paid": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "items": {"type": "array", "items": {"type": "object", "properties": {
            "text": {"type": "string"}, "amount": {"type": "number"},
        }}},
    }});
    BatchRow {
        id: BatchId(uuid::Uuid::nil()),
        name: "receipts".into(),
        state: BatchState::Completed,
        reason: String::new(),
        template: Template {
            name: "receipt".into(),
            description: String::new(),
            instructions: String::new(),
            reading: Default::default(),
            schema,
            checks: Vec::new(),
        },
        plan: Plan {
            model: "offline".into(),
            base_url: None,
            base_url_by_admin: false,
            price: Price::free("test"),
            concurrency: None,
            max_output_tokens: 1000,
            reuse_answers: true,
            ocr: true,
            max_document_bytes: None,
            weight: None,
            limits: docmill_core::pacing::Limits::default(),
            sim_speed_milli: None,
            fallbacks: Vec::new(),
            between: None,
            timeout_seconds: None,
            hedge: false,
        },
        sources: Vec::new(),
        counters: Counters::default(),
        balance: Balance::default(),
        usage: Usage::default(),
        calls: 0,
        calls_in_flight: 0,
        estimate: None,
        created_at: Timestamp(0),
        started_at: None,
        ended_at: None,
        updated_at: Timestamp(0),
        owner: String::new(),
        archived_at: None,
    }
}

fn row(ordinal: u64, name: &str, state: DocumentState) -> DocumentRow {
    DocumentRow {
        ordinal: Ordinal(ordinal),
        key: format!("file:///{name}"),
        name: name.into(),
        bytes: 10,
        kind: Kind::Text,
        class: Class::Text,
        pages: Some(1),
        content_hash: None,
        state,
        failure: None,
        duplicate_of: None,
        attempts: 1,
        cost: Usd::from_nanos(3_150_000),
        usage: Usage::default(),
        risk: Some(7),
        verdict: None,
        next_attempt_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

/// A complete one with hostile texts, a failed one, a duplicate.
fn results() -> Vec<ResultRow> {
    let data = json!({
        "vendor": "=HYPERLINK(\"x\"), \"Käse\"\nGmbH", "date": "2024-02-29", "total": 12.5, "count": 3,
        "paid": true, "tags": ["a", "b"],
        "items": [{"text": "bread", "amount": 2}, {"text": null, "amount": 10.5}],
    });
    let evidence = vec![
        Evidence {
            field: "/total".into(),
            page: 1,
            quote: "12,50".into(),
            bbox: Some(BBox {
                x0: 1.0,
                y0: 2.0,
                x1: 3.5,
                y1: 4.0,
            }),
        },
        Evidence {
            field: "/items/1/amount".into(),
            page: 2,
            quote: "10.50".into(),
            bbox: None,
        },
    ];
    let extraction = Extraction {
        data,
        evidence,
        ungrounded: vec![],
        findings: vec![],
        risk: 7,
        simulated: false,
    };
    let mut failed = row(2, "b.pdf", DocumentState::Failed);
    failed.failure = Some(Failure::new(FailureCode::CorruptDocument, "the file ends early"));
    failed.attempts = 0;
    let mut duplicate = row(3, "c.pdf", DocumentState::Skipped);
    duplicate.duplicate_of = Some(Ordinal(1));
    vec![
        ResultRow {
            row: row(1, "a.pdf", DocumentState::Completed),
            extraction: Some(extraction),
            review: None,
        },
        ResultRow {
            row: failed,
            extraction: None,
            review: None,
        },
        ResultRow {
            row: duplicate,
            extraction: None,
            review: None,
        },
    ]
}

async fn write(target: Target, format: Format, evidence: bool) -> Result<Exported, ExportError> {
    let rows = futures::stream::iter([Ok(results())]);
    let options = Options {
        csv: CsvStyle::default(),
        format,
        evidence,
        states: Vec::new(),
    };
    export_rows(rows, &batch(), target, options, &|_| {}).await
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn csv_holds_every_document_and_lists_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.csv");
    let written = write(Target::File(path.clone()), Format::Csv, false)
        .await
        .unwrap();
    assert_eq!(written.documents, 3);
    assert_eq!(names(folder.path()), ["out.csv", "out.items.csv", "out.tags.csv"]);
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "document,name,status,vendor,date,total,count,paid,tags,duplicate_of,error_code,error,cost_usd,model,\
         simulated,risk,findings,review\n\
         1,a.pdf,completed,\"=HYPERLINK(\"\"x\"\"), \"\"Käse\"\"\nGmbH\",2024-02-29,12.5,3,true,\
         \"[\"\"a\"\",\"\"b\"\"]\",,,,0.00315,offline,false,7,,\n\
         2,b.pdf,failed,,,,,,,,corrupt_document,the file ends early,0.00315,,,7,,\n\
         3,c.pdf,skipped,,,,,,,1,,,0.00315,offline,,7,,\n"
    );
    assert_eq!(
        fs::read_to_string(folder.path().join("out.items.csv")).unwrap(),
        "document,name,row,text,amount\n1,a.pdf,1,bread,2\n1,a.pdf,2,,10.5\n"
    );
}

#[tokio::test]
async fn a_new_folder_appears_whole_and_an_existing_one_is_filled() {
    let above = tempfile::tempdir().unwrap();
    let folder = above.path().join("out");
    for _ in 0..2 {
        let written = write(Target::Folder(folder.clone()), Format::Csv, true)
            .await
            .unwrap();
        assert_eq!(written.files[0], folder.join("documents.csv"));
        assert_eq!(names(&folder), ["documents.csv", "items.csv", "tags.csv"]);
        assert_eq!(names(above.path()), ["out"]);
    }
    let items = fs::read_to_string(folder.join("items.csv")).unwrap();
    assert!(items.contains("1,a.pdf,2,,,,,10.5,2,10.50,\n"), "{items}");
}

#[tokio::test]
async fn nothing_is_left_behind_when_the_rows_end_in_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.csv");
    fs::write(&path, "before").unwrap();
    let rows = futures::stream::iter([Ok(results()), Err(ExportError::Bug("gone".into()))]);
    let options = Options {
        csv: CsvStyle::default(),
        format: Format::Csv,
        evidence: false,
        states: Vec::new(),
    };
    let ended = export_rows(rows, &batch(), Target::File(path.clone()), options, &|_| {}).await;
    assert!(ended.is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), "before");
    assert_eq!(names(folder.path()), ["out.csv"]);
}

#[tokio::test]
async fn wrong_places_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = write(Target::File(folder.path().to_owned()), Format::Csv, false)
        .await
        .unwrap_err();
    assert!(error.to_string().ends_with("is a folder, not a file"), "{error}");
    let missing = folder.path().join("no/such/out.csv");
    let error = write(Target::File(missing), Format::Csv, false)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("no such file or directory"), "{error}");
    assert!(error.hint().is_some());
}

#[tokio::test]
async fn json_lines_keep_the_data_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    write(Target::File(path.clone()), Format::Jsonl, true)
        .await
        .unwrap();
    let lines: Vec<serde_json::Value> = fs::read_to_string(&path)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["data"], results()[0].extraction.as_ref().unwrap().data);
    assert_eq!(lines[0]["evidence"][0]["quote"], "12,50");
    assert_eq!(lines[1]["error_code"], "corrupt_document");
    assert_eq!(lines[2]["duplicate_of"], 1);
    assert_eq!(lines[0]["cost_usd"].to_string(), "0.00315");
}

#[tokio::test]
async fn only_the_states_asked_for_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.jsonl");
    let rows = futures::stream::iter([Ok(results())]);
    let options = Options {
        csv: CsvStyle::default(),
        format: Format::Jsonl,
        evidence: false,
        states: vec![DocumentState::Failed],
    };
    let written = export_rows(rows, &batch(), Target::File(path.clone()), options, &|_| {})
        .await
        .unwrap();
    assert_eq!(written.documents, 1);
    assert!(fs::read_to_string(&path).unwrap().starts_with("{\"document\":2,"));
}

fn read_parquet(path: PathBuf) -> Vec<::parquet::record::Row> {
    let reader = SerializedFileReader::new(fs::File::open(path).unwrap()).unwrap();
    reader.get_row_iter(None).unwrap().map(Result::unwrap).collect()
}

#[tokio::test]
async fn parquet_columns_have_types() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.parquet");
    write(Target::File(path.clone()), Format::Parquet, false)
        .await
        .unwrap();
    let rows = read_parquet(path);
    assert_eq!(rows.len(), 3);
    let first = &rows[0];
    let place: BTreeMap<&str, usize> = first
        .get_column_iter()
        .enumerate()
        .map(|(index, (name, _))| (name.as_str(), index))
        .collect();
    assert_eq!(first.get_long(place["document"]).unwrap(), 1);
    assert_eq!(
        first.get_string(place["vendor"]).unwrap(),
        "=HYPERLINK(\"x\"), \"Käse\"\nGmbH"
    );
    assert_eq!(first.get_double(place["total"]).unwrap(), 12.5);
    assert_eq!(first.get_long(place["count"]).unwrap(), 3);
    assert!(first.get_bool(place["paid"]).unwrap());
    assert_eq!(first.get_double(place["cost_usd"]).unwrap(), 0.00315);
    assert!(
        rows[1].get_double(place["total"]).is_err(),
        "an absent value is null"
    );
    let items = read_parquet(folder.path().join("out.items.parquet"));
    assert_eq!(items.len(), 2);
    assert_eq!(items[1].get_double(4).unwrap(), 10.5);
}

#[tokio::test]
async fn a_workbook_has_a_sheet_per_table_and_no_formulas() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.xlsx");
    write(Target::File(path.clone()), Format::Xlsx, false)
        .await
        .unwrap();
    assert_eq!(names(folder.path()), ["out.xlsx"]);
    let mut book: calamine::Xlsx<_> = calamine::open_workbook(&path).unwrap();
    assert_eq!(book.sheet_names(), ["documents", "tags", "items"]);
    let documents = book.worksheet_range("documents").unwrap();
    assert_eq!(documents.height(), 4);
    let cell = |row, column| documents.get_value((row, column)).cloned().unwrap_or_default();
    assert_eq!(cell(0, 3), Data::String("vendor".into()));
    assert_eq!(cell(1, 0), Data::Float(1.0));
    assert_eq!(
        cell(1, 3),
        Data::String("=HYPERLINK(\"x\"), \"Käse\"\nGmbH".into())
    );
    assert!(
        matches!(cell(1, 4), Data::DateTime(day) if day.as_f64() == 45_351.0),
        "{:?}",
        cell(1, 4)
    );
    assert_eq!(cell(1, 5), Data::Float(12.5));
    assert_eq!(cell(1, 7), Data::Bool(true));
    assert_eq!(cell(2, 3), Data::Empty);
    assert_eq!(
        book.worksheet_formula("documents").unwrap().used_cells().count(),
        0
    );
}
