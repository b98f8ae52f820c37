//! The schema, as a row of steps. Forward only; each step is one transaction; a
//! file with more steps than this program knows is refused.
//!
//! Row numbers carry meaning: a document's is `batch << 40 | ordinal`, so that the
//! rows of a batch lie together in the order of discovery, a page by number is a
//! range, and no second index is needed for either.

use rusqlite::Connection;

use crate::StoreError;
use crate::sqlite::codec::Context;

/// "dmll": tells our files from other SQLite files.
pub(super) const APPLICATION_ID: i64 = 0x646d_6c6c;

/// Every step, oldest first. Never edit one that was released; add the next.
const STEPS: &[&str] = &[STEP_1, STEP_2, STEP_3, STEP_4, STEP_5, STEP_6];

/// The newest version this program knows.
pub(super) const KNOWN: i64 = STEPS.len() as i64;

const STEP_1: &str = "
CREATE TABLE batches (
    key INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    budget INTEGER,
    settled INTEGER NOT NULL DEFAULT 0,
    reserved INTEGER NOT NULL DEFAULT 0,
    unconfirmed INTEGER NOT NULL DEFAULT 0,
    pending INTEGER NOT NULL DEFAULT 0,
    leased INTEGER NOT NULL DEFAULT 0,
    completed INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    cancelled INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    calls INTEGER NOT NULL DEFAULT 0,
    calls_in_flight INTEGER NOT NULL DEFAULT 0,
    input_tokens INTEGER NOT NULL DEFAULT 0,
    cached_input_tokens INTEGER NOT NULL DEFAULT 0,
    cache_write_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    updated_at INTEGER NOT NULL
) STRICT;

-- Apart from the counters: this never changes while documents do, and is large.
CREATE TABLE batch_specs (
    batch INTEGER PRIMARY KEY REFERENCES batches (key),
    template TEXT NOT NULL,
    plan TEXT NOT NULL,
    sources TEXT NOT NULL,
    estimate TEXT
) STRICT;

CREATE TABLE documents (
    id INTEGER PRIMARY KEY,             -- batch << 40 | ordinal
    batch INTEGER NOT NULL,
    key TEXT NOT NULL,
    key_hash INTEGER NOT NULL,
    name TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    kind TEXT NOT NULL,
    class TEXT NOT NULL,
    pages INTEGER NOT NULL DEFAULT -1,  -- -1: not read yet
    content_hash BLOB,
    state TEXT NOT NULL,
    error_code TEXT,
    error TEXT,
    duplicate_of INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    waits INTEGER NOT NULL DEFAULT 0,
    cost INTEGER NOT NULL DEFAULT 0,
    input_tokens INTEGER NOT NULL DEFAULT 0,
    cached_input_tokens INTEGER NOT NULL DEFAULT 0,
    cache_write_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    expected_input_tokens INTEGER,
    risk INTEGER NOT NULL DEFAULT -1,   -- -1: no result yet
    next_attempt_at INTEGER NOT NULL DEFAULT 0,
    worker BLOB,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX documents_ready ON documents (batch, next_attempt_at, id) WHERE state = 'pending';
CREATE INDEX documents_leased ON documents (worker) WHERE state = 'leased';
CREATE INDEX documents_key ON documents (batch, key_hash);
CREATE INDEX documents_content ON documents (batch, content_hash) WHERE content_hash IS NOT NULL;
-- Failed ones of a code are counted, listed and retried from the index alone.
CREATE INDEX documents_by_error ON documents (batch, state, error_code, id) WHERE error_code IS NOT NULL;
-- Kinds and classes stand in it so that they are counted without reading the rows.
CREATE INDEX documents_by_state ON documents (batch, state, id, kind, class);
CREATE INDEX documents_by_name ON documents (batch, name, id);
CREATE INDEX documents_by_cost ON documents (batch, cost, id);
CREATE INDEX documents_by_pages ON documents (batch, pages, id);
CREATE INDEX documents_by_risk ON documents (batch, risk, id);
CREATE INDEX documents_by_updated ON documents (batch, updated_at, id);

-- Substrings of names, three characters or more. Holds no text of its own.
CREATE VIRTUAL TABLE document_names USING fts5 (name, content = '', tokenize = 'trigram');

CREATE TABLE attempts (
    id INTEGER PRIMARY KEY,
    document INTEGER NOT NULL,
    number INTEGER NOT NULL,
    worker BLOB NOT NULL,
    model TEXT NOT NULL,
    part INTEGER NOT NULL,
    answer_key BLOB NOT NULL,
    outcome TEXT NOT NULL,
    reserved INTEGER NOT NULL,
    cost INTEGER NOT NULL DEFAULT 0,
    input_tokens INTEGER NOT NULL DEFAULT 0,
    cached_input_tokens INTEGER NOT NULL DEFAULT 0,
    cache_write_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    started_at INTEGER NOT NULL,
    latency_ms INTEGER NOT NULL DEFAULT 0,
    request_id TEXT,
    error_code TEXT,
    error TEXT
) STRICT;
CREATE UNIQUE INDEX attempts_document ON attempts (document, number);
CREATE INDEX attempts_in_flight ON attempts (worker) WHERE outcome = 'in_flight';
-- Only answers that were good: one that was not must not be found again.
CREATE INDEX attempts_answer ON attempts (answer_key) WHERE outcome = 'answered' AND error_code IS NULL;

-- Apart from the attempts, so that their rows stay small.
CREATE TABLE answers (attempt INTEGER PRIMARY KEY, raw TEXT NOT NULL) STRICT;

CREATE TABLE extractions (document INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;

-- The rowid is the order of commits: there is one writer at a time.
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    batch INTEGER NOT NULL,
    document INTEGER,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL
) STRICT;
CREATE INDEX events_batch ON events (batch, id);

CREATE TABLE workers (
    id BLOB PRIMARY KEY,
    label TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    heartbeat_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// What the server and its dashboard need: reviews, charts, jobs, small things by name.
const STEP_2: &str = "
ALTER TABLE batches ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE batches ADD COLUMN archived_at INTEGER;
ALTER TABLE documents ADD COLUMN verdict TEXT NOT NULL DEFAULT '';
CREATE INDEX documents_by_verdict ON documents (batch, verdict, id) WHERE verdict <> '';

CREATE TABLE reviews (
    document INTEGER PRIMARY KEY,
    verdict TEXT NOT NULL,
    data TEXT,                          -- corrected; NULL: as extracted
    version INTEGER NOT NULL,
    reviewer TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE TABLE review_log (
    id INTEGER PRIMARY KEY,
    document INTEGER NOT NULL,
    at INTEGER NOT NULL,
    reviewer TEXT NOT NULL,
    verdict TEXT NOT NULL,
    changes TEXT NOT NULL
) STRICT;
CREATE INDEX review_log_document ON review_log (document, id);

-- Sums of ten seconds: a row for each batch and class that did something in them.
CREATE TABLE activity (
    batch INTEGER NOT NULL,
    at INTEGER NOT NULL,
    class TEXT NOT NULL,
    completed INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    retried INTEGER NOT NULL,
    reused INTEGER NOT NULL,
    cost INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    latency BLOB NOT NULL,
    PRIMARY KEY (batch, at, class)
) STRICT, WITHOUT ROWID;
CREATE INDEX activity_at ON activity (at);

CREATE TABLE jobs (
    id INTEGER PRIMARY KEY,
    batch INTEGER NOT NULL,
    spec TEXT NOT NULL,
    state TEXT NOT NULL,
    total INTEGER NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    changed INTEGER NOT NULL DEFAULT 0,
    cursor TEXT,
    message TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX jobs_running ON jobs (id) WHERE state = 'running';
CREATE INDEX jobs_batch ON jobs (batch, id);

CREATE TABLE kept (
    shelf TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (shelf, name)
) STRICT, WITHOUT ROWID;
";

/// What a person's retry makes fresh: parts given up by attempts up to this number are asked again.
const STEP_3: &str = "
ALTER TABLE documents ADD COLUMN retried_after INTEGER NOT NULL DEFAULT 0;
";

/// How far the database is, to be compared with the marker beside it.
const STEP_4: &str = "
CREATE TABLE commit_sequence (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    database BLOB NOT NULL,             -- which database: copies are the same one
    sequence INTEGER NOT NULL           -- counted up by each transaction that writes
) STRICT;
INSERT INTO commit_sequence VALUES (1, randomblob(16), 0);
";

/// Who uses the server. Keys move from where small things are kept; one that cannot be read stays
/// one that cannot be read.
const STEP_5: &str = "
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    role TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    scope TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    used_at INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO keys (name, role, hash, scope, created_at)
    SELECT name,
        CASE WHEN json_valid(value) THEN coalesce(json_extract(value, '$.role'), '') ELSE '' END,
        CASE WHEN json_valid(value) THEN coalesce(json_extract(value, '$.hash'), name) ELSE name END,
        '{}', updated_at
    FROM kept WHERE shelf = 'keys';
DELETE FROM kept WHERE shelf = 'keys';

CREATE TABLE sessions (
    hash TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    key TEXT,
    role TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_key ON sessions (key);

CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    via TEXT NOT NULL,
    origin TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    outcome TEXT NOT NULL,
    before TEXT,
    after TEXT,
    hash TEXT NOT NULL
) STRICT;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
    BEGIN SELECT raise(ABORT, 'the audit log is only added to'); END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
    BEGIN SELECT raise(ABORT, 'the audit log is only added to'); END;
";

/// Values that lists are sorted and filtered by.
const STEP_6: &str = "
ALTER TABLE batches ADD COLUMN value_fields INTEGER NOT NULL DEFAULT 0;
CREATE TABLE value_fields (
    id INTEGER PRIMARY KEY,
    batch INTEGER NOT NULL,
    pointer TEXT NOT NULL,
    state TEXT NOT NULL,                -- building, ready, dropped
    through INTEGER NOT NULL DEFAULT 0, -- ordinal of the last document an index that is made has
    documents INTEGER NOT NULL DEFAULT 0,
    used_at INTEGER NOT NULL
) STRICT;
CREATE INDEX value_fields_batch ON value_fields (batch, pointer);
CREATE INDEX value_fields_dropped ON value_fields (id) WHERE state = 'dropped';
-- Numbers, then texts, then x'' for what is empty.
CREATE TABLE field_values (
    field INTEGER NOT NULL,
    value ANY NOT NULL,
    document INTEGER NOT NULL,
    PRIMARY KEY (field, value, document)
) STRICT, WITHOUT ROWID;
CREATE INDEX field_values_document ON field_values (document, field);
";

/// Version of the file: 0 for a new one. Refuses what is not ours or newer than we are.
pub(super) fn check(connection: &Connection, path: &Context) -> Result<i64, StoreError> {
    let read = || -> rusqlite::Result<(i64, i64, i64)> {
        // In one statement, so that another process that makes the file is seen whole or not at all.
        connection.query_row(
            "SELECT (SELECT user_version FROM pragma_user_version),
                (SELECT application_id FROM pragma_application_id),
                (SELECT count(*) FROM sqlite_schema)",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
    };
    let (found, application, tables) = read().map_err(|error| path.explain(error))?;
    let new = found == 0 && application == 0 && tables == 0;
    if application != APPLICATION_ID && !new {
        return Err(StoreError::Unusable {
            path: path.path.clone(),
            reason: "it is a database of another program".to_owned(),
        });
    }
    if found > KNOWN {
        return Err(StoreError::NewerVersion {
            path: path.path.clone(),
            found,
            known: KNOWN,
        });
    }
    Ok(found)
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Takes the file to the newest version.
pub(super) fn migrate(connection: &mut Connection, path: &Context) -> Result<(), StoreError> {
    let done = usize::try_from(check(connection, path)?).unwrap_or(0);
    for (index, step) in STEPS.iter().enumerate().skip(done) {
        let run = |connection: &mut Connection| -> rusqlite::Result<()> {
            let transaction =
                connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            // Another process may have done it while we waited for the lock.
            if version(&transaction)? > index as i64 {
                return Ok(());
            }
            transaction.execute_batch(step)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", index as i64 + 1)?;
            transaction.commit()
        };
        run(connection).map_err(|error| path.explain(error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_an_older_version_are_taken_over_and_none_is_lost_silently() {
        let connection = Connection::open_in_memory().unwrap();
        for step in &STEPS[..4] {
            connection.execute_batch(step).unwrap();
        }
        connection
            .execute_batch(
                r#"INSERT INTO kept VALUES
                    ('keys', 'ada', '{"name":"ada","role":"admin","hash":"abc"}', 7),
                    ('keys', 'bob', 'damaged', 7), ('keys', 'eve', '7', 7), ('alerts', 'x', '{}', 7);"#,
            )
            .unwrap();
        connection.execute_batch(STEP_5).unwrap();
        let text = |sql: &str| -> String { connection.query_row(sql, [], |row| row.get(0)).unwrap() };
        assert_eq!(
            text("SELECT group_concat(name || ':' || role || ':' || hash, ' ') FROM keys"),
            "ada:admin:abc bob::bob eve::eve",
            "one that cannot be read stays there, with a role that is none"
        );
        assert_eq!(text("SELECT group_concat(shelf) FROM kept"), "alerts");
    }
}
