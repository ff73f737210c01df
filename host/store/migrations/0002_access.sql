-- Who may call: users and their logins, scopes of API keys, tokens of sessions, owners of sessions,
-- and the log of changes.
ALTER TABLE sessions ADD COLUMN owner BLOB;
CREATE INDEX sessions_by_owner ON sessions (owner) WHERE owner IS NOT NULL;

-- Names and addresses are ASCII, so NOCASE is enough to keep them apart.
CREATE TABLE users (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    id          BLOB NOT NULL UNIQUE,
    name        TEXT NOT NULL UNIQUE COLLATE NOCASE,
    email       TEXT UNIQUE COLLATE NOCASE,
    first_name  TEXT,
    last_name   TEXT,
    role        TEXT NOT NULL,
    password    TEXT NOT NULL,
    disabled_at INTEGER,
    created_at  INTEGER NOT NULL,
    changed_at  INTEGER NOT NULL
) STRICT;

-- One row per login. Its refresh token changes at every use; only the newest is good.
CREATE TABLE logins (
    id         BLOB PRIMARY KEY,
    user       BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX logins_by_user ON logins (user);
CREATE INDEX logins_expiring ON logins (expires_at);

CREATE TABLE refresh_tokens (
    digest  BLOB PRIMARY KEY,
    login   BLOB NOT NULL,
    used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_tokens_by_login ON refresh_tokens (login);

-- Keys from before scopes were admin keys.
ALTER TABLE access_keys ADD COLUMN scope TEXT NOT NULL DEFAULT 'admin';
ALTER TABLE access_keys ADD COLUMN sessions TEXT;
ALTER TABLE access_keys ADD COLUMN owner BLOB;
ALTER TABLE access_keys ADD COLUMN expires_at INTEGER;
ALTER TABLE access_keys ADD COLUMN last_used_at INTEGER;
CREATE INDEX access_keys_by_owner ON access_keys (owner) WHERE owner IS NOT NULL;

CREATE TABLE session_tokens (
    session      BLOB PRIMARY KEY,
    digest       BLOB NOT NULL UNIQUE,
    prefix       TEXT NOT NULL,
    scope        TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT, WITHOUT ROWID;

-- Secrets of the host itself, such as the one its logins are signed with.
CREATE TABLE host_secrets (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    actor_kind TEXT NOT NULL,
    actor      TEXT,
    actor_name TEXT,
    address    TEXT,
    action     TEXT NOT NULL,
    target     TEXT,
    name       TEXT,
    outcome    TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX audit_by_action ON audit (action, seq);
CREATE INDEX audit_by_actor ON audit (actor, seq);
CREATE INDEX audit_by_target ON audit (target, seq);
