//! Messages for later.
//!
//! Invariant: a run is dealt with once. Its row, the message's outbox row and the time of the next
//! run are one transaction, which does nothing when the schedule's next run is another by then.

use rusqlite::{Row, params};
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::schedule::{Missed, Schedule, ScheduleRun, ScheduleState};
use warbler_domain::{MessageId, ScheduleId, SessionId, Timestamp, UserId};

use crate::rows::{collect, first, id_bytes, id_bytes_opt, json, parsed, prepare, to_json};
use crate::{Error, Reader, Result, Writer};

/// Reading half.
pub struct Schedules<'a>(&'a Reader<'a>);

/// Writing half.
pub struct SchedulesMut<'a>(&'a Writer<'a>);

impl<'a> Reader<'a> {
    /// Messages for later.
    pub fn schedules(&'a self) -> Schedules<'a> {
        Schedules(self)
    }
}

impl<'a> Writer<'a> {
    /// Messages for later, to change.
    pub fn schedules_mut(&'a self) -> SchedulesMut<'a> {
        SchedulesMut(self)
    }
}

/// Runs of one schedule that are kept.
const KEPT_RUNS: u32 = 100;

const COLUMNS: &str = "seq, id, owner, session, name, jid, content, zone, timing, missed, state,
    next_at, created_at, runs";

impl Schedules<'_> {
    /// One of them.
    pub fn get(&self, id: ScheduleId) -> Result<Option<Schedule>> {
        let sql = format!("SELECT {COLUMNS} FROM schedules WHERE id = ?1");
        let found = first(&mut prepare(self.0.conn, &sql)?, [id.as_bytes()], read)?;
        Ok(found.map(|(_, schedule)| schedule))
    }

    /// A page of those for which `seen` holds, newest first.
    pub fn list(
        &self,
        session: Option<SessionId>,
        state: Option<ScheduleState>,
        seen: impl Fn(&Schedule) -> bool,
        page: PageRequest,
    ) -> Result<Page<Schedule>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM schedules
             WHERE seq < ?1 AND (?2 IS NULL OR session = ?2) AND (?3 IS NULL OR state = ?3)
             ORDER BY seq DESC"
        );
        let before = page.after().map_or(i64::MAX, |cursor| cursor.0);
        let session = session.as_ref().map(SessionId::as_bytes);
        let state = state.map(ScheduleState::as_str);
        let mut statement = prepare(self.0.conn, &sql)?;
        let mut rows = statement.query(params![before, session, state])?;
        let mut found = Vec::new();
        while found.len() <= page.limit() as usize
            && let Some(row) = rows.next()?
        {
            let (seq, schedule) = read(row)?;
            if seen(&schedule) {
                found.push((seq, schedule));
            }
        }
        Ok(Page::of_rows(found, page.limit()))
    }

    /// How many of a session are active or rest.
    pub fn open(&self, session: SessionId) -> Result<u64> {
        let sql = "SELECT count(*) FROM schedules
                   WHERE session = ?1 AND state IN ('active', 'paused')";
        let count = first(
            &mut prepare(self.0.conn, sql)?,
            [session.as_bytes()],
            |row| Ok(row.get::<_, i64>(0)?.unsigned_abs()),
        )?;
        Ok(count.unwrap_or(0))
    }

    /// Up to `limit` that are due, the longest first.
    pub fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<Schedule>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM schedules
             WHERE state = 'active' AND next_at <= ?1 ORDER BY next_at LIMIT ?2"
        );
        let params = params![now.as_millis(), limit];
        let rows = collect(&mut prepare(self.0.conn, &sql)?, params, read)?;
        Ok(rows.into_iter().map(|(_, schedule)| schedule).collect())
    }

    /// When the next one is due.
    pub fn next(&self) -> Result<Option<Timestamp>> {
        let sql = "SELECT min(next_at) FROM schedules WHERE state = 'active'";
        let next = first(&mut prepare(self.0.conn, sql)?, [], |row| {
            Ok(row.get::<_, Option<i64>>(0)?)
        })?;
        Ok(next.flatten().map(Timestamp::from_millis))
    }

    /// The last runs, newest first.
    pub fn runs(&self, id: ScheduleId) -> Result<Vec<ScheduleRun>> {
        let sql = "SELECT due_at, at, message, code, error FROM schedule_runs
                   WHERE schedule = ?1 ORDER BY seq DESC LIMIT ?2";
        let params = params![id.as_bytes(), KEPT_RUNS];
        collect(&mut prepare(self.0.conn, sql)?, params, |row| {
            let message = id_bytes_opt(row, 2, "schedule_runs.message")?;
            Ok(ScheduleRun {
                due_at: Timestamp::from_millis(row.get(0)?),
                at: Timestamp::from_millis(row.get(1)?),
                message: message.map(MessageId::from_bytes),
                code: row.get(3)?,
                error: row.get(4)?,
            })
        })
    }
}

impl SchedulesMut<'_> {
    /// Adds one.
    pub fn insert(&self, schedule: &Schedule) -> Result<()> {
        let sql =
            "INSERT INTO schedules (id, owner, session, name, jid, content, zone, timing, missed,
                                          state, next_at, created_at, runs)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
        prepare(self.0.conn, sql)?.execute(params![
            schedule.id.as_bytes(),
            schedule.owner.as_ref().map(UserId::as_bytes),
            schedule.session.as_bytes(),
            schedule.name,
            schedule.to.to_string(),
            to_json(&schedule.content, "schedules.content")?,
            schedule.zone.to_string(),
            to_json(&schedule.timing, "schedules.timing")?,
            schedule.missed.as_str(),
            schedule.state.as_str(),
            schedule.next_at.map(Timestamp::as_millis),
            schedule.created_at.as_millis(),
            schedule.runs,
        ])?;
        self.keep_media(schedule)
    }

    /// Deals with a run: the schedule's next one is `next_at`, or it is done. `false` when that run
    /// was dealt with before, or the schedule was taken back.
    pub fn ran(
        &self,
        id: ScheduleId,
        run: &ScheduleRun,
        next_at: Option<Timestamp>,
    ) -> Result<bool> {
        let state = match next_at {
            Some(_) => ScheduleState::Active,
            None => ScheduleState::Done,
        };
        let sql = "UPDATE schedules SET next_at = ?3, state = ?4, runs = runs + ?5
                   WHERE id = ?1 AND state = 'active' AND next_at = ?2";
        let changed = prepare(self.0.conn, sql)?.execute(params![
            id.as_bytes(),
            run.due_at.as_millis(),
            next_at.map(Timestamp::as_millis),
            state.as_str(),
            u32::from(run.message.is_some()),
        ])?;
        if changed == 0 {
            return Ok(false);
        }
        let sql = "INSERT INTO schedule_runs (schedule, due_at, at, message, code, error)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
        prepare(self.0.conn, sql)?.execute(params![
            id.as_bytes(),
            run.due_at.as_millis(),
            run.at.as_millis(),
            run.message.as_ref().map(MessageId::as_bytes),
            run.code,
            run.error,
        ])?;
        let sql = "DELETE FROM schedule_runs WHERE schedule = ?1 AND seq <= (
                       SELECT seq FROM schedule_runs WHERE schedule = ?1
                       ORDER BY seq DESC LIMIT 1 OFFSET ?2)";
        prepare(self.0.conn, sql)?.execute(params![id.as_bytes(), KEPT_RUNS])?;
        if next_at.is_none() {
            self.0.media_mut().let_go(id.as_bytes())?;
        }
        Ok(true)
    }

    /// Writes what has changed about one that is not over.
    pub fn update(&self, schedule: &Schedule) -> Result<()> {
        let sql = "UPDATE schedules SET name = ?2, jid = ?3, content = ?4, zone = ?5, timing = ?6,
                          missed = ?7, state = ?8, next_at = ?9
                   WHERE id = ?1";
        prepare(self.0.conn, sql)?.execute(params![
            schedule.id.as_bytes(),
            schedule.name,
            schedule.to.to_string(),
            to_json(&schedule.content, "schedules.content")?,
            schedule.zone.to_string(),
            to_json(&schedule.timing, "schedules.timing")?,
            schedule.missed.as_str(),
            schedule.state.as_str(),
            schedule.next_at.map(Timestamp::as_millis),
        ])?;
        self.0.media_mut().let_go(schedule.id.as_bytes())?;
        self.keep_media(schedule)
    }

    fn keep_media(&self, schedule: &Schedule) -> Result<()> {
        let keeper = schedule.id.as_bytes();
        let mut needed = schedule.content.stored();
        needed.try_for_each(|digest| self.0.media_mut().keep_for(&digest, keeper))
    }

    /// Takes one back that is active or rests; whether it did.
    pub fn cancel(&self, id: ScheduleId) -> Result<bool> {
        let sql = "UPDATE schedules SET state = 'cancelled', next_at = NULL
                   WHERE id = ?1 AND state IN ('active', 'paused')";
        self.0.media_mut().let_go(id.as_bytes())?;
        Ok(prepare(self.0.conn, sql)?.execute([id.as_bytes()])? > 0)
    }
}

fn read(row: &Row<'_>) -> Result<(i64, Schedule)> {
    let missed: String = row.get(9)?;
    let next_at: Option<i64> = row.get(11)?;
    let schedule = Schedule {
        id: ScheduleId::from_bytes(id_bytes(row, 1, "schedules.id")?),
        owner: id_bytes_opt(row, 2, "schedules.owner")?.map(UserId::from_bytes),
        session: SessionId::from_bytes(id_bytes(row, 3, "schedules.session")?),
        name: row.get(4)?,
        to: parsed(row, 5, "schedules.jid")?,
        content: json(row, 6, "schedules.content")?,
        zone: parsed(row, 7, "schedules.zone")?,
        timing: json(row, 8, "schedules.timing")?,
        missed: Missed::parse(&missed)
            .ok_or_else(|| Error::corrupt("schedules.missed", &missed))?,
        state: parsed(row, 10, "schedules.state")?,
        next_at: next_at.map(Timestamp::from_millis),
        created_at: Timestamp::from_millis(row.get(12)?),
        runs: row.get(13)?,
    };
    Ok((row.get(0)?, schedule))
}
