-- Work that is left to do in batches. The sessions of the account that began until revoked_at are ended, except kept.
-- If the account is deleted, all its sessions are, and its events still have to be anonymized.
CREATE TABLE IF NOT EXISTS account_cleanups (
    account_id BINARY(16) NOT NULL PRIMARY KEY,
    revoked_at BIGINT NOT NULL,
    kept BINARY(16)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Without a foreign key to accounts: the sessions of a deleted account are ended by its missing row and deleted in
-- batches. The index finds the least recently used. One statement, because a crash between two could not be resumed.
ALTER TABLE sessions
    DROP FOREIGN KEY sessions_of_account,
    DROP KEY sessions_account,
    ADD KEY sessions_account (account_id, last_seen_at);
