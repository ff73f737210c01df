//! Counts of messages, kept beside them by the writing thread ([`crate::tally`]), so that asking
//! costs the same however many there are.

use rusqlite::params;
use warbler_domain::stats::{HourCount, MessageStats};
use warbler_domain::{MessageStatus, SessionId, Timestamp};

use crate::rows::{collect, prepare};
use crate::{Reader, Result};

/// Milliseconds of an hour.
pub(crate) const HOUR: i64 = 3_600_000;
/// Hours that are told one by one.
const HOURS: i64 = 24;

/// Counts.
pub struct Stats<'a>(&'a Reader<'a>);

impl<'a> Reader<'a> {
    /// Counts of messages.
    pub fn stats(&'a self) -> Stats<'a> {
        Stats(self)
    }
}

impl Stats<'_> {
    /// The counts of these sessions together, or of all.
    pub fn messages(&self, sessions: Option<&[SessionId]>, now: Timestamp) -> Result<MessageStats> {
        let this_hour = now.as_millis().div_euclid(HOUR);
        let first = this_hour - HOURS;
        let mut stats = MessageStats {
            hours: (first..=this_hour)
                .map(|hour| HourCount {
                    from: Timestamp::from_millis(hour * HOUR),
                    inbound: 0,
                    outbound: 0,
                })
                .collect(),
            ..MessageStats::default()
        };
        match sessions {
            Some(sessions) => {
                for session in sessions {
                    self.add(&mut stats, Some(*session), first)?;
                }
            }
            None => self.add(&mut stats, None, first)?,
        }
        Ok(stats)
    }

    fn add(&self, stats: &mut MessageStats, session: Option<SessionId>, hour: i64) -> Result<()> {
        let only = session.as_ref().map(SessionId::as_bytes);
        let one = if session.is_some() {
            "session = ?1"
        } else {
            "?1 IS NULL"
        };
        let sql = format!("SELECT own, kind, status, n FROM message_totals WHERE {one} AND n > 0");
        let totals = collect(&mut prepare(self.0.conn, &sql)?, params![only], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
        for (own, kind, status, count) in totals {
            let (own, kind, status, count): (bool, String, String, i64) =
                (own, kind, status, count);
            let count = u64::try_from(count).unwrap_or(0);
            *(if own {
                &mut stats.outbound
            } else {
                &mut stats.inbound
            }) += count;
            let passed = MessageStatus::parse(&status)
                .is_some_and(|status| status != MessageStatus::Queued && !status.is_unsent());
            if passed {
                *stats.passed_by_kind.entry(kind.clone()).or_default() += count;
            }
            *stats.by_kind.entry(kind).or_default() += count;
            *stats.by_status.entry(status).or_default() += count;
        }
        self.add_hours(stats, only, one, hour)
    }

    fn add_hours(
        &self,
        stats: &mut MessageStats,
        only: Option<&[u8; 16]>,
        one: &str,
        hour: i64,
    ) -> Result<()> {
        let sql = format!(
            "SELECT hour, own, n, kind, status FROM message_hours
             WHERE {one} AND hour >= ?2 AND n > 0"
        );
        let hours = collect(
            &mut prepare(self.0.conn, &sql)?,
            params![only, hour],
            |row| {
                let kind: (String, String) = (row.get(3)?, row.get(4)?);
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, kind))
            },
        )?;
        for (at, own, count, (kind, status)) in hours {
            let (at, own, count): (i64, bool, i64) = (at, own, count);
            let index = usize::try_from(at - hour).unwrap_or(usize::MAX);
            let count = u64::try_from(count).unwrap_or(0);
            if let Some(entry) = stats.hours.get_mut(index) {
                *(if own {
                    &mut entry.outbound
                } else {
                    &mut entry.inbound
                }) += count;
                *stats.hours_by_kind.entry(kind).or_default() += count;
                *stats.hours_by_status.entry(status).or_default() += count;
            }
        }
        Ok(())
    }
}
