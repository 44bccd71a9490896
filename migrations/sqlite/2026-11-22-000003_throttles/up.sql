CREATE TABLE throttles (
    budget BLOB NOT NULL PRIMARY KEY,
    failures INTEGER NOT NULL,
    blocked_until BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX throttles_expiry ON throttles (expires_at);
