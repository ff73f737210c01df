//! Events on their way to webhooks.

use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::webhook::{Attempt, Delivery, DeliveryCounts, DeliveryState};
use warbler_domain::{DeliveryId, EventId, SessionId, Timestamp, WebhookId};

use crate::rows::{collect, first, id_bytes, json, parsed, prepare, to_json};
use crate::{Error, Reader, Result, Writer};

const COLUMNS: &str = "seq, id, webhook, session, event, kind, created_at, state, due_at,
                       attempts, tries";

/// What is sent, once it has been made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredPayload {
    /// How it is sent, if not by `POST`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The path and query it goes to at the endpoint's server, if not to the endpoint's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Its content type.
    pub content_type: String,
    /// Headers to add: names and values.
    pub headers: Vec<(String, String)>,
    /// The bytes.
    #[serde(skip)]
    pub bytes: Vec<u8>,
}

impl StoredPayload {
    /// JSON that is posted to the endpoint itself.
    pub fn json(bytes: Vec<u8>) -> Self {
        Self {
            method: None,
            path: None,
            content_type: "application/json".to_owned(),
            headers: Vec::new(),
            bytes,
        }
    }

    /// One line of JSON for what stands beside the bytes, and the bytes.
    fn to_blob(&self) -> Result<Vec<u8>> {
        let mut blob = to_json(self, "deliveries.payload")?.into_bytes();
        blob.push(b'\n');
        blob.extend_from_slice(&self.bytes);
        Ok(blob)
    }

    fn of_blob(blob: &[u8]) -> Result<Self> {
        let broken = |what: &str| Error::corrupt("deliveries.payload", what);
        let end = blob.iter().position(|byte| *byte == b'\n');
        let (head, bytes) = blob.split_at(end.ok_or_else(|| broken("no head"))?);
        let head: Self = serde_json::from_slice(head)
            .map_err(|err| Error::corrupt("deliveries.payload", err))?;
        let bytes = bytes.get(1..).unwrap_or_default().to_vec();
        Ok(Self { bytes, ..head })
    }
}

/// A delivery that is to be made now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Which.
    pub delivery: Delivery,
    /// Its place among all.
    pub seq: i64,
    /// What it keeps its order with.
    pub lane: String,
    /// What is sent, if it was made before.
    pub payload: Option<StoredPayload>,
}

/// What became of a delivery for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Which.
    pub seq: i64,
    /// How far it is now.
    pub state: DeliveryState,
    /// When it is tried next, while it waits.
    pub due_at: Timestamp,
    /// How often it has been tried.
    pub attempts: u32,
    /// What became of the last attempts.
    pub tries: Vec<Attempt>,
    /// What is sent, to be kept while it waits.
    pub payload: Option<StoredPayload>,
}

/// Reading half.
pub struct Deliveries<'a>(&'a Reader<'a>);

/// Writing half.
pub struct DeliveriesMut<'a>(&'a Writer<'a>);

impl<'a> Reader<'a> {
    /// Events on their way to webhooks.
    pub fn deliveries(&'a self) -> Deliveries<'a> {
        Deliveries(self)
    }
}

impl<'a> Writer<'a> {
    /// Events on their way to webhooks, to change.
    pub fn deliveries_mut(&'a self) -> DeliveriesMut<'a> {
        DeliveriesMut(self)
    }
}

impl Deliveries<'_> {
    /// When the next one of a webhook is to be made.
    pub fn next_due(&self, webhook: WebhookId) -> Result<Option<Timestamp>> {
        let sql = "SELECT due_at FROM deliveries INDEXED BY deliveries_waiting
                   WHERE webhook = ?1 AND state = 'waiting' ORDER BY due_at LIMIT 1";
        first(
            &mut prepare(self.0.conn, sql)?,
            params![webhook.as_bytes()],
            |row| Ok(Timestamp::from_millis(row.get(0)?)),
        )
    }

    /// How many of a webhook are being made at `now`; they count as waiting, too.
    pub fn under_way(&self, webhook: WebhookId, now: Timestamp) -> Result<u64> {
        let sql = "SELECT count(*) FROM deliveries INDEXED BY deliveries_waiting
                   WHERE webhook = ?1 AND state = 'waiting' AND lease_until > ?2";
        let params = params![webhook.as_bytes(), now.as_millis()];
        let count = first(&mut prepare(self.0.conn, sql)?, params, |row| {
            Ok(row.get::<_, i64>(0)?.unsigned_abs())
        })?;
        Ok(count.unwrap_or(0))
    }

    /// Whether a happening is still to be told, or was given up, at some webhook in this form or a
    /// variant of it (`form/…`); `dedupe` is what its event is recognised by.
    pub fn is_outstanding(&self, session: SessionId, dedupe: &str, form: &str) -> Result<bool> {
        let sql = "SELECT 1 FROM events AS e
                   JOIN deliveries AS d ON d.event = e.id AND d.state IN ('waiting', 'dead')
                   JOIN webhooks AS w ON w.id = d.webhook
                        AND (w.form = ?3 OR w.form LIKE ?3 || '/%')
                   WHERE e.session = ?1 AND e.dedupe = ?2 LIMIT 1";
        let params = params![session.as_bytes(), dedupe, form];
        let found = first(&mut prepare(self.0.conn, sql)?, params, |_| Ok(()))?;
        Ok(found.is_some())
    }

    /// One of them.
    pub fn get(&self, id: DeliveryId) -> Result<Option<Delivery>> {
        let sql = format!("SELECT {COLUMNS} FROM deliveries WHERE id = ?1");
        first(
            &mut prepare(self.0.conn, &sql)?,
            params![id.as_bytes()],
            |row| Ok(read(row)?.1),
        )
    }

    /// Those of a webhook, newest first.
    pub fn list(
        &self,
        webhook: WebhookId,
        state: Option<DeliveryState>,
        page: PageRequest,
    ) -> Result<Page<Delivery>> {
        let before = page.after().map_or(i64::MAX, |cursor| cursor.0);
        let sql = format!(
            "SELECT {COLUMNS} FROM deliveries WHERE webhook = ?1 AND seq < ?2
             AND (?3 IS NULL OR state = ?3) ORDER BY seq DESC LIMIT ?4"
        );
        let state = state.map(DeliveryState::as_str);
        let rows = collect(
            &mut prepare(self.0.conn, &sql)?,
            params![webhook.as_bytes(), before, state, page.limit() + 1],
            read,
        )?;
        Ok(Page::of_rows(rows, page.limit()))
    }

    /// How many a webhook has.
    pub fn counts(&self, webhook: WebhookId) -> Result<DeliveryCounts> {
        let sql = "SELECT state, count(*) FROM deliveries WHERE webhook = ?1 GROUP BY state";
        let rows = collect(
            &mut prepare(self.0.conn, sql)?,
            params![webhook.as_bytes()],
            |row| {
                let state: DeliveryState = parsed(row, 0, "deliveries.state")?;
                Ok((state, u64::from(row.get::<_, u32>(1)?)))
            },
        )?;
        let mut counts = DeliveryCounts::default();
        for (state, count) in rows {
            match state {
                DeliveryState::Waiting => counts.waiting = count,
                DeliveryState::Delivered => counts.delivered = count,
                DeliveryState::Dropped => counts.dropped = count,
                DeliveryState::Dead => counts.dead = count,
            }
        }
        Ok(counts)
    }
}

impl DeliveriesMut<'_> {
    /// Adds one that waits.
    pub fn insert(&self, delivery: &Delivery, lane: &str) -> Result<()> {
        let sql = "INSERT INTO deliveries (id, webhook, session, event, kind, lane, created_at,
                                           state, due_at)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'waiting', ?8)";
        prepare(self.0.conn, sql)?.execute(params![
            delivery.id.as_bytes(),
            delivery.webhook.as_bytes(),
            delivery.session.as_bytes(),
            delivery.event.as_bytes(),
            delivery.kind,
            lane,
            delivery.created_at.as_millis(),
            delivery.due_at.as_millis(),
        ])?;
        Ok(())
    }

    /// Takes those of a webhook that are due, the oldest first, for as long as `until`.
    pub fn claim(
        &self,
        webhook: WebhookId,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Claimed>> {
        let sql = format!(
            "SELECT {COLUMNS}, lane, payload FROM deliveries INDEXED BY deliveries_waiting
             WHERE webhook = ?1 AND state = 'waiting' AND due_at <= ?2
               AND (lease_until IS NULL OR lease_until <= ?2 OR lease = ?3)
             ORDER BY due_at, seq LIMIT ?4"
        );
        let claimed = collect(
            &mut prepare(self.0.conn, &sql)?,
            params![webhook.as_bytes(), now.as_millis(), owner, limit],
            |row| {
                let (seq, delivery) = read(row)?;
                let payload: Option<Vec<u8>> = row.get(12)?;
                Ok(Claimed {
                    delivery,
                    seq,
                    lane: row.get(11)?,
                    payload: payload.as_deref().map(StoredPayload::of_blob).transpose()?,
                })
            },
        )?;
        let sql = "UPDATE deliveries SET lease = ?2, lease_until = ?3 WHERE seq = ?1";
        let mut lease = prepare(self.0.conn, sql)?;
        for one in &claimed {
            lease.execute(params![one.seq, owner, until.as_millis()])?;
        }
        Ok(claimed)
    }

    /// Notes what became of one. One that was taken away meanwhile stays away.
    pub fn settle(&self, outcome: &Outcome) -> Result<()> {
        let sql = "UPDATE deliveries SET state = ?2, due_at = ?3, attempts = ?4, tries = ?5,
                          payload = ?6, lease = NULL, lease_until = NULL
                   WHERE seq = ?1";
        let payload = outcome.payload.as_ref().map(StoredPayload::to_blob);
        prepare(self.0.conn, sql)?.execute(params![
            outcome.seq,
            outcome.state.as_str(),
            outcome.due_at.as_millis(),
            outcome.attempts,
            to_json(&outcome.tries, "deliveries.tries")?,
            payload.transpose()?,
        ])?;
        Ok(())
    }

    /// Lets go of one that was not tried.
    pub fn release(&self, seq: i64) -> Result<()> {
        let sql = "UPDATE deliveries SET lease = NULL, lease_until = NULL WHERE seq = ?1";
        prepare(self.0.conn, sql)?.execute(params![seq])?;
        Ok(())
    }

    /// Lets go of all: whoever had taken them is gone.
    pub fn release_all(&self) -> Result<()> {
        let sql =
            "UPDATE deliveries INDEXED BY deliveries_waiting SET lease = NULL, lease_until = NULL
                   WHERE state = 'waiting' AND lease_until IS NOT NULL";
        prepare(self.0.conn, sql)?.execute([])?;
        Ok(())
    }

    /// Makes one again that is not waiting; whether it is there and was not.
    pub fn replay(&self, id: DeliveryId, now: Timestamp) -> Result<bool> {
        let sql = "UPDATE deliveries SET state = 'waiting', due_at = ?2, created_at = ?2,
                          attempts = 0, lease = NULL, lease_until = NULL
                   WHERE id = ?1 AND state <> 'waiting'";
        let changed =
            prepare(self.0.conn, sql)?.execute(params![id.as_bytes(), now.as_millis()])?;
        Ok(changed > 0)
    }

    /// Makes all of a webhook's dead letters again, at most `limit`; how many.
    pub fn replay_dead(&self, webhook: WebhookId, now: Timestamp, limit: u32) -> Result<u64> {
        let sql = "UPDATE deliveries SET state = 'waiting', due_at = ?2, created_at = ?2,
                          attempts = 0, lease = NULL, lease_until = NULL
                   WHERE seq IN (SELECT seq FROM deliveries
                                 WHERE webhook = ?1 AND state = 'dead' ORDER BY seq LIMIT ?3)";
        let params = params![webhook.as_bytes(), now.as_millis(), limit];
        Ok(prepare(self.0.conn, sql)?.execute(params)? as u64)
    }

    /// Takes away a webhook's deliveries in this state, at most `limit`; how many.
    pub fn clear(&self, webhook: WebhookId, state: DeliveryState, limit: u32) -> Result<u64> {
        let sql = "DELETE FROM deliveries
                   WHERE seq IN (SELECT seq FROM deliveries
                                 WHERE webhook = ?1 AND state = ?2 ORDER BY seq LIMIT ?3)";
        let params = params![webhook.as_bytes(), state.as_str(), limit];
        Ok(prepare(self.0.conn, sql)?.execute(params)? as u64)
    }

    /// Forgets those made before `time` that are in this state, at most `limit`; how many.
    pub fn forget(&self, state: DeliveryState, time: Timestamp, limit: u32) -> Result<u64> {
        let sql = "DELETE FROM deliveries
                   WHERE seq IN (SELECT seq FROM deliveries
                                 WHERE state = ?1 AND state <> 'waiting' AND created_at < ?2
                                 LIMIT ?3)";
        let params = params![state.as_str(), time.as_millis(), limit];
        Ok(prepare(self.0.conn, sql)?.execute(params)? as u64)
    }
}

fn read(row: &Row<'_>) -> Result<(i64, Delivery)> {
    let tries: Option<String> = row.get(10)?;
    let tries = match tries {
        Some(_) => json(row, 10, "deliveries.tries")?,
        None => Vec::new(),
    };
    let delivery = Delivery {
        id: DeliveryId::from_bytes(id_bytes(row, 1, "deliveries.id")?),
        webhook: WebhookId::from_bytes(id_bytes(row, 2, "deliveries.webhook")?),
        session: SessionId::from_bytes(id_bytes(row, 3, "deliveries.session")?),
        event: EventId::from_bytes(id_bytes(row, 4, "deliveries.event")?),
        kind: row.get(5)?,
        created_at: Timestamp::from_millis(row.get(6)?),
        state: parsed(row, 7, "deliveries.state")?,
        due_at: Timestamp::from_millis(row.get(8)?),
        attempts: row.get(9)?,
        tries,
    };
    Ok((row.get(0)?, delivery))
}
