//! Places that events are sent to.

mod deliveries;

use rusqlite::{Row, params};
use warbler_domain::{Secret, SessionId, Timestamp, UserId, Webhook, WebhookId};

use crate::rows::{collect, first, id_bytes, id_bytes_opt, json, prepare, to_json};
use crate::{Error, Reader, Result, Writer};

pub use deliveries::{Claimed, Deliveries, DeliveriesMut, Outcome, StoredPayload};

const COLUMNS: &str = "id, owner, session, url, events, headers, form, secret, enabled,
                       disabled_reason, created_at, failing_since";

/// What a webhook has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Attempts that arrived.
    pub delivered: u64,
    /// Attempts that did not.
    pub failed: u64,
    /// When the last one arrived.
    pub last_delivered_at: Option<Timestamp>,
}

/// Reading half.
pub struct Webhooks<'a>(&'a Reader<'a>);

/// Writing half.
pub struct WebhooksMut<'a>(&'a Writer<'a>);

impl<'a> Reader<'a> {
    /// Places that events are sent to.
    pub fn webhooks(&'a self) -> Webhooks<'a> {
        Webhooks(self)
    }
}

impl<'a> Writer<'a> {
    /// Places that events are sent to, to change.
    pub fn webhooks_mut(&'a self) -> WebhooksMut<'a> {
        WebhooksMut(self)
    }
}

impl Webhooks<'_> {
    /// All of them, the oldest first.
    pub fn all(&self) -> Result<Vec<Webhook>> {
        let sql = format!("SELECT {COLUMNS} FROM webhooks ORDER BY id");
        collect(&mut prepare(self.0.conn, &sql)?, [], read)
    }

    /// One of them.
    pub fn get(&self, id: WebhookId) -> Result<Option<Webhook>> {
        let sql = format!("SELECT {COLUMNS} FROM webhooks WHERE id = ?1");
        first(
            &mut prepare(self.0.conn, &sql)?,
            params![id.as_bytes()],
            read,
        )
    }

    /// How many there are.
    pub fn count(&self) -> Result<u32> {
        let sql = "SELECT count(*) FROM webhooks";
        let count = first(&mut prepare(self.0.conn, sql)?, [], |row| Ok(row.get(0)?))?;
        Ok(count.unwrap_or(0))
    }

    /// The number of one: 1 for the first webhook of the host, never given twice.
    pub fn number(&self, id: WebhookId) -> Result<Option<i64>> {
        let sql = "SELECT number FROM webhook_numbers WHERE webhook = ?1";
        let params = params![id.as_bytes()];
        first(&mut prepare(self.0.conn, sql)?, params, |row| {
            Ok(row.get(0)?)
        })
    }

    /// The one with this number.
    pub fn numbered(&self, number: i64) -> Result<Option<WebhookId>> {
        let sql = "SELECT webhook FROM webhook_numbers WHERE number = ?1";
        first(&mut prepare(self.0.conn, sql)?, params![number], |row| {
            let id = id_bytes(row, 0, "webhook_numbers.webhook")?;
            Ok(WebhookId::from_bytes(id))
        })
    }

    /// What one has done since it was made.
    pub fn totals(&self, id: WebhookId) -> Result<Totals> {
        let sql = "SELECT delivered, failed, last_delivered_at FROM webhooks WHERE id = ?1";
        let found = first(
            &mut prepare(self.0.conn, sql)?,
            params![id.as_bytes()],
            |row| {
                let last: Option<i64> = row.get(2)?;
                Ok(Totals {
                    delivered: row.get::<_, i64>(0)?.unsigned_abs(),
                    failed: row.get::<_, i64>(1)?.unsigned_abs(),
                    last_delivered_at: last.map(Timestamp::from_millis),
                })
            },
        )?;
        Ok(found.unwrap_or_default())
    }
}

impl WebhooksMut<'_> {
    /// Puts one there, new or instead of the one with its id.
    pub fn put(&self, webhook: &Webhook) -> Result<()> {
        let sql = "INSERT INTO webhooks (id, owner, session, url, events, headers, form, secret,
                                         enabled, disabled_reason, created_at, failing_since)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
                   ON CONFLICT (id) DO UPDATE SET
                       owner = excluded.owner, session = excluded.session, url = excluded.url,
                       events = excluded.events, headers = excluded.headers,
                       form = excluded.form, secret = excluded.secret,
                       enabled = excluded.enabled, disabled_reason = excluded.disabled_reason,
                       failing_since = excluded.failing_since";
        let events: Vec<String> = webhook.events.iter().map(ToString::to_string).collect();
        let headers = webhook.headers.iter();
        let headers: Vec<(&str, &str)> = headers
            .map(|(name, value)| (name.as_str(), value.expose()))
            .collect();
        prepare(self.0.conn, sql)?.execute(params![
            webhook.id.as_bytes(),
            webhook.owner.as_ref().map(UserId::as_bytes),
            webhook.session.as_ref().map(SessionId::as_bytes),
            webhook.url,
            to_json(&events, "webhooks.events")?,
            to_json(&headers, "webhooks.headers")?,
            webhook.form,
            webhook.secret.expose(),
            webhook.enabled,
            webhook.disabled_reason,
            webhook.created_at.as_millis(),
            webhook.failing_since.map(Timestamp::as_millis),
        ])?;
        Ok(())
    }

    /// Counts attempts that have ended.
    pub fn count_attempts(&self, id: WebhookId, ended: &Totals) -> Result<()> {
        let sql = "UPDATE webhooks SET delivered = delivered + ?2, failed = failed + ?3,
                          last_delivered_at = coalesce(?4, last_delivered_at)
                   WHERE id = ?1";
        prepare(self.0.conn, sql)?.execute(params![
            id.as_bytes(),
            ended.delivered.cast_signed(),
            ended.failed.cast_signed(),
            ended.last_delivered_at.map(Timestamp::as_millis),
        ])?;
        Ok(())
    }

    /// Notes since when nothing arrives there, or that it does.
    pub fn set_failing(&self, id: WebhookId, since: Option<Timestamp>) -> Result<()> {
        let sql = "UPDATE webhooks SET failing_since = ?2 WHERE id = ?1";
        let since = since.map(Timestamp::as_millis);
        prepare(self.0.conn, sql)?.execute(params![id.as_bytes(), since])?;
        Ok(())
    }

    /// Takes one away, with everything that is on its way there; whether it was there.
    pub fn delete(&self, id: WebhookId) -> Result<bool> {
        let sql = "DELETE FROM deliveries WHERE webhook = ?1";
        prepare(self.0.conn, sql)?.execute(params![id.as_bytes()])?;
        let sql = "DELETE FROM webhooks WHERE id = ?1";
        Ok(prepare(self.0.conn, sql)?.execute(params![id.as_bytes()])? > 0)
    }
}

fn read(row: &Row<'_>) -> Result<Webhook> {
    let owner = id_bytes_opt(row, 1, "webhooks.owner")?;
    let session = id_bytes_opt(row, 2, "webhooks.session")?;
    let events: Vec<String> = json(row, 4, "webhooks.events")?;
    let events = events.iter().map(|pattern| pattern.parse());
    let headers: Vec<(String, String)> = json(row, 5, "webhooks.headers")?;
    let secret: String = row.get(7)?;
    let failing: Option<i64> = row.get(11)?;
    Ok(Webhook {
        id: WebhookId::from_bytes(id_bytes(row, 0, "webhooks.id")?),
        owner: owner.map(UserId::from_bytes),
        session: session.map(SessionId::from_bytes),
        url: row.get(3)?,
        events: events
            .collect::<Result<_, _>>()
            .map_err(|err| Error::corrupt("webhooks.events", err))?,
        headers: headers
            .into_iter()
            .map(|(name, value)| (name, Secret::new(value)))
            .collect(),
        form: row.get(6)?,
        secret: Secret::new(secret),
        enabled: row.get(8)?,
        disabled_reason: row.get(9)?,
        created_at: Timestamp::from_millis(row.get(10)?),
        failing_since: failing.map(Timestamp::from_millis),
    })
}
