-- Timers of extensions: what each wants to be reminded of, and when.
CREATE TABLE timers (
    extension TEXT NOT NULL,
    session   BLOB NOT NULL,
    -- Empty for a timer that belongs to no chat.
    chat      TEXT NOT NULL,
    name      TEXT NOT NULL,
    due_at    INTEGER NOT NULL,
    data      TEXT NOT NULL,
    PRIMARY KEY (extension, session, chat, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX timers_due ON timers (due_at);
CREATE INDEX timers_by_session ON timers (session);
