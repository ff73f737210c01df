//! Opening the file: settings of a connection, and migrations.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use tracing::info;

use crate::checkpoint::LOG_PAGES;
use crate::integrity::{self, Looked};
use crate::{Error, Result, StoreOptions};

/// Forward only; a shipped migration never changes.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_spine.sql"),
    include_str!("../migrations/0002_access.sql"),
    include_str!("../migrations/0003_media.sql"),
    include_str!("../migrations/0004_sending.sql"),
    include_str!("../migrations/0005_chats.sql"),
    include_str!("../migrations/0006_lookups.sql"),
    include_str!("../migrations/0007_timers.sql"),
    include_str!("../migrations/0008_extension_grants.sql"),
    include_str!("../migrations/0009_webhooks.sql"),
    include_str!("../migrations/0010_rules.sql"),
    include_str!("../migrations/0011_campaigns.sql"),
    include_str!("../migrations/0012_dialects.sql"),
    include_str!("../migrations/0013_links.sql"),
    include_str!("../migrations/0014_manager.sql"),
    include_str!("../migrations/0015_engines.sql"),
    include_str!("../migrations/0016_lists.sql"),
    include_str!("../migrations/0017_turns.sql"),
    include_str!("../migrations/0018_session_names.sql"),
];

/// How many statements a connection keeps prepared.
const STATEMENTS: usize = 192;
/// Memory for pages, in KiB: of a reading connection, and of the writing one, which changes pages
/// all over the file.
const READER_CACHE: i64 = 4 * 1024;
const WRITER_CACHE: i64 = 16 * 1024;

pub(crate) fn open_writer(options: &StoreOptions) -> Result<Connection> {
    let mut conn = Connection::open(&options.path)?;
    configure(&conn, WRITER_CACHE)?;
    if integrity::look(&conn, options.check_within)? == Looked::InPart {
        info!(
            "The database is too large to be looked at whole at the start; `warbler doctor` does"
        );
    }
    if let Some(max_bytes) = options.max_bytes {
        let page: u32 = conn.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = (max_bytes / u64::from(page.max(1))).clamp(1, u32::MAX.into());
        conn.pragma_update(None, "max_page_count", i64::try_from(pages).unwrap_or(1))?;
    }
    conn.pragma_update(None, "journal_mode", "WAL")?;
    migrate(&mut conn)?;
    // Commits are made durable by `durable`, which asks the disk without holding up the next one.
    conn.pragma_update(None, "synchronous", "NORMAL")?;
    conn.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    Ok(conn)
}

pub(crate) fn open_reader(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    configure(&conn, READER_CACHE)?;
    conn.pragma_update(None, "query_only", true)?;
    Ok(conn)
}

/// A connection that only moves the write-ahead log into the database.
pub(crate) fn open_mover(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(conn)
}

fn configure(conn: &Connection, cache: i64) -> Result<()> {
    conn.busy_timeout(Duration::from_secs(5))?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    // A plan never depends on the values of a query: otherwise SQLite plans queries over partial
    // indexes anew each time, which costs more than to run them.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.pragma_update(None, "cache_size", -cache)?;
    conn.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    Ok(())
}

fn migrate(conn: &mut Connection) -> Result<()> {
    let known = MIGRATIONS.len() as u32;
    let found: u32 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > known {
        return Err(Error::TooNew { found, known });
    }
    for (index, sql) in MIGRATIONS.iter().enumerate().skip(found as usize) {
        let tx = conn.transaction()?;
        tx.execute_batch(sql)?;
        tx.pragma_update(None, "user_version", index as u32 + 1)?;
        tx.commit()?;
    }
    Ok(())
}
