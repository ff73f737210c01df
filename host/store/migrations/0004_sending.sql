-- Scheduled messages, pacing, dead letters that say why, and answers that are given once.

-- A scheduled row belongs to no lane until its time has come; then it enters behind what is there.
ALTER TABLE outbox ADD COLUMN scheduled INTEGER NOT NULL DEFAULT 0;
-- When the row entered its lane: what its age is counted from.
ALTER TABLE outbox ADD COLUMN entered_at INTEGER NOT NULL DEFAULT 0;
-- Why pacing moved the time at which it is due.
ALTER TABLE outbox ADD COLUMN delayed TEXT;
-- When and why it was given up.
ALTER TABLE outbox ADD COLUMN failed_at INTEGER;
ALTER TABLE outbox ADD COLUMN error_code TEXT;
UPDATE outbox SET entered_at = due_at;
UPDATE outbox SET failed_at = due_at, error_code = 'refused' WHERE dead = 1;
DROP INDEX outbox_lanes;
CREATE INDEX outbox_lanes ON outbox (session, chat, seq) WHERE dead = 0 AND scheduled = 0;
CREATE INDEX outbox_scheduled ON outbox (due_at) WHERE scheduled = 1;
CREATE INDEX outbox_dead ON outbox (seq) WHERE dead = 1;

-- What is set for one session: its pacing instead of the host's, and whether its outbox rests.
CREATE TABLE sending (
    session   BLOB PRIMARY KEY,
    pacing    TEXT,
    paused_at INTEGER
) STRICT, WITHOUT ROWID;

-- What paced sessions have sent lately, so that a restart does not begin to count anew.
CREATE TABLE sends (
    seq     INTEGER PRIMARY KEY,
    session BLOB NOT NULL,
    at      INTEGER NOT NULL,
    chat    TEXT NOT NULL
) STRICT;
CREATE INDEX sends_by_session ON sends (session, at);

ALTER TABLE sessions ADD COLUMN paired_at INTEGER;
UPDATE sessions SET paired_at = created_at WHERE jid IS NOT NULL;

-- What a caller was answered under a key of its own.
CREATE TABLE idempotency (
    caller     TEXT NOT NULL,
    key        TEXT NOT NULL,
    digest     BLOB NOT NULL,
    answer     TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (caller, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_age ON idempotency (created_at);
