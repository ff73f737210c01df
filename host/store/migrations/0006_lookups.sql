-- Names that callers save for people; counts of each hour by kind and status; annotations that go
-- with the messages they are made of.

ALTER TABLE contacts ADD COLUMN saved_name TEXT;

-- Messages are counted by the writing thread, once for all of a commit; triggers did it for each.
-- The hours of the last two days are counted anew; older ones are not shown.
DROP TRIGGER messages_counted;
DROP TRIGGER messages_recounted;
DROP TABLE message_hours;
CREATE TABLE message_hours (
    session BLOB NOT NULL,
    hour    INTEGER NOT NULL,
    own     INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    status  TEXT NOT NULL,
    n       INTEGER NOT NULL,
    PRIMARY KEY (session, hour, own, kind, status)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_hours_by_hour ON message_hours (hour);
INSERT INTO message_hours (session, hour, own, kind, status, n)
    SELECT session, place / 7549747200000, own, kind, status, count(*) FROM messages
    WHERE place >= (CAST(strftime('%s', 'now') AS INTEGER) - 172800) * 2097152000
    GROUP BY 1, 2, 3, 4, 5;

-- What was said about a message that was never stored here, or is gone, goes with the message that
-- said it.
CREATE TRIGGER messages_unsaid AFTER DELETE ON messages
WHEN old.kind IN ('reaction', 'edit', 'revoke', 'vote') BEGIN
    DELETE FROM annotations
        WHERE session = old.session AND chat = old.chat AND kind = old.kind
          AND target = json_extract(old.body, '$.content.target')
          AND author = old.sender AND at = old.written_at
          AND NOT EXISTS (SELECT 1 FROM messages AS t
              WHERE t.session = old.session AND t.whatsapp_id = json_extract(old.body, '$.content.target'));
END;
