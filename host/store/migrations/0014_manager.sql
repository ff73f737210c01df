-- What dialects that count call a webhook: a number, which is never given twice.
CREATE TABLE webhook_numbers (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook BLOB NOT NULL UNIQUE
) STRICT;
INSERT INTO webhook_numbers (webhook) SELECT id FROM webhooks ORDER BY created_at, id;
CREATE TRIGGER webhook_numbers_made AFTER INSERT ON webhooks BEGIN
    INSERT INTO webhook_numbers (webhook) VALUES (NEW.id);
END;
CREATE TRIGGER webhook_numbers_gone AFTER DELETE ON webhooks BEGIN
    DELETE FROM webhook_numbers WHERE webhook = OLD.id;
END;

-- When a session was last called otherwise.
ALTER TABLE session_marks ADD COLUMN changed_at INTEGER;

-- Whether an event is still on its way to somebody. Ids of events grow, so a row goes to the end.
CREATE INDEX deliveries_of_event ON deliveries (event);
