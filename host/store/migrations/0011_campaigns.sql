-- Campaigns, their recipients, who does not want them, and messages for later.
CREATE TABLE campaigns (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    id         BLOB NOT NULL UNIQUE,
    kind       TEXT NOT NULL,
    owner      BLOB,
    name       TEXT NOT NULL,
    state      TEXT NOT NULL,
    reason     TEXT,
    -- JSON: ids of sessions in hex; what is sent; names of fields; pauses and limits.
    sessions   TEXT NOT NULL,
    content    TEXT NOT NULL,
    writer     TEXT,
    columns    TEXT NOT NULL,
    rules      TEXT NOT NULL,
    start_at   INTEGER,
    run        INTEGER NOT NULL,
    made_by    TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at   INTEGER,
    -- Which host deals with it at the moment, and until when no other does.
    lease      TEXT,
    lease_until INTEGER
) STRICT;
CREATE INDEX campaigns_at_work ON campaigns (state, start_at) WHERE state IN ('running', 'scheduled');

-- One row per recipient. `message` is there from the transaction that puts the message into the
-- outbox; from then on the row follows its message.
CREATE TABLE campaign_recipients (
    campaign    INTEGER NOT NULL,
    place       INTEGER NOT NULL,
    jid         TEXT NOT NULL,
    name        TEXT,
    -- JSON: names and values.
    fields      TEXT,
    whatsapp_id TEXT NOT NULL,
    state       TEXT NOT NULL,
    -- Whether the number was looked up.
    checked     INTEGER NOT NULL DEFAULT 0,
    session     BLOB,
    message     BLOB,
    queued_at   INTEGER,
    sent_at     INTEGER,
    code        TEXT,
    error       TEXT,
    PRIMARY KEY (campaign, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX campaign_recipients_by_state ON campaign_recipients (campaign, state, place);
CREATE INDEX campaign_recipients_by_time ON campaign_recipients (campaign, queued_at) WHERE queued_at IS NOT NULL;
CREATE UNIQUE INDEX campaign_recipients_by_message ON campaign_recipients (message) WHERE message IS NOT NULL;
CREATE INDEX campaign_recipients_written_to ON campaign_recipients (session, jid) WHERE session IS NOT NULL;

-- Who does not want campaigns of whom. An empty owner or session stands for none.
CREATE TABLE suppressions (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    owner      BLOB NOT NULL,
    session    BLOB NOT NULL,
    jid        TEXT NOT NULL,
    reason     TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX suppressions_once ON suppressions (owner, jid, session);

CREATE TABLE schedules (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    id         BLOB NOT NULL UNIQUE,
    owner      BLOB,
    session    BLOB NOT NULL,
    name       TEXT,
    jid        TEXT NOT NULL,
    content    TEXT NOT NULL,
    zone       TEXT NOT NULL,
    timing     TEXT NOT NULL,
    missed     TEXT NOT NULL,
    state      TEXT NOT NULL,
    next_at    INTEGER,
    created_at INTEGER NOT NULL,
    runs       INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX schedules_due ON schedules (next_at) WHERE state = 'active';
CREATE INDEX schedules_by_session ON schedules (session, seq);

CREATE TABLE schedule_runs (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    schedule BLOB NOT NULL,
    due_at   INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    message  BLOB,
    code     TEXT,
    error    TEXT
) STRICT;
CREATE UNIQUE INDEX schedule_runs_once ON schedule_runs (schedule, due_at);

-- Contents that campaigns and schedules need although no message has them yet.
CREATE TABLE kept_media (
    digest BLOB NOT NULL,
    keeper BLOB NOT NULL,
    PRIMARY KEY (digest, keeper)
) STRICT, WITHOUT ROWID;
CREATE INDEX kept_media_by_keeper ON kept_media (keeper);
