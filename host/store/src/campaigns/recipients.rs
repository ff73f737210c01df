//! The recipients of campaigns.
//!
//! Invariant: a recipient leaves `planned` in the transaction that puts its message into the outbox,
//! or that says why there is none. From then on its state follows the message's.

use std::sync::Arc;

use rusqlite::{Row, params};
use warbler_domain::campaign::{CampaignRecipient, RecipientState};
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::{CampaignId, Jid, MessageId, MessageStatus, SessionId, Timestamp, WhatsAppId};

use super::turns::Turning;
use super::{Campaigns, CampaignsMut};
use crate::rows::{collect, first, id_bytes_opt, parsed, prepare};
use crate::{Error, Result};

/// A recipient to be frozen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecipient {
    /// To whom.
    pub to: Jid,
    /// What the recipient is called.
    pub name: Option<String>,
    /// What else is known: names, shared by all recipients, and values.
    pub fields: Vec<(Arc<str>, String)>,
    /// The id the message will have on the wire.
    pub whatsapp_id: WhatsAppId,
}

/// Why a recipient is not sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// What it is now.
    pub state: RecipientState,
    /// Why, in a stable word.
    pub code: String,
    /// The same in a sentence.
    pub error: String,
}

pub(super) const COLUMNS: &str =
    "place, jid, name, fields, whatsapp_id, state, session, message, queued_at,
    sent_at, code, error";
/// The campaign `?1`, as its recipients name it.
const CAMPAIGN: &str = "campaign = (SELECT list FROM campaigns WHERE id = ?1)";

impl Campaigns<'_> {
    /// A page of a campaign's recipients, in their order.
    pub fn recipients(
        &self,
        id: CampaignId,
        state: Option<RecipientState>,
        page: PageRequest,
    ) -> Result<Page<CampaignRecipient>> {
        match self.is_turning(id)? {
            true => self.at_once(|| self.page(id, state, page, self.turning(id)?)),
            false => self.page(id, state, page, None),
        }
    }

    fn page(
        &self,
        id: CampaignId,
        state: Option<RecipientState>,
        page: PageRequest,
        turning: Option<Turning>,
    ) -> Result<Page<CampaignRecipient>> {
        let condition = match (state, turning) {
            (Some(state), Some(turning)) => turning.condition(state),
            (Some(state), None) => format!("state = '{}'", state.as_str()),
            (None, _) => "true".to_owned(),
        };
        let sql = format!(
            "SELECT {COLUMNS} FROM campaign_recipients
             WHERE {CAMPAIGN} AND {condition} AND place > ?2 ORDER BY place LIMIT ?3"
        );
        let after = page.after().map_or(0, |cursor| cursor.0);
        let params = params![id.as_bytes(), after, page.limit() + 1];
        let mut rows = collect(&mut prepare(self.0.conn, &sql)?, params, read)?;
        if let Some(turning) = turning {
            rows.iter_mut().for_each(|one| turning.show(one));
        }
        let rows = rows.into_iter().map(|one| (i64::from(one.place), one));
        Ok(Page::of_rows(rows.collect(), page.limit()))
    }

    /// Up to `limit` recipients in this state, in their order, as they are stored: of a campaign that
    /// is turning, those that are not moved on yet are in the state they had.
    pub fn in_state(
        &self,
        id: CampaignId,
        state: RecipientState,
        limit: u32,
    ) -> Result<Vec<CampaignRecipient>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM campaign_recipients
             WHERE {CAMPAIGN} AND state = ?2 ORDER BY place LIMIT ?3"
        );
        let params = params![id.as_bytes(), state.as_str(), limit];
        collect(&mut prepare(self.0.conn, &sql)?, params, read)
    }

    /// Which of the first `limit` planned recipients have a number that was not looked up yet.
    pub fn unchecked(&self, id: CampaignId, limit: u32) -> Result<Vec<(u32, Jid)>> {
        let sql = format!(
            "SELECT place, jid FROM (
                 SELECT place, jid, checked FROM campaign_recipients
                 WHERE {CAMPAIGN} AND state = 'planned' ORDER BY place LIMIT ?2)
             WHERE checked = 0"
        );
        let params = params![id.as_bytes(), limit];
        collect(&mut prepare(self.0.conn, &sql)?, params, |row| {
            Ok((row.get(0)?, parsed(row, 1, "campaign_recipients.jid")?))
        })
    }

    /// How many messages were put into the outbox behind `since`.
    pub fn queued_since(&self, id: CampaignId, since: Timestamp) -> Result<u32> {
        let sql =
            format!("SELECT count(*) FROM campaign_recipients WHERE {CAMPAIGN} AND queued_at > ?2");
        let params = params![id.as_bytes(), since.as_millis()];
        let count = first(&mut prepare(self.0.conn, &sql)?, params, |row| {
            Ok(row.get(0)?)
        })?;
        Ok(count.unwrap_or(0))
    }

    /// When the last message of each session was put into the outbox, of those behind `since`.
    pub fn last_queued(
        &self,
        id: CampaignId,
        since: Timestamp,
    ) -> Result<Vec<(SessionId, Timestamp)>> {
        let sql = format!(
            "SELECT session, max(queued_at) FROM campaign_recipients
             WHERE {CAMPAIGN} AND queued_at > ?2 AND session IS NOT NULL GROUP BY session"
        );
        let params = params![id.as_bytes(), since.as_millis()];
        collect(&mut prepare(self.0.conn, &sql)?, params, |row| {
            let session: [u8; 16] = row.get(0)?;
            let at: i64 = row.get(1)?;
            Ok((SessionId::from_bytes(session), Timestamp::from_millis(at)))
        })
    }

    /// How many rows a session has in its outbox, looking at `most` of them at most, and how many of
    /// those are due.
    pub fn in_outbox(&self, session: SessionId, now: Timestamp, most: u32) -> Result<(u32, u32)> {
        let sql = "SELECT count(*), coalesce(sum(due), 0) FROM (
                       SELECT o.due_at <= ?2 AS due FROM outbox o
                       WHERE o.session = ?1 AND o.dead = 0 AND o.scheduled = 0 LIMIT ?3)";
        let params = params![session.as_bytes(), now.as_millis(), most];
        let found = first(&mut prepare(self.0.conn, sql)?, params, |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        Ok(found.unwrap_or((0, 0)))
    }

    /// How many recipients of a campaign are in the outbox of a session.
    pub fn queued_in(&self, id: CampaignId, session: SessionId) -> Result<u32> {
        let sql = format!(
            "SELECT count(*) FROM campaign_recipients
             WHERE {CAMPAIGN} AND state = 'queued' AND session = ?2"
        );
        let params = params![id.as_bytes(), session.as_bytes()];
        let count = first(&mut prepare(self.0.conn, &sql)?, params, |row| {
            Ok(row.get(0)?)
        })?;
        Ok(count.unwrap_or(0))
    }

    /// Whether anybody is left to be dealt with.
    pub fn is_open(&self, id: CampaignId) -> Result<bool> {
        match self.turning(id)? {
            None => self.has(id, "state IN ('planned', 'queued')"),
            Some(turning) => {
                let planned = turning.condition(RecipientState::Planned);
                self.has(id, &format!("({planned} OR state = 'queued')"))
            }
        }
    }

    /// Whether a session has written to somebody for a campaign.
    pub fn has_written_to(&self, session: SessionId, jid: &Jid) -> Result<bool> {
        let sql = "SELECT 1 FROM campaign_recipients WHERE session = ?1 AND jid = ?2 LIMIT 1";
        let params = params![session.as_bytes(), jid.to_string()];
        Ok(first(&mut prepare(self.0.conn, sql)?, params, |_| Ok(()))?.is_some())
    }
}

impl CampaignsMut<'_> {
    /// Notes that a recipient's number was looked up, and the address it belongs to.
    pub fn note_checked(&self, id: CampaignId, place: u32, jid: Option<&Jid>) -> Result<()> {
        let sql = format!(
            "UPDATE campaign_recipients SET checked = 1, jid = coalesce(?3, jid)
             WHERE {CAMPAIGN} AND place = ?2"
        );
        let jid = jid.map(ToString::to_string);
        prepare(self.0.conn, &sql)?.execute(params![id.as_bytes(), place, jid])?;
        Ok(())
    }

    /// Notes that a planned recipient's message is in the outbox now; `false` when the recipient
    /// was not planned any more.
    pub fn queue(
        &self,
        id: CampaignId,
        place: u32,
        session: SessionId,
        message: MessageId,
        now: Timestamp,
    ) -> Result<bool> {
        let sql = format!(
            "UPDATE campaign_recipients
             SET state = 'queued', session = ?3, message = ?4, queued_at = ?5, code = NULL, error = NULL
             WHERE {CAMPAIGN} AND place = ?2 AND state = 'planned'"
        );
        let params = params![
            id.as_bytes(),
            place,
            session.as_bytes(),
            message.as_bytes(),
            now.as_millis()
        ];
        Ok(prepare(self.0.conn, &sql)?.execute(params)? > 0)
    }

    /// Notes why a planned recipient is not sent to.
    pub fn settle(&self, id: CampaignId, place: u32, settled: &Settled) -> Result<()> {
        let sql = format!(
            "UPDATE campaign_recipients SET state = ?3, code = ?4, error = ?5
             WHERE {CAMPAIGN} AND place = ?2 AND state = 'planned'"
        );
        let params = params![
            id.as_bytes(),
            place,
            settled.state.as_str(),
            settled.code,
            settled.error
        ];
        prepare(self.0.conn, &sql)?.execute(params)?;
        Ok(())
    }

    /// Lets a recipient whose message was taken out of the outbox before anybody tried to send it
    /// be planned again, under another network id.
    pub fn plan_again(&self, id: CampaignId, place: u32, whatsapp_id: &WhatsAppId) -> Result<()> {
        let sql = format!(
            "UPDATE campaign_recipients
             SET state = 'planned', session = NULL, message = NULL, queued_at = NULL,
                 whatsapp_id = ?3, code = NULL, error = NULL
             WHERE {CAMPAIGN} AND place = ?2"
        );
        let params = params![id.as_bytes(), place, whatsapp_id.as_str()];
        prepare(self.0.conn, &sql)?.execute(params)?;
        Ok(())
    }

    /// A message has come as far as `status`: its recipient has, too, if it is of a campaign.
    pub(crate) fn follow(
        &self,
        message: MessageId,
        status: MessageStatus,
        error: Option<&str>,
    ) -> Result<()> {
        let sql = "UPDATE campaign_recipients
                   SET state = ?2, error = ?3, code = NULL WHERE message = ?1";
        let state = RecipientState::of(status).as_str();
        prepare(self.0.conn, sql)?.execute(params![message.as_bytes(), state, error])?;
        Ok(())
    }

    /// Notes when the network took a message over.
    pub fn note_sent(&self, message: MessageId, now: Timestamp) -> Result<()> {
        let sql = "UPDATE campaign_recipients SET sent_at = ?2 WHERE message = ?1";
        prepare(self.0.conn, sql)?.execute(params![message.as_bytes(), now.as_millis()])?;
        Ok(())
    }

    /// Notes why a message was given up.
    pub(crate) fn note_code(&self, message: MessageId, code: &str) -> Result<()> {
        let sql = "UPDATE campaign_recipients SET code = ?2 WHERE message = ?1";
        prepare(self.0.conn, sql)?.execute(params![message.as_bytes(), code])?;
        Ok(())
    }
}

pub(super) fn read(row: &Row<'_>) -> Result<CampaignRecipient> {
    let time = |column: usize| -> Result<Option<Timestamp>> {
        let millis: Option<i64> = row.get(column)?;
        Ok(millis.map(Timestamp::from_millis))
    };
    let fields: Option<String> = row.get(3)?;
    let fields = fields.map(|text| serde_json::from_str(&text));
    let fields = fields
        .transpose()
        .map_err(|err| Error::corrupt("campaign_recipients.fields", err))?;
    Ok(CampaignRecipient {
        place: row.get(0)?,
        to: parsed(row, 1, "campaign_recipients.jid")?,
        name: row.get(2)?,
        fields: fields.unwrap_or_default(),
        whatsapp_id: parsed(row, 4, "campaign_recipients.whatsapp_id")?,
        state: parsed(row, 5, "campaign_recipients.state")?,
        session: id_bytes_opt(row, 6, "campaign_recipients.session")?.map(SessionId::from_bytes),
        message: id_bytes_opt(row, 7, "campaign_recipients.message")?.map(MessageId::from_bytes),
        queued_at: time(8)?,
        sent_at: time(9)?,
        code: row.get(10)?,
        error: row.get(11)?,
    })
}
