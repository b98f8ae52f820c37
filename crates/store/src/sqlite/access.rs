//! Keys and sessions.

use docmill_core::access::Role;
use docmill_core::id::ContentHash;
use docmill_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::StoreError;
use crate::access::{KeyRefused, KeyRow, SessionRow, Sessions, Used};
use crate::sqlite::codec::Columns;
use crate::sqlite::hot::Transaction;

/// All keys, by name.
pub(super) fn keys(connection: &Connection) -> rusqlite::Result<Vec<KeyRow>> {
    connection
        .prepare_cached("SELECT * FROM keys ORDER BY name")?
        .query_map([], read_key)?
        .collect()
}

/// Whether there is any.
pub(super) fn has_keys(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM keys)")?
        .query_row([], |row| row.get(0))
}

/// The key with this hash.
pub(super) fn key_of(connection: &Connection, hash: ContentHash) -> rusqlite::Result<Option<KeyRow>> {
    connection
        .prepare_cached("SELECT * FROM keys WHERE hash = ?1")?
        .query_row([hash.to_hex()], read_key)
        .optional()
}

fn read_key(row: &Row<'_>) -> rusqlite::Result<KeyRow> {
    Ok(KeyRow {
        name: row.get("name")?,
        role: row.name_of("role")?,
        hash: row.name_of("hash")?,
        scope: row.json("scope")?,
        created_at: row.time("created_at")?,
        expires_at: optional_time(row, "expires_at")?,
        used_at: optional_time(row, "used_at")?,
    })
}

fn optional_time(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp))
}

/// Names of keys that can make others for as long as the server is there.
fn lasting_admins(transaction: &Transaction<'_>) -> Result<Vec<String>, StoreError> {
    // One that cannot be read is not counted: it helps nobody.
    let read = || -> rusqlite::Result<Vec<String>> {
        transaction
            .statement("SELECT name FROM keys WHERE role = 'admin' AND scope = '{}' AND expires_at IS NULL")?
            .query_map([], |row| row.get(0))?
            .collect()
    };
    read().map_err(|error| transaction.explain(error))
}

/// Makes a key.
pub(super) fn add_key(
    transaction: &Transaction<'_>,
    key: &KeyRow,
) -> Result<Result<(), KeyRefused>, StoreError> {
    if lasting_admins(transaction)?.is_empty() && !key.is_lasting_admin() {
        return Ok(Err(KeyRefused::NeedsAdmin));
    }
    let scope = serde_json::to_string(&key.scope).map_err(|error| StoreError::Database(error.to_string()))?;
    let write = || {
        transaction
            .statement(
                "INSERT INTO keys (name, role, hash, scope, created_at, expires_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (name) DO NOTHING",
            )?
            .execute(params![
                key.name,
                key.role.as_str(),
                key.hash.to_hex(),
                scope,
                key.created_at.0,
                key.expires_at.map(|at| at.0)
            ])
    };
    let written = write().map_err(|error| transaction.explain(error))?;
    Ok(if written == 1 {
        Ok(())
    } else {
        Err(KeyRefused::Exists)
    })
}

/// Takes a key and its sessions away.
pub(super) fn remove_key(
    transaction: &Transaction<'_>,
    name: &str,
) -> Result<Result<(), KeyRefused>, StoreError> {
    let admins = lasting_admins(transaction)?;
    if let [last] = admins.as_slice()
        && last == name
    {
        return Ok(Err(KeyRefused::LastAdmin));
    }
    let write = || {
        transaction
            .statement("DELETE FROM sessions WHERE key = ?1")?
            .execute([name])?;
        transaction
            .statement("DELETE FROM keys WHERE name = ?1")?
            .execute([name])
    };
    let removed = write().map_err(|error| transaction.explain(error))?;
    Ok(if removed == 1 {
        Ok(())
    } else {
        Err(KeyRefused::Missing)
    })
}

/// Somebody signed in.
pub(super) fn open_session(transaction: &Transaction<'_>, session: &SessionRow) -> Result<(), StoreError> {
    let write = || {
        transaction
            .statement(
                "INSERT INTO sessions (hash, name, key, role, opened_at, used_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                session.hash.to_hex(),
                session.name,
                session.key,
                session.role.as_str(),
                session.opened_at.0,
                session.used_at.0
            ])
    };
    write().map(drop).map_err(|error| transaction.explain(error))
}

/// The session of a token, with what its key may now.
pub(super) fn session(connection: &Connection, hash: ContentHash) -> rusqlite::Result<Option<SessionRow>> {
    connection
        .prepare_cached(
            "SELECT s.hash, s.name, s.key, s.opened_at, s.used_at, k.expires_at,
                coalesce(k.role, s.role) AS role, coalesce(k.scope, '{}') AS scope
             FROM sessions s LEFT JOIN keys k ON k.name = s.key
             WHERE s.hash = ?1 AND (s.key IS NULL OR k.name IS NOT NULL)",
        )?
        .query_row([hash.to_hex()], |row| {
            Ok(SessionRow {
                hash: row.name_of("hash")?,
                name: row.get("name")?,
                key: row.get("key")?,
                role: row.name_of::<Role>("role")?,
                scope: row.json("scope")?,
                opened_at: row.time("opened_at")?,
                used_at: row.time("used_at")?,
                key_expires_at: optional_time(row, "expires_at")?,
            })
        })
        .optional()
}

/// Ends sessions.
pub(super) fn end_sessions(transaction: &Transaction<'_>, which: &Sessions) -> Result<u64, StoreError> {
    let write = || match which {
        Sessions::One(hash) => transaction
            .statement("DELETE FROM sessions WHERE hash = ?1")?
            .execute([hash.to_hex()]),
        Sessions::Of { key: Some(key), .. } => transaction
            .statement("DELETE FROM sessions WHERE key = ?1")?
            .execute([key]),
        Sessions::Of { key: None, name } => transaction
            .statement("DELETE FROM sessions WHERE key IS NULL AND name = ?1")?
            .execute([name]),
        Sessions::Over { opened, used } => transaction
            .statement("DELETE FROM sessions WHERE opened_at < ?1 OR used_at < ?2")?
            .execute([opened.0, used.0]),
    };
    let ended = write().map_err(|error| transaction.explain(error))?;
    Ok(ended as u64)
}

/// Notes what was used.
pub(super) fn note_use(
    transaction: &Transaction<'_>,
    used: &[Used],
    now: Timestamp,
) -> Result<(), StoreError> {
    let write = || -> rusqlite::Result<()> {
        for one in used {
            match one {
                Used::Key(name) => transaction
                    .statement("UPDATE keys SET used_at = ?2 WHERE name = ?1")?
                    .execute(params![name, now.0])?,
                Used::Session(hash) => transaction
                    .statement("UPDATE sessions SET used_at = ?2 WHERE hash = ?1")?
                    .execute(params![hash.to_hex(), now.0])?,
            };
        }
        Ok(())
    };
    write().map_err(|error| transaction.explain(error))
}
