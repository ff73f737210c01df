//! Campaigns.
//!
//! A campaign's recipients are rows of their own ([`recipients`]) in a list ([`lists`]) that is whole
//! before the campaign is there, and never added to: while the campaign is open another list can
//! take its place. What moves many of them on at once is a turn ([`turns`]).

mod lists;
mod recipients;
mod turns;

use rusqlite::{Row, params};
use warbler_domain::campaign::{
    Campaign, CampaignCounts, CampaignKind, CampaignState, Progress, RecipientState,
};
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::{CampaignId, SessionId, Timestamp, UserId};

use crate::outbox::Lease;
use crate::rows::{
    collect, first, id_bytes, id_bytes_opt, json, parsed, parsed_opt, prepare, to_json,
};
use crate::{Error, Reader, Result, Writer};

pub use lists::ListId;
pub use recipients::{NewRecipient, Settled};
pub use turns::Turn;

/// Reading half.
pub struct Campaigns<'a>(&'a Reader<'a>);

/// Writing half.
pub struct CampaignsMut<'a>(&'a Writer<'a>);

impl<'a> Reader<'a> {
    /// Campaigns.
    pub fn campaigns(&'a self) -> Campaigns<'a> {
        Campaigns(self)
    }
}

impl<'a> Writer<'a> {
    /// Campaigns, to change.
    pub fn campaigns_mut(&'a self) -> CampaignsMut<'a> {
        CampaignsMut(self)
    }
}

const COLUMNS: &str =
    "seq, id, kind, owner, name, state, reason, sessions, content, writer, columns,
    rules, start_at, run, made_by, created_at, started_at, ended_at";

impl Campaigns<'_> {
    /// One of them.
    pub fn get(&self, id: CampaignId) -> Result<Option<Campaign>> {
        let sql = format!("SELECT {COLUMNS} FROM campaigns WHERE id = ?1");
        let found = first(&mut prepare(self.0.conn, &sql)?, [id.as_bytes()], read)?;
        Ok(found.map(|(_, campaign)| campaign))
    }

    /// A page of those of a kind for which `seen` holds, newest first.
    pub fn list(
        &self,
        kind: CampaignKind,
        state: Option<CampaignState>,
        seen: impl Fn(&Campaign) -> bool,
        page: PageRequest,
    ) -> Result<Page<Campaign>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM campaigns
             WHERE seq < ?1 AND kind = ?2 AND (?3 IS NULL OR state = ?3) ORDER BY seq DESC"
        );
        let before = page.after().map_or(i64::MAX, |cursor| cursor.0);
        let state = state.map(CampaignState::as_str);
        let mut statement = prepare(self.0.conn, &sql)?;
        let mut rows = statement.query(params![before, kind.as_str(), state])?;
        let mut found = Vec::new();
        while found.len() <= page.limit() as usize
            && let Some(row) = rows.next()?
        {
            let (seq, campaign) = read(row)?;
            if seen(&campaign) {
                found.push((seq, campaign));
            }
        }
        Ok(Page::of_rows(found, page.limit()))
    }

    /// How many there are that are not over.
    pub fn open(&self) -> Result<u64> {
        let sql = "SELECT count(*) FROM campaigns
                   WHERE state IN ('draft', 'scheduled', 'running', 'paused')";
        let count = first(&mut prepare(self.0.conn, sql)?, [], |row| {
            Ok(row.get::<_, i64>(0)?.unsigned_abs())
        })?;
        Ok(count.unwrap_or(0))
    }

    /// Those that run, those whose time has come, and those with recipients that a step is still to
    /// move on; the oldest first.
    pub fn at_work(&self, now: Timestamp) -> Result<Vec<Campaign>> {
        // One after the other, as each has an index.
        let sql = format!(
            "SELECT {COLUMNS} FROM campaigns
             WHERE state = 'running' OR (state = 'scheduled' AND start_at <= ?1)
             UNION SELECT {COLUMNS} FROM campaigns WHERE turn IS NOT NULL ORDER BY seq"
        );
        let rows = collect(&mut prepare(self.0.conn, &sql)?, [now.as_millis()], read)?;
        Ok(rows.into_iter().map(|(_, campaign)| campaign).collect())
    }

    /// When the next one starts by itself.
    pub fn next_start(&self) -> Result<Option<Timestamp>> {
        let sql = "SELECT min(start_at) FROM campaigns WHERE state = 'scheduled'";
        let next = first(&mut prepare(self.0.conn, sql)?, [], |row| {
            Ok(row.get::<_, Option<i64>>(0)?)
        })?;
        Ok(next.flatten().map(Timestamp::from_millis))
    }

    /// How many of its recipients are how far.
    pub fn counts(&self, id: CampaignId) -> Result<CampaignCounts> {
        if !self.is_turning(id)? {
            return self.counts_stored(id);
        }
        self.at_once(|| {
            let mut counts = self.counts_stored(id)?;
            if let Some(turning) = self.turning(id)? {
                self.count_turned(id, turning, &mut counts)?;
            }
            Ok(counts)
        })
    }

    fn counts_stored(&self, id: CampaignId) -> Result<CampaignCounts> {
        let sql = "SELECT state, count(*) FROM campaign_recipients
                   WHERE campaign = (SELECT list FROM campaigns WHERE id = ?1) GROUP BY state";
        let mut counts = CampaignCounts::default();
        let rows = collect(&mut prepare(self.0.conn, sql)?, [id.as_bytes()], |row| {
            let state: RecipientState = parsed(row, 0, "campaign_recipients.state")?;
            Ok((state, row.get::<_, i64>(1)?.unsigned_abs()))
        })?;
        for (state, count) in rows {
            *counts.of_mut(state) = count;
        }
        Ok(counts)
    }

    /// Where it stands and how far it is.
    pub fn progress(&self, id: CampaignId) -> Result<Option<Progress>> {
        let Some(campaign) = self.get(id)? else {
            return Ok(None);
        };
        Ok(Some(Progress {
            id,
            name: campaign.name,
            state: campaign.state,
            reason: campaign.reason,
            counts: self.counts(id)?,
        }))
    }
}

impl CampaignsMut<'_> {
    /// Adds one that has the recipients of a list; `false` when the list was swept up in the
    /// meantime, and what is added is to be undone.
    pub fn insert(&self, campaign: &Campaign, list: ListId) -> Result<bool> {
        let sql = "INSERT INTO campaigns (id, kind, owner, name, state, reason, sessions, content, writer,
                                          columns, rules, start_at, run, made_by, created_at,
                                          started_at, ended_at)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";
        prepare(self.0.conn, sql)?.execute(params![
            campaign.id.as_bytes(),
            campaign.kind.as_str(),
            campaign.owner.as_ref().map(UserId::as_bytes),
            campaign.name,
            campaign.state.as_str(),
            campaign.reason,
            to_json(&campaign.sessions, "campaigns.sessions")?,
            to_json(&campaign.content, "campaigns.content")?,
            campaign.writer.as_ref().map(ToString::to_string),
            to_json(&campaign.columns, "campaigns.columns")?,
            to_json(&campaign.rules, "campaigns.rules")?,
            campaign.start_at.map(Timestamp::as_millis),
            campaign.run,
            campaign.made_by,
            campaign.created_at.as_millis(),
            campaign.started_at.map(Timestamp::as_millis),
            campaign.ended_at.map(Timestamp::as_millis),
        ])?;
        self.keep_media(campaign)?;
        self.take_list(campaign.id, list)
    }

    /// Writes what has changed about one, but for its recipients.
    pub fn update(&self, campaign: &Campaign) -> Result<()> {
        let sql =
            "UPDATE campaigns SET name = ?2, state = ?3, reason = ?4, sessions = ?5, content = ?6,
                          writer = ?7, columns = ?8, rules = ?9, start_at = ?10, run = ?11,
                          started_at = ?12, ended_at = ?13
                   WHERE id = ?1";
        prepare(self.0.conn, sql)?.execute(params![
            campaign.id.as_bytes(),
            campaign.name,
            campaign.state.as_str(),
            campaign.reason,
            to_json(&campaign.sessions, "campaigns.sessions")?,
            to_json(&campaign.content, "campaigns.content")?,
            campaign.writer.as_ref().map(ToString::to_string),
            to_json(&campaign.columns, "campaigns.columns")?,
            to_json(&campaign.rules, "campaigns.rules")?,
            campaign.start_at.map(Timestamp::as_millis),
            campaign.run,
            campaign.started_at.map(Timestamp::as_millis),
            campaign.ended_at.map(Timestamp::as_millis),
        ])?;
        self.keep_media(campaign)
    }

    /// What a campaign that is over or gone needed is needed no more.
    fn keep_media(&self, campaign: &Campaign) -> Result<()> {
        let keeper = campaign.id.as_bytes();
        self.0.media_mut().let_go(keeper)?;
        let mut needed = campaign.content.stored();
        needed.try_for_each(|digest| self.0.media_mut().keep_for(&digest, keeper))
    }

    /// Takes one away, and leaves its recipients to be swept up; the messages stay. Whether it was
    /// there.
    pub fn delete(&self, id: CampaignId) -> Result<bool> {
        self.let_go_of_list(id)?;
        self.0.media_mut().let_go(id.as_bytes())?;
        let sql = "DELETE FROM campaigns WHERE id = ?1";
        Ok(prepare(self.0.conn, sql)?.execute([id.as_bytes()])? > 0)
    }

    /// Takes or keeps the hold on a campaign at work; `false` while another host has it.
    pub fn lease(&self, id: CampaignId, lease: &Lease) -> Result<bool> {
        let sql = "UPDATE campaigns SET lease = ?2, lease_until = ?3
                   WHERE id = ?1 AND (lease IS NULL OR lease = ?2 OR lease_until <= ?4)";
        let params = params![
            id.as_bytes(),
            lease.owner,
            lease.until.as_millis(),
            lease.now.as_millis()
        ];
        Ok(prepare(self.0.conn, sql)?.execute(params)? > 0)
    }
}

fn read(row: &Row<'_>) -> Result<(i64, Campaign)> {
    let kind: String = row.get(2)?;
    let time = |column: usize| -> Result<Option<Timestamp>> {
        let millis: Option<i64> = row.get(column)?;
        Ok(millis.map(Timestamp::from_millis))
    };
    let campaign = Campaign {
        id: CampaignId::from_bytes(id_bytes(row, 1, "campaigns.id")?),
        kind: CampaignKind::parse(&kind).ok_or_else(|| Error::corrupt("campaigns.kind", &kind))?,
        owner: id_bytes_opt(row, 3, "campaigns.owner")?.map(UserId::from_bytes),
        name: row.get(4)?,
        state: parsed(row, 5, "campaigns.state")?,
        reason: row.get(6)?,
        sessions: json::<Vec<SessionId>>(row, 7, "campaigns.sessions")?,
        content: json(row, 8, "campaigns.content")?,
        writer: parsed_opt(row, 9, "campaigns.writer")?,
        columns: json(row, 10, "campaigns.columns")?,
        rules: json(row, 11, "campaigns.rules")?,
        start_at: time(12)?,
        run: row.get(13)?,
        made_by: row.get(14)?,
        created_at: Timestamp::from_millis(row.get(15)?),
        started_at: time(16)?,
        ended_at: time(17)?,
    };
    Ok((row.get(0)?, campaign))
}
