//! Lists of recipients: written a part at a time, so that no write holds others up for long, and
//! taken by a campaign when they are whole.
//!
//! Invariant: a campaign has a whole list. One that is never taken, since its host crashed or its
//! campaign was refused, is swept up when its time is over, and so is one that was let go.

use rusqlite::params;
use warbler_domain::campaign::CampaignRecipient;
use warbler_domain::{CampaignId, Timestamp};

use super::recipients::{COLUMNS, NewRecipient, read};
use super::{Campaigns, CampaignsMut};
use crate::Result;
use crate::rows::{collect, first, prepare, to_json};

/// A list of recipients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListId(i64);

impl Campaigns<'_> {
    /// The list a campaign has.
    pub fn list_of(&self, id: CampaignId) -> Result<Option<ListId>> {
        let sql = "SELECT list FROM campaigns WHERE id = ?1";
        let found = first(&mut prepare(self.0.conn, sql)?, [id.as_bytes()], |row| {
            Ok(row.get(0)?)
        })?;
        Ok(found.map(ListId))
    }

    /// Up to `limit` recipients of a list behind the place `after`, in their order.
    pub fn of_list(&self, list: ListId, after: u32, limit: u32) -> Result<Vec<CampaignRecipient>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM campaign_recipients
             WHERE campaign = ?1 AND place > ?2 ORDER BY place LIMIT ?3"
        );
        let params = params![list.0, after, limit];
        collect(&mut prepare(self.0.conn, &sql)?, params, read)
    }
}

impl CampaignsMut<'_> {
    /// Begins a list, which is kept until then for who writes it.
    pub fn begin_list(&self, until: Timestamp) -> Result<ListId> {
        let sql = "INSERT INTO recipient_lists (until) VALUES (?1)";
        prepare(self.0.conn, sql)?.execute([until.as_millis()])?;
        Ok(ListId(self.0.conn.last_insert_rowid()))
    }

    /// Adds recipients to a list behind the place `after`, and keeps it until then; `false` when it
    /// was swept up in the meantime.
    pub fn extend_list(
        &self,
        list: ListId,
        after: u32,
        recipients: &[NewRecipient],
        until: Timestamp,
    ) -> Result<bool> {
        let sql = "UPDATE recipient_lists SET until = ?2 WHERE id = ?1 AND campaign IS NULL";
        if prepare(self.0.conn, sql)?.execute(params![list.0, until.as_millis()])? == 0 {
            return Ok(false);
        }
        let sql = "INSERT INTO campaign_recipients (campaign, place, jid, name, fields, whatsapp_id, state)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'planned')";
        let mut statement = prepare(self.0.conn, sql)?;
        for (place, one) in (after.saturating_add(1)..).zip(recipients) {
            let fields = (!one.fields.is_empty())
                .then(|| to_json(&one.fields, "campaign_recipients.fields"))
                .transpose()?;
            statement.execute(params![
                list.0,
                place,
                one.to.to_string(),
                one.name,
                fields,
                one.whatsapp_id.as_str(),
            ])?;
        }
        Ok(true)
    }

    /// Gives a campaign a whole list in place of the one it has; `false` when the list was swept up
    /// in the meantime.
    pub fn take_list(&self, id: CampaignId, list: ListId) -> Result<bool> {
        let sql = "UPDATE recipient_lists SET campaign = ?2 WHERE id = ?1 AND campaign IS NULL";
        if prepare(self.0.conn, sql)?.execute(params![list.0, id.as_bytes()])? == 0 {
            return Ok(false);
        }
        self.let_go_of_list(id)?;
        let sql = "UPDATE campaigns SET list = ?2 WHERE id = ?1";
        Ok(prepare(self.0.conn, sql)?.execute(params![id.as_bytes(), list.0])? > 0)
    }

    /// Leaves the list of a campaign to be swept up.
    pub(super) fn let_go_of_list(&self, id: CampaignId) -> Result<()> {
        let sql = "UPDATE recipient_lists SET campaign = NULL, until = 0
                   WHERE id = (SELECT list FROM campaigns WHERE id = ?1)";
        prepare(self.0.conn, sql)?.execute([id.as_bytes()])?;
        Ok(())
    }

    /// Leaves a list that nobody has taken to be swept up.
    pub fn drop_list(&self, list: ListId) -> Result<()> {
        let sql = "UPDATE recipient_lists SET until = 0 WHERE id = ?1 AND campaign IS NULL";
        prepare(self.0.conn, sql)?.execute([list.0])?;
        Ok(())
    }

    /// Removes at most `limit` recipients of lists that nobody has and whose time is over; how many
    /// there were.
    pub fn sweep_lists(&self, now: Timestamp, limit: u32) -> Result<u64> {
        let oldest = "SELECT id FROM recipient_lists WHERE campaign IS NULL AND until <= ?1
                      ORDER BY until LIMIT 1";
        let mut oldest = prepare(self.0.conn, oldest)?;
        let limit = u64::from(limit);
        let mut gone = 0;
        while gone < limit {
            let next = first(&mut oldest, [now.as_millis()], |row| {
                Ok(row.get::<_, i64>(0)?)
            })?;
            let Some(list) = next else { break };
            let left = limit - gone;
            let sql = "DELETE FROM campaign_recipients WHERE campaign = ?1 AND place IN (
                           SELECT place FROM campaign_recipients WHERE campaign = ?1 LIMIT ?2)";
            let removed = prepare(self.0.conn, sql)?.execute(params![list, left as i64])? as u64;
            gone += removed;
            if removed < left {
                let sql = "DELETE FROM recipient_lists WHERE id = ?1";
                prepare(self.0.conn, sql)?.execute([list])?;
            }
        }
        Ok(gone)
    }
}
