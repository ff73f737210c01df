-- Places that events are sent to, and what is on its way there.
CREATE TABLE webhooks (
    id              BLOB PRIMARY KEY,
    -- Whose it is, and for which session; nothing is everybody, and every one.
    owner           BLOB,
    session         BLOB,
    url             TEXT NOT NULL,
    -- JSON: patterns of kinds; names and values.
    events          TEXT NOT NULL,
    headers         TEXT NOT NULL,
    form            TEXT NOT NULL,
    secret          TEXT NOT NULL,
    enabled         INTEGER NOT NULL,
    disabled_reason TEXT,
    created_at      INTEGER NOT NULL,
    failing_since   INTEGER,
    -- Attempts that have ended, since it was made.
    delivered       INTEGER NOT NULL DEFAULT 0,
    failed          INTEGER NOT NULL DEFAULT 0,
    last_delivered_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE deliveries (
    seq        INTEGER PRIMARY KEY,
    id         BLOB NOT NULL UNIQUE,
    webhook    BLOB NOT NULL,
    session    BLOB NOT NULL,
    event      BLOB NOT NULL,
    kind       TEXT NOT NULL,
    -- Deliveries of one lane keep their order: a chat, or everything without one.
    lane       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    state      TEXT NOT NULL,
    due_at     INTEGER NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    -- JSON: what became of the last attempts.
    tries      TEXT,
    -- What is sent, from the first failed attempt on: the same at every one.
    payload    BLOB,
    -- Who makes it at the moment, and until when nobody else does.
    lease      TEXT,
    lease_until INTEGER
) STRICT;
CREATE INDEX deliveries_waiting ON deliveries (webhook, due_at, seq) WHERE state = 'waiting';
CREATE INDEX deliveries_of_webhook ON deliveries (webhook, seq);
CREATE INDEX deliveries_done ON deliveries (state, created_at) WHERE state <> 'waiting';
