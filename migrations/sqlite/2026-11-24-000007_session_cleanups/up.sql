-- Without a foreign key to accounts: the sessions of a deleted account are ended by its missing row and deleted in
-- batches, because a cascade over many rows would occupy the only writer. The index finds the least recently used.
CREATE TABLE sessions_without_cascade (
    id BLOB NOT NULL PRIMARY KEY,
    account_id BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    -- When the owner last gave the password.
    authenticated_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    remembered BOOLEAN NOT NULL,
    -- The sign-in before this one, which the home page shows to the owner.
    previous_sign_in_at BIGINT,
    previous_address TEXT NOT NULL DEFAULT '',
    previous_user_agent TEXT NOT NULL DEFAULT '',
    failures_before INTEGER NOT NULL DEFAULT 0,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO sessions_without_cascade SELECT * FROM sessions;
DROP TABLE sessions;
ALTER TABLE sessions_without_cascade RENAME TO sessions;
CREATE INDEX sessions_account ON sessions (account_id, last_seen_at);
CREATE INDEX sessions_expiry ON sessions (expires_at);
CREATE INDEX sessions_idle ON sessions (remembered, last_seen_at);

-- Work that is left to do in batches. The sessions of the account that began until revoked_at are ended, except kept.
-- If the account is deleted, all its sessions are, and its events still have to be anonymized.
CREATE TABLE account_cleanups (
    account_id BLOB NOT NULL PRIMARY KEY,
    revoked_at BIGINT NOT NULL,
    kept BLOB
) WITHOUT ROWID;
