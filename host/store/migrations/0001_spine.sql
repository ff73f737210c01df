-- Sessions, messages, events, outbox, extensions' kv, engine keys, API keys.
CREATE TABLE sessions (
    id         BLOB PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    state      TEXT NOT NULL,
    reason     TEXT,
    changed_at INTEGER NOT NULL,
    wanted     TEXT NOT NULL,
    jid        TEXT,
    lid        TEXT,
    push_name  TEXT,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE messages (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          BLOB NOT NULL UNIQUE,
    session     BLOB NOT NULL,
    chat        TEXT NOT NULL,
    sender      TEXT NOT NULL,
    whatsapp_id TEXT NOT NULL,
    status      TEXT NOT NULL,
    error       TEXT,
    body        TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX messages_by_whatsapp_id ON messages (session, whatsapp_id, chat, sender);
CREATE INDEX messages_by_chat ON messages (session, chat, seq);
CREATE INDEX messages_by_session ON messages (session, seq);

CREATE TABLE events (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    id      BLOB NOT NULL UNIQUE,
    session BLOB NOT NULL,
    kind    TEXT NOT NULL,
    at      INTEGER NOT NULL,
    dedupe  TEXT,
    done    INTEGER NOT NULL DEFAULT 0,
    body    TEXT NOT NULL,
    trace   TEXT
) STRICT;
CREATE UNIQUE INDEX events_once ON events (session, dedupe) WHERE dedupe IS NOT NULL;
CREATE INDEX events_pending ON events (seq) WHERE done = 0;
CREATE INDEX events_by_session ON events (session, seq);

-- One row per message on its way out. `head` marks the oldest live row of its chat: only that one
-- may be claimed, which is what keeps a chat in order.
CREATE TABLE outbox (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    message     BLOB NOT NULL UNIQUE,
    session     BLOB NOT NULL,
    chat        TEXT NOT NULL,
    whatsapp_id TEXT NOT NULL,
    dead        INTEGER NOT NULL DEFAULT 0,
    head        INTEGER NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    due_at      INTEGER NOT NULL,
    lease_owner TEXT,
    lease_until INTEGER,
    last_error  TEXT
) STRICT;
CREATE INDEX outbox_heads ON outbox (session, due_at) WHERE head = 1;
CREATE INDEX outbox_lanes ON outbox (session, chat, seq) WHERE dead = 0;
CREATE INDEX outbox_by_whatsapp_id ON outbox (session, whatsapp_id);

CREATE TABLE kv (
    extension  TEXT NOT NULL,
    key        TEXT NOT NULL,
    value      BLOB NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (extension, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE device_keys (
    session    BLOB NOT NULL,
    space      INTEGER NOT NULL,
    key        BLOB NOT NULL,
    value      BLOB NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (session, space, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX device_keys_expiring ON device_keys (session, space, expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE access_keys (
    id         BLOB PRIMARY KEY,
    name       TEXT NOT NULL,
    prefix     TEXT NOT NULL,
    digest     BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;
