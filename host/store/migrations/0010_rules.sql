-- Rules: answers that need no program.
CREATE TABLE rules (
    id         BLOB PRIMARY KEY,
    -- For which session; without one for all of its owner, or simply every one.
    owner      BLOB,
    session    BLOB,
    name       TEXT NOT NULL,
    enabled    INTEGER NOT NULL,
    -- JSON: order, conditions, actions.
    spec       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- A name stands for one rule among those that are for the same sessions.
CREATE UNIQUE INDEX rules_by_name ON rules (coalesce(session, owner, x''), name);
