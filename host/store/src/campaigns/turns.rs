//! Steps that move many recipients on: taken at once, and carried out a part at a time, so that no
//! write holds others up for long.
//!
//! Invariant: whoever reads a campaign's recipients sees them as they are when the step is carried
//! out; `counts`, `recipients` and `is_open` ask here. A crash in the middle leaves the rest to be
//! moved on later.

use rusqlite::{Connection, params};
use warbler_domain::CampaignId;
use warbler_domain::campaign::{CampaignCounts, CampaignRecipient, RecipientState};

use super::{Campaigns, CampaignsMut};
use crate::rows::{first, prepare};
use crate::{Error, Result};

/// What becomes of many recipients at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Those that are planned are left out.
    Cancel,
    /// Those for whom it failed are planned again; each keeps its message, if it has one.
    Retry,
}

impl Turn {
    fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Retry => "retry",
        }
    }

    /// Whom it moves on, and what they are then.
    fn states(self) -> (RecipientState, RecipientState) {
        match self {
            Self::Cancel => (RecipientState::Planned, RecipientState::Cancelled),
            Self::Retry => (RecipientState::Failed, RecipientState::Planned),
        }
    }
}

/// A turn that is not carried out whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turning {
    turn: Turn,
    /// Up to this place it is.
    turned: u32,
}

impl Turning {
    /// A recipient as it is when the turn is carried out.
    pub(super) fn show(self, one: &mut CampaignRecipient) {
        let (from, to) = self.turn.states();
        if one.state == from && one.place > self.turned {
            one.state = to;
            one.code = None;
            one.error = None;
        }
    }

    /// The condition under which a recipient is in this state when the turn is carried out.
    pub(super) fn condition(self, state: RecipientState) -> String {
        let (from, to) = self.turn.states();
        let moved = format!("(state = '{}' AND place > {})", from.as_str(), self.turned);
        let word = state.as_str();
        if state == to {
            format!("(state = '{word}' OR {moved})")
        } else if state == from {
            format!("(state = '{word}' AND NOT {moved})")
        } else {
            format!("state = '{word}'")
        }
    }
}

/// While it lives, a connection sees the database as it was at one moment.
struct Moment<'c>(&'c Connection);

impl Drop for Moment<'_> {
    fn drop(&mut self) {
        // It fails when the file does, which whoever reads next is told.
        drop(self.0.execute_batch("RELEASE at_once"));
    }
}

impl Campaigns<'_> {
    /// The turn of a campaign that is not carried out whole.
    pub(super) fn turning(&self, id: CampaignId) -> Result<Option<Turning>> {
        let sql = "SELECT turn, turned FROM campaigns WHERE id = ?1 AND turn IS NOT NULL";
        let found = first(&mut prepare(self.0.conn, sql)?, [id.as_bytes()], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, u32>(1)?))
        })?;
        let Some((word, turned)) = found else {
            return Ok(None);
        };
        let turns = [Turn::Cancel, Turn::Retry];
        let turn = turns.into_iter().find(|turn| turn.as_str() == word);
        let turn = turn.ok_or_else(|| Error::corrupt("campaigns.turn", &word))?;
        Ok(Some(Turning { turn, turned }))
    }

    /// Looks at several things as they are at one moment, while others write.
    pub(super) fn at_once<T>(&self, look: impl FnOnce() -> Result<T>) -> Result<T> {
        // A savepoint is a part of the transaction around it, or one of its own.
        self.0.conn.execute_batch("SAVEPOINT at_once")?;
        let _moment = Moment(self.0.conn);
        look()
    }

    /// Whether there are recipients that a step is still to move on.
    pub fn is_turning(&self, id: CampaignId) -> Result<bool> {
        Ok(self.turning(id)?.is_some())
    }

    /// Whether it failed for anybody.
    pub fn has_failed(&self, id: CampaignId) -> Result<bool> {
        self.has(id, "state = 'failed'")
    }

    /// Counts as they are when a turn is carried out.
    pub(super) fn count_turned(
        &self,
        id: CampaignId,
        turning: Turning,
        counts: &mut CampaignCounts,
    ) -> Result<()> {
        let (from, to) = turning.turn.states();
        let sql = "SELECT count(*) FROM campaign_recipients
                   WHERE campaign = (SELECT list FROM campaigns WHERE id = ?1)
                     AND state = ?2 AND place > ?3";
        let params = params![id.as_bytes(), from.as_str(), turning.turned];
        let moved = first(&mut prepare(self.0.conn, sql)?, params, |row| {
            Ok(row.get::<_, i64>(0)?.unsigned_abs())
        })?;
        let moved = moved.unwrap_or(0);
        *counts.of_mut(from) = counts.of_mut(from).saturating_sub(moved);
        *counts.of_mut(to) += moved;
        Ok(())
    }

    /// Whether a campaign has a recipient for whom `condition` holds.
    pub(super) fn has(&self, id: CampaignId, condition: &str) -> Result<bool> {
        let sql = format!(
            "SELECT 1 FROM campaign_recipients
             WHERE campaign = (SELECT list FROM campaigns WHERE id = ?1) AND {condition} LIMIT 1"
        );
        let own = [id.as_bytes()];
        let found = first(&mut prepare(self.0.conn, &sql)?, own, |_| Ok(()))?;
        Ok(found.is_some())
    }
}

impl CampaignsMut<'_> {
    /// Lets a campaign's recipients take a turn, which [`carry_out`](Self::carry_out) does then. One
    /// that is not carried out whole stays where it is.
    pub fn take_turn(&self, id: CampaignId, turn: Turn) -> Result<()> {
        let sql = "UPDATE campaigns SET turn = ?2, turned = 0 WHERE id = ?1";
        prepare(self.0.conn, sql)?.execute(params![id.as_bytes(), turn.as_str()])?;
        Ok(())
    }

    /// Moves at most `limit` recipients on; whether there may be more.
    pub fn carry_out(&self, id: CampaignId, limit: u32) -> Result<bool> {
        let Some(Turning { turn, turned }) = self.0.campaigns().turning(id)? else {
            return Ok(false);
        };
        let (from, to) = turn.states();
        let next = "SELECT count(*), max(place) FROM (
                        SELECT place FROM campaign_recipients
                        WHERE campaign = (SELECT list FROM campaigns WHERE id = ?1)
                          AND state = ?2 AND place > ?3 ORDER BY place LIMIT ?4)";
        let params = params![id.as_bytes(), from.as_str(), turned, limit];
        let found = first(&mut prepare(self.0.conn, next)?, params, |row| {
            Ok((row.get::<_, u32>(0)?, row.get::<_, Option<u32>>(1)?))
        })?;
        let (count, last) = found.unwrap_or((0, None));
        let last = last.unwrap_or(turned);
        let sql = "UPDATE campaign_recipients SET state = ?3, code = NULL, error = NULL
                   WHERE campaign = (SELECT list FROM campaigns WHERE id = ?1)
                     AND state = ?2 AND place > ?4 AND place <= ?5";
        let params = params![id.as_bytes(), from.as_str(), to.as_str(), turned, last];
        prepare(self.0.conn, sql)?.execute(params)?;
        let more = count >= limit;
        let sql =
            "UPDATE campaigns SET turn = CASE WHEN ?2 THEN turn END, turned = ?3 WHERE id = ?1";
        prepare(self.0.conn, sql)?.execute(params![id.as_bytes(), more, last])?;
        Ok(more)
    }
}
