-- Names of sessions are unique for each owner, and among those that are nobody's, no longer on the
-- whole host: whether a name was taken told users of one another's sessions. A unique column can only
-- be changed in a new table.
CREATE TABLE sessions_anew (
    id         BLOB PRIMARY KEY,
    name       TEXT NOT NULL,
    state      TEXT NOT NULL,
    reason     TEXT,
    changed_at INTEGER NOT NULL,
    wanted     TEXT NOT NULL,
    jid        TEXT,
    lid        TEXT,
    push_name  TEXT,
    created_at INTEGER NOT NULL,
    owner      BLOB,
    paired_at  INTEGER,
    settings   TEXT,
    linked_by  TEXT,
    engine     TEXT NOT NULL DEFAULT 'whatsapp-rust'
) STRICT, WITHOUT ROWID;
INSERT INTO sessions_anew
    (id, name, state, reason, changed_at, wanted, jid, lid, push_name, created_at, owner, paired_at,
     settings, linked_by, engine)
SELECT id, name, state, reason, changed_at, wanted, jid, lid, push_name, created_at, owner, paired_at,
       settings, linked_by, engine
FROM sessions;
DROP TABLE sessions;
ALTER TABLE sessions_anew RENAME TO sessions;
CREATE INDEX sessions_by_owner ON sessions (owner) WHERE owner IS NOT NULL;
CREATE UNIQUE INDEX sessions_by_name ON sessions (name, coalesce(owner, x''));
CREATE TRIGGER session_marks_made AFTER INSERT ON sessions BEGIN
    INSERT INTO session_marks (session) VALUES (NEW.id);
END;
CREATE TRIGGER session_marks_gone AFTER DELETE ON sessions BEGIN
    DELETE FROM session_marks WHERE session = OLD.id;
END;
