DROP TABLE account_cleanups;
CREATE TABLE sessions_with_cascade (
    id BLOB NOT NULL PRIMARY KEY,
    account_id BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    authenticated_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    remembered BOOLEAN NOT NULL,
    previous_sign_in_at BIGINT,
    previous_address TEXT NOT NULL DEFAULT '',
    previous_user_agent TEXT NOT NULL DEFAULT '',
    failures_before INTEGER NOT NULL DEFAULT 0,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO sessions_with_cascade SELECT * FROM sessions WHERE account_id IN (SELECT id FROM accounts);
DROP TABLE sessions;
ALTER TABLE sessions_with_cascade RENAME TO sessions;
CREATE INDEX sessions_account ON sessions (account_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);
CREATE INDEX sessions_idle ON sessions (remembered, last_seen_at);
