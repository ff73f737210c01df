-- Chats, contacts, groups and calls as sessions see them; what was said about messages; search;
-- counts; settings of sessions.

-- A message's place in the order of its chat and session: 2^21 times the millisecond it counts
-- for, and the low bits of its seq, so that no two have the same.
ALTER TABLE messages ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN written_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN own INTEGER NOT NULL DEFAULT 0;
UPDATE messages SET
    written_at = CAST(round((julianday(json_extract(body, '$.timestamp')) - 2440587.5) * 86400000.0) AS INTEGER),
    own = json_extract(body, '$.direction') = 'outbound',
    kind = CASE json_extract(body, '$.content.type')
        WHEN 'media' THEN CASE
            WHEN json_extract(body, '$.content.gif') THEN 'gif'
            WHEN json_extract(body, '$.content.voice') THEN 'voice'
            ELSE json_extract(body, '$.content.kind') END
        WHEN 'pollVote' THEN 'vote'
        ELSE json_extract(body, '$.content.type') END;
UPDATE messages SET place = written_at * 2097152 + (seq & 2097151);
DROP INDEX messages_by_chat;
DROP INDEX messages_by_session;
CREATE INDEX messages_by_chat ON messages (session, chat, place);
CREATE INDEX messages_by_session ON messages (session, place);

-- `place` is that of the newest message; chats without one have different negative ones.
CREATE TABLE chats (
    session     BLOB NOT NULL,
    jid         TEXT NOT NULL,
    place       INTEGER NOT NULL,
    unread      INTEGER NOT NULL DEFAULT 0,
    marked      INTEGER NOT NULL DEFAULT 0,
    archived    INTEGER NOT NULL DEFAULT 0,
    pinned      INTEGER NOT NULL DEFAULT 0,
    muted_until INTEGER,
    PRIMARY KEY (session, jid)
) STRICT, WITHOUT ROWID;
CREATE INDEX chats_by_place ON chats (session, place);
INSERT INTO chats (session, jid, place)
    SELECT session, chat, max(place) FROM messages
    WHERE kind NOT IN ('reaction', 'edit', 'revoke', 'vote') AND chat NOT LIKE '%@broadcast'
    GROUP BY session, chat;

CREATE TABLE contacts (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    session   BLOB NOT NULL,
    jid       TEXT NOT NULL,
    alt       TEXT,
    name      TEXT,
    push_name TEXT,
    seen_at   INTEGER NOT NULL,
    UNIQUE (session, jid)
) STRICT;
CREATE INDEX contacts_by_alt ON contacts (session, alt) WHERE alt IS NOT NULL;

CREATE TABLE groups (
    session BLOB NOT NULL,
    jid     TEXT NOT NULL,
    subject TEXT NOT NULL,
    body    TEXT,
    PRIMARY KEY (session, jid)
) STRICT, WITHOUT ROWID;

CREATE TABLE calls (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    session BLOB NOT NULL,
    call    TEXT NOT NULL,
    caller  TEXT NOT NULL,
    video   INTEGER NOT NULL,
    grouped INTEGER NOT NULL,
    state   TEXT NOT NULL,
    at      INTEGER NOT NULL,
    UNIQUE (session, call)
) STRICT;

-- What was said about a message after it was written: the newest edit, reaction, vote or
-- revocation of each author.
CREATE TABLE annotations (
    session BLOB NOT NULL,
    chat    TEXT NOT NULL,
    target  TEXT NOT NULL,
    kind    TEXT NOT NULL,
    author  TEXT NOT NULL,
    at      INTEGER NOT NULL,
    value   TEXT NOT NULL,
    PRIMARY KEY (session, chat, target, kind, author)
) STRICT, WITHOUT ROWID;

-- Words of messages by their place. A worker puts them in, behind the writing of the messages:
-- `search_state` says how far it is, `search_queue` what changed since.
CREATE VIRTUAL TABLE search USING fts5(
    scope, text, content='', contentless_delete=1, tokenize="unicode61 remove_diacritics 2"
);
CREATE TABLE search_state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    seq INTEGER NOT NULL
) STRICT;
INSERT INTO search_state (one, seq) VALUES (1, 0);
CREATE TABLE search_queue (
    seq INTEGER PRIMARY KEY
) STRICT;
CREATE TRIGGER messages_unsearched AFTER DELETE ON messages BEGIN
    DELETE FROM search WHERE rowid = old.place;
    DELETE FROM annotations
        WHERE session = old.session AND chat = old.chat AND target = old.whatsapp_id;
END;

-- Counts of all messages that ever passed; deleting a message does not change them.
CREATE TABLE message_totals (
    session BLOB NOT NULL,
    own     INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    status  TEXT NOT NULL,
    n       INTEGER NOT NULL,
    PRIMARY KEY (session, own, kind, status)
) STRICT, WITHOUT ROWID;
CREATE TABLE message_hours (
    session BLOB NOT NULL,
    hour    INTEGER NOT NULL,
    own     INTEGER NOT NULL,
    n       INTEGER NOT NULL,
    PRIMARY KEY (session, hour, own)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_hours_by_hour ON message_hours (hour);
INSERT INTO message_totals (session, own, kind, status, n)
    SELECT session, own, kind, status, count(*) FROM messages GROUP BY session, own, kind, status;
INSERT INTO message_hours (session, hour, own, n)
    SELECT session, place / 7549747200000, own, count(*) FROM messages GROUP BY 1, 2, 3;
CREATE TRIGGER messages_counted AFTER INSERT ON messages BEGIN
    INSERT INTO message_totals (session, own, kind, status, n)
        VALUES (new.session, new.own, new.kind, new.status, 1)
        ON CONFLICT (session, own, kind, status) DO UPDATE SET n = n + 1;
    INSERT INTO message_hours (session, hour, own, n)
        VALUES (new.session, new.place / 7549747200000, new.own, 1)
        ON CONFLICT (session, hour, own) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER messages_recounted AFTER UPDATE OF status ON messages
WHEN old.status <> new.status BEGIN
    UPDATE message_totals SET n = n - 1
        WHERE session = old.session AND own = old.own AND kind = old.kind AND status = old.status;
    INSERT INTO message_totals (session, own, kind, status, n)
        VALUES (new.session, new.own, new.kind, new.status, 1)
        ON CONFLICT (session, own, kind, status) DO UPDATE SET n = n + 1;
END;

ALTER TABLE sessions ADD COLUMN settings TEXT;
