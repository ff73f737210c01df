-- What operators grant to extensions at runtime; the configuration goes over it.
CREATE TABLE extension_grants (
    extension  TEXT PRIMARY KEY,
    -- JSON: only what was said.
    grants     TEXT NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
