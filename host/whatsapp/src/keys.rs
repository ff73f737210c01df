//! The engine's storage on our database: every session's keys in one file.
//!
//! A [`Keys`] is one session's view. The engine's storage traits are implemented in the modules
//! below, one per trait; each record is named bytes in a [`KeySpace`], JSON where the engine's
//! type is serde and raw bytes otherwise.
//!
//! Invariant: a call that changes key material answers after the change is on disk, and so does
//! the one that keeps a copy of what is about to be sent. Two kinds of record are handed to the
//! writer without waiting for the disk, in their turn:
//!
//! - what the engine writes of its ratchets ([`Keys::write_for_wire`]): what was sent with one does
//!   not leave before it is on disk ([`crate::wire`]), and one that has just read a message is
//!   written behind that message (`held`). The engine `wa-rs` has no such wire: of what it writes
//!   only the ends of keys go this way, and a crash that forgets one leaves a key behind that is not
//!   used again;
//! - messages waiting for the inbox, and their removal ([`Keys::write_in_order`]): the writer works
//!   in order, so they are on disk no later than anything written after them, the ratchet and the
//!   inbox's own row among it.
//!
//! Both are read through the writer while they are on their way, so that a reader never misses one.

mod app_state;
mod device;
mod held;
mod lost;
mod protocol;
mod queued;
mod secrets;
mod signal;

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{Mutex, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wacore::store::error::{Result, StoreError};
use warbler_domain::{Clock, SessionId};
use warbler_store::device_keys::{DeviceKeys, KeySpace};
use warbler_store::{Store, Writer};

use crate::intake::Intake;

use self::held::Held;
use self::queued::{NotStored, Queued, Turn};

/// What this engine keeps. The numbers are on disk: they are never reused, and those from 64 on
/// belong to other engines.
pub(crate) mod space {
    use warbler_store::device_keys::KeySpace;

    pub(crate) const DEVICE: KeySpace = KeySpace(1);
    pub(crate) const IDENTITIES: KeySpace = KeySpace(2);
    pub(crate) const SESSIONS: KeySpace = KeySpace(3);
    pub(crate) const PREKEYS: KeySpace = KeySpace(4);
    pub(crate) const SIGNED_PREKEYS: KeySpace = KeySpace(5);
    pub(crate) const SENDER_KEYS: KeySpace = KeySpace(6);
    pub(crate) const SYNC_KEYS: KeySpace = KeySpace(7);
    pub(crate) const LATEST_SYNC_KEY: KeySpace = KeySpace(8);
    pub(crate) const VERSIONS: KeySpace = KeySpace(9);
    pub(crate) const MUTATION_MACS: KeySpace = KeySpace(10);
    pub(crate) const SENDER_KEY_DEVICES: KeySpace = KeySpace(11);
    pub(crate) const LIDS: KeySpace = KeySpace(12);
    pub(crate) const PNS: KeySpace = KeySpace(13);
    pub(crate) const BASE_KEYS: KeySpace = KeySpace(14);
    pub(crate) const DEVICE_LISTS: KeySpace = KeySpace(15);
    pub(crate) const GROUPS: KeySpace = KeySpace(16);
    pub(crate) const TC_TOKENS: KeySpace = KeySpace(17);
    pub(crate) const SENT_MESSAGES: KeySpace = KeySpace(18);
    pub(crate) const PENDING_INBOUND: KeySpace = KeySpace(19);
    pub(crate) const MESSAGE_SECRETS: KeySpace = KeySpace(20);
    pub(crate) const DONE_WITH: KeySpace = KeySpace(21);
}

/// Writes that may be under way without anybody waiting for them; more wait for room.
const UNWAITED: usize = 256;
/// Longest wait for questions that are being asked when their link is over.
const ASKING: Duration = Duration::from_secs(2);

/// One session's keys.
#[derive(Clone)]
pub(crate) struct Keys {
    store: Store,
    session: SessionId,
    clock: Arc<dyn Clock>,
    unwaited: Arc<Semaphore>,
    queued: Arc<Queued>,
    held: Arc<Mutex<Held>>,
    closing: CancellationToken,
    tasks: TaskTracker,
    desk: Arc<device::Desk>,
    intake: Arc<Intake>,
}

/// A session's keys inside a transaction.
struct Tx<'a> {
    writer: &'a Writer<'a>,
    session: SessionId,
}

type Stored<T> = warbler_store::Result<T>;

impl Tx<'_> {
    fn get(&self, space: KeySpace, key: &[u8]) -> Stored<Option<Vec<u8>>> {
        self.writer.device_keys().get(self.session, space, key)
    }

    fn scan(&self, space: KeySpace, prefix: &[u8]) -> Stored<Vec<(Vec<u8>, Vec<u8>)>> {
        self.writer.device_keys().scan(self.session, space, prefix)
    }

    fn put(&self, space: KeySpace, key: &[u8], value: &[u8]) -> Stored<()> {
        self.put_until(space, key, value, None)
    }

    fn put_until(&self, space: KeySpace, key: &[u8], value: &[u8], at: Option<i64>) -> Stored<()> {
        let keys = self.writer.device_keys_mut();
        keys.put(self.session, space, key, value, at)
    }

    fn delete(&self, space: KeySpace, key: &[u8]) -> Stored<()> {
        let keys = self.writer.device_keys_mut();
        keys.delete(self.session, space, key).map(drop)
    }

    fn delete_all(&self, space: KeySpace, prefix: &[u8]) -> Stored<()> {
        for (key, _) in self.scan(space, prefix)? {
            self.delete(space, &key)?;
        }
        Ok(())
    }

    fn clear(&self, space: KeySpace) -> Stored<()> {
        let keys = self.writer.device_keys_mut();
        keys.clear(self.session, space).map(drop)
    }

    fn delete_before(&self, space: KeySpace, cutoff: i64) -> Stored<u32> {
        let keys = self.writer.device_keys_mut();
        let gone = keys.delete_expired(self.session, space, cutoff)?;
        Ok(u32::try_from(gone).unwrap_or(u32::MAX))
    }
}

impl Keys {
    /// The keys of `session` in `store`.
    pub(crate) fn new(store: Store, session: SessionId, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            session,
            clock,
            unwaited: Arc::new(Semaphore::new(UNWAITED)),
            queued: Arc::default(),
            held: Arc::default(),
            closing: CancellationToken::new(),
            tasks: TaskTracker::new(),
            desk: Arc::default(),
            intake: Arc::default(),
        }
    }

    /// What the engine that uses these keys is reading.
    pub(crate) fn intake(&self) -> &Arc<Intake> {
        &self.intake
    }

    /// Whether the session is linked to an account.
    pub(crate) async fn is_paired(&self) -> Result<bool> {
        use wacore::store::traits::DeviceStore;
        Ok(self.load().await?.is_some_and(|device| device.pn.is_some()))
    }

    /// Takes all keys of the session away.
    pub(crate) async fn forget(&self) -> Result<()> {
        self.give_up_held().await;
        self.write(|tx| tx.writer.device_keys_mut().forget(tx.session).map(drop))
            .await
    }

    /// Waits until every write that nobody waited for is in the database, where the next link sees
    /// it, and takes no device record any more: the next link writes its own.
    pub(crate) async fn settle(&self) {
        self.desk.close().await;
        self.closing.cancel();
        self.give_up_held().await;
        self.tasks.close();
        if timeout(ASKING, self.tasks.wait()).await.is_err() {
            self.intake.close();
            self.tasks.wait().await;
        }
        self.tasks.reopen();
    }

    /// Seconds since 1970, the engine's unit of time.
    fn now_secs(&self) -> i64 {
        self.clock.now().as_millis().div_euclid(1000)
    }

    async fn read<T, F>(&self, job: F) -> Result<T>
    where
        F: FnOnce(&DeviceKeys<'_>, SessionId) -> Stored<T> + Send + 'static,
        T: Send + 'static,
    {
        let session = self.session;
        let read = self
            .store
            .read(move |db| job(&db.device_keys(), session))
            .await;
        read.map_err(failed)
    }

    async fn write<T, F>(&self, job: F) -> Result<T>
    where
        F: FnOnce(&Tx<'_>) -> Stored<T> + Send + 'static,
        T: Send + 'static,
    {
        let session = self.session;
        let written = self
            .store
            .write_together(move |writer| job(&Tx { writer, session }))
            .await;
        written.map_err(failed)
    }

    async fn write_relaxed<F>(&self, job: F) -> Result<()>
    where
        F: FnOnce(&Tx<'_>) -> Stored<()> + Send + 'static,
    {
        let session = self.session;
        let written = self
            .store
            .write_relaxed_together(move |writer| job(&Tx { writer, session }))
            .await;
        written.map_err(failed)
    }

    /// Hands a job to the writer, in its turn, and does not wait for the disk.
    async fn write_in_order<F>(&self, what: &'static str, job: F) -> Result<()>
    where
        F: FnOnce(&Tx<'_>) -> Stored<()> + Send + 'static,
    {
        let keys = self.clone();
        let writing = async move { keys.write_relaxed(job).await };
        self.begin(what, writing, None).await
    }

    /// Like [`Keys::write_in_order`], for keys that nothing may leave before.
    async fn write_for_wire<F>(&self, what: &'static str, job: F) -> Result<()>
    where
        F: FnOnce(&Tx<'_>) -> Stored<()> + Send + 'static,
    {
        self.write_in_turns(what, Vec::new(), job).await
    }

    /// Like [`Keys::write_for_wire`], where earlier turns end with this one.
    async fn write_in_turns<F>(&self, what: &'static str, earlier: Vec<Turn>, job: F) -> Result<()>
    where
        F: FnOnce(&Tx<'_>) -> Stored<()> + Send + 'static,
    {
        let (keys, turn) = (self.clone(), self.queued.begin());
        let writing = async move {
            let written = keys.write(job).await;
            for turn in earlier {
                turn.end(written.is_ok());
            }
            written
        };
        self.begin(what, writing, Some(turn)).await
    }

    /// Waits until all that was written for the wire is on disk.
    pub(crate) async fn stored(&self) -> std::result::Result<(), NotStored> {
        self.queued.stored().await
    }

    /// Begins a write, and waits for its place among the others, not for its end.
    async fn begin<W>(&self, what: &'static str, writing: W, mut turn: Option<Turn>) -> Result<()>
    where
        W: Future<Output = Result<()>> + Send + 'static,
    {
        let permit = Arc::clone(&self.unwaited).acquire_owned().await;
        let mut writing = Box::pin(writing);
        // The first poll puts the job into the writer's queue, or into the line of those who wait
        // for room there; either keeps its place.
        match poll_fn(|cx| Poll::Ready(writing.as_mut().poll(cx))).await {
            Poll::Ready(done) => done,
            Poll::Pending => {
                if let Some(turn) = &mut turn {
                    turn.believed();
                }
                self.tasks.spawn(async move {
                    let done = writing.await;
                    if let Some(turn) = turn {
                        turn.end(done.is_ok());
                    }
                    if let Err(err) = done {
                        tracing::error!(%err, "The engine's {what} could not be stored");
                    }
                    drop(permit);
                });
                Ok(())
            }
        }
    }

    pub(crate) async fn get(&self, space: KeySpace, key: Vec<u8>) -> Result<Option<Vec<u8>>> {
        self.read(move |db, session| db.get(session, space, &key))
            .await
    }

    /// Like [`Keys::get`], but sees what [`Keys::write_for_wire`] has been given.
    async fn get_newest(&self, space: KeySpace, key: Vec<u8>) -> Result<Option<Vec<u8>>> {
        if let Some(value) = self.held.lock().await.newest(space, &key) {
            return Ok(Some(value.to_vec()));
        }
        match self.queued.is_empty() {
            true => self.get(space, key).await,
            false => self.get_in_order(space, key).await,
        }
    }

    /// Like [`Keys::get`], but sees what [`Keys::write_in_order`] has been given.
    async fn get_in_order(&self, space: KeySpace, key: Vec<u8>) -> Result<Option<Vec<u8>>> {
        self.write(move |tx| tx.get(space, &key)).await
    }

    pub(crate) async fn put(&self, space: KeySpace, key: Vec<u8>, value: Vec<u8>) -> Result<()> {
        self.write(move |tx| tx.put(space, &key, &value)).await
    }

    /// Replaces a record by what `change` makes of it, in one step; `None` takes it away.
    pub(crate) async fn update<F>(&self, space: KeySpace, key: Vec<u8>, change: F) -> Result<()>
    where
        F: FnOnce(Option<Vec<u8>>) -> Option<Vec<u8>> + Send + 'static,
    {
        self.write(move |tx| match change(tx.get(space, &key)?) {
            Some(value) => tx.put(space, &key, &value),
            None => tx.delete(space, &key),
        })
        .await
    }

    /// Everything under a prefix.
    pub(crate) async fn scan(
        &self,
        space: KeySpace,
        prefix: Vec<u8>,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        self.read(move |db, session| db.scan(session, space, &prefix))
            .await
    }

    /// Takes away everything under a prefix.
    pub(crate) async fn delete_all(&self, space: KeySpace, prefix: Vec<u8>) -> Result<()> {
        self.write(move |tx| tx.delete_all(space, &prefix)).await
    }

    pub(crate) async fn delete(&self, space: KeySpace, key: Vec<u8>) -> Result<()> {
        self.write(move |tx| tx.delete(space, &key)).await
    }
}

/// A key of several parts; the key of the first parts is a prefix of the key of all.
pub(crate) fn joined(parts: &[&[u8]]) -> Vec<u8> {
    let mut key = Vec::with_capacity(parts.iter().map(|part| part.len() + 4).sum());
    for part in parts {
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        key.extend_from_slice(&length.to_be_bytes());
        key.extend_from_slice(part);
    }
    key
}

/// The last part of a key that [`joined`] made from two.
pub(crate) fn second_part(key: &[u8]) -> Option<&[u8]> {
    let (first, rest) = key.split_first_chunk::<4>()?;
    let skipped = usize::try_from(u32::from_be_bytes(*first)).ok()?;
    rest.get(skipped.checked_add(4)?..)
}

fn failed(error: warbler_store::Error) -> StoreError {
    StoreError::Database(Box::new(error))
}

fn unreadable(error: serde_json::Error) -> StoreError {
    StoreError::Serialization(Box::new(error))
}

fn to_json<T: serde::Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(unreadable)
}

fn from_json<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(unreadable)
}

#[cfg(test)]
mod tests;
