-- account_id is not a foreign key, because events outlive their account.
CREATE TABLE events (
    id BINARY(16) NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    kind VARCHAR(32) NOT NULL,
    account_id BINARY(16),
    address VARCHAR(45) NOT NULL,
    user_agent VARCHAR(255) NOT NULL,
    request_id VARCHAR(32) NOT NULL,
    occurrences INTEGER NOT NULL,
    KEY events_at (at),
    KEY events_account (account_id, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
