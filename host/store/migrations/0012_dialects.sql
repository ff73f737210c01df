-- Where a key is good, and its secret, encrypted, where its owner may read it again.
ALTER TABLE access_keys ADD COLUMN realm TEXT NOT NULL DEFAULT 'native';
ALTER TABLE access_keys ADD COLUMN sealed BLOB;

-- What dialects call a session: by number, which is never given twice, by a label of any text, and
-- by the phone number its owner said it would have.
CREATE TABLE session_marks (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    session BLOB NOT NULL UNIQUE,
    label   TEXT,
    phone   TEXT
) STRICT;
INSERT INTO session_marks (session) SELECT id FROM sessions ORDER BY created_at;
CREATE TRIGGER session_marks_made AFTER INSERT ON sessions BEGIN
    INSERT INTO session_marks (session) VALUES (NEW.id);
END;
CREATE TRIGGER session_marks_gone AFTER DELETE ON sessions BEGIN
    DELETE FROM session_marks WHERE session = OLD.id;
END;
