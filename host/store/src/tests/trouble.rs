//! Files that are damaged, locked or full.

use std::time::Duration;

use anyhow::{Context, Result};
use warbler_domain::{ExtensionName, Timestamp};

use crate::backup::{self, BackupError};
use crate::integrity::{self, Looked};
use crate::kv::KvWrite;
use crate::{Error, Store, StoreOptions};

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

async fn put(store: &Store, key: &str, bytes: usize) -> Result<(), Error> {
    let name: ExtensionName = "ballast"
        .parse()
        .map_err(|err| Error::Sqlite(format!("{err}")))?;
    let write = [KvWrite::Set {
        key: key.to_owned(),
        value: vec![7; bytes],
        expires_at: None,
    }];
    store
        .write(move |tx| tx.kv_mut().apply(&name, &write, NOW))
        .await
}

async fn take(store: &Store, key: &str) -> Result<(), Error> {
    let name: ExtensionName = "ballast"
        .parse()
        .map_err(|err| Error::Sqlite(format!("{err}")))?;
    let write = [KvWrite::Delete {
        key: key.to_owned(),
    }];
    store
        .write(move |tx| tx.kv_mut().apply(&name, &write, NOW))
        .await
}

#[tokio::test]
async fn a_full_disk_is_told_and_ends_when_there_is_room() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let options = StoreOptions {
        max_bytes: Some(2 * 1024 * 1024),
        ..StoreOptions::new(dir.path().join("warbler.db"))
    };
    let store = Store::open(&options)?;
    put(&store, "ballast", 1024 * 1024).await?;
    assert!(!store.room().is_full());
    let refused = put(&store, "more", 1024 * 1024).await;
    assert!(matches!(refused, Err(Error::DiskFull)), "{refused:?}");
    store.room().runs_out().await;
    // Something small may still fit; the disk counts as full until something larger does.
    put(&store, "small", 8).await?;
    assert!(store.room().is_full());
    put(&store, "fill", 400 * 1024).await?;
    while put(
        &store,
        &format!("rest-{}", rand_key(&store).await?),
        16 * 1024,
    )
    .await
    .is_ok()
    {}
    assert!(store.find_room().await.is_err());
    take(&store, "ballast").await?;
    store.find_room().await?;
    assert!(!store.room().is_full());
    put(&store, "more", 512 * 1024).await?;
    store.close().await;
    Ok(())
}

/// A key that is not there yet.
async fn rand_key(store: &Store) -> Result<u64, Error> {
    let name: ExtensionName = "ballast"
        .parse()
        .map_err(|err| Error::Sqlite(format!("{err}")))?;
    store.read(move |db| db.kv().used_bytes(&name, "")).await
}

#[tokio::test]
async fn a_database_that_another_program_holds_is_refused_by_name() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("warbler.db");
    let other = rusqlite::Connection::open(&path)?;
    other.execute_batch(
        "CREATE TABLE held (id INTEGER); BEGIN EXCLUSIVE; INSERT INTO held VALUES (1)",
    )?;
    let refused =
        tokio::task::spawn_blocking(move || Store::open(&StoreOptions::new(path))).await?;
    let err = refused.err().context("it opened")?;
    assert!(matches!(err, Error::Locked), "{err:?}");
    assert!(err.to_string().contains("another process"), "{err}");
    Ok(())
}

#[tokio::test]
async fn a_write_that_cannot_begin_says_that_the_file_is_locked() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("warbler.db");
    let store = Store::open(&StoreOptions::new(&path))?;
    let other = rusqlite::Connection::open(&path)?;
    other.execute_batch("BEGIN IMMEDIATE")?;
    let refused = put(&store, "one", 8).await;
    assert!(matches!(refused, Err(Error::Locked)), "{refused:?}");
    other.execute_batch("ROLLBACK")?;
    put(&store, "one", 8).await?;
    store.close().await;
    Ok(())
}

#[tokio::test]
async fn a_copy_is_what_was_committed_while_writing_goes_on() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (path, copy) = (dir.path().join("warbler.db"), dir.path().join("copy.db"));
    let store = Store::open(&StoreOptions::new(&path))?;
    for number in 0..40 {
        put(&store, &format!("before-{number}"), 64 * 1024).await?;
    }
    let (from, to) = (path.clone(), copy.clone());
    let copying = tokio::task::spawn_blocking(move || backup::copy(&from, &to, |_| ()));
    let mut after = 0;
    while !copying.is_finished() {
        put(&store, &format!("after-{after}"), 1024).await?;
        after += 1;
    }
    let bytes = copying.await??;
    assert_eq!(bytes, std::fs::metadata(&copy)?.len());
    assert_eq!(
        integrity::look_at(&copy, Duration::from_secs(10))?,
        Looked::Whole
    );
    assert_eq!(integrity::schema_of(&copy)?, integrity::schema_of(&path)?);
    let restored = Store::open(&StoreOptions::new(&copy))?;
    let name: ExtensionName = "ballast".parse()?;
    let used = restored
        .read(move |db| db.kv().used_bytes(&name, ""))
        .await?;
    assert!(used >= 40 * 64 * 1024, "{used}");
    let again = backup::copy(&path, &copy, |_| ());
    assert!(matches!(again, Err(BackupError::Exists(_))), "{again:?}");
    let nothing = backup::copy(&dir.path().join("none"), &dir.path().join("x"), |_| ());
    assert!(
        matches!(nothing, Err(BackupError::NoDatabase(_))),
        "{nothing:?}"
    );
    restored.close().await;
    store.close().await;
    Ok(())
}

#[tokio::test]
async fn a_closed_database_is_one_file() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("warbler.db");
    for number in 0..100 {
        let options = StoreOptions {
            readers: 8,
            ..StoreOptions::new(&path)
        };
        let store = Store::open(&options)?;
        put(&store, &format!("key-{number}"), 8).await?;
        store.close().await;
        let files = std::fs::read_dir(dir.path())?.count();
        assert_eq!(files, 1, "after {number} times");
    }
    Ok(())
}

#[tokio::test]
async fn a_damaged_file_is_refused_and_says_what_to_do() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("warbler.db");
    let store = Store::open(&StoreOptions::new(&path))?;
    put(&store, "something", 256 * 1024).await?;
    store.close().await;
    let mut bytes = std::fs::read(&path)?;
    let half = bytes.len() / 2;
    bytes
        .get_mut(4096..half)
        .context("a larger file")?
        .fill(0x5A);
    std::fs::write(&path, bytes)?;
    let err = Store::open(&StoreOptions::new(&path))
        .err()
        .context("it opened")?;
    assert!(matches!(err, Error::Damaged(_)), "{err:?}");
    assert!(err.to_string().contains("warbler restore"), "{err}");
    std::fs::write(&path, [b'x'; 4096])?;
    let err = Store::open(&StoreOptions::new(&path))
        .err()
        .context("it opened")?;
    assert!(matches!(err, Error::Damaged(_)), "{err:?}");
    Ok(())
}
