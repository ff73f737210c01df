-- Contents by digest, the names that uploads are served under, and the messages that need them.
CREATE TABLE media (
    digest     BLOB PRIMARY KEY,
    size       INTEGER NOT NULL,
    mime       TEXT NOT NULL,
    width      INTEGER,
    height     INTEGER,
    seconds    INTEGER,
    animated   INTEGER NOT NULL,
    thumbnail  BLOB,
    created_at INTEGER NOT NULL,
    used_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX media_by_use ON media (used_at);
CREATE INDEX media_by_thumbnail ON media (thumbnail) WHERE thumbnail IS NOT NULL;

CREATE TABLE uploads (
    id         BLOB PRIMARY KEY,
    digest     BLOB NOT NULL,
    name       TEXT NOT NULL UNIQUE,
    file_name  TEXT,
    made_by    TEXT NOT NULL,
    owner      BLOB,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX uploads_by_digest ON uploads (digest, expires_at);
CREATE INDEX uploads_by_expiry ON uploads (expires_at);

CREATE TABLE media_uses (
    digest  BLOB NOT NULL,
    message BLOB NOT NULL,
    PRIMARY KEY (digest, message)
) STRICT, WITHOUT ROWID;
