-- What a browser has at an application behind a reverse proxy. It ends with its session, and follows it when that gets a
-- new id.
CREATE TABLE app_sessions (
    session_id BLOB NOT NULL REFERENCES sessions (id) ON DELETE CASCADE ON UPDATE CASCADE,
    app TEXT NOT NULL,
    id BLOB NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (session_id, app)
) WITHOUT ROWID;

-- One-time codes that take a browser from Gatehouse to an application. browser is the SHA-256 of a cookie that only
-- this browser has.
CREATE TABLE handover_codes (
    code_hash BLOB NOT NULL PRIMARY KEY,
    session_id BLOB NOT NULL REFERENCES sessions (id) ON DELETE CASCADE ON UPDATE CASCADE,
    app TEXT NOT NULL,
    browser BLOB NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
) WITHOUT ROWID;
CREATE INDEX handover_codes_session ON handover_codes (session_id);
CREATE INDEX handover_codes_expiry ON handover_codes (expires_at);
