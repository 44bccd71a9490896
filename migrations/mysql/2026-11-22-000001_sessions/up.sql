CREATE TABLE sessions (
    id BINARY(16) NOT NULL PRIMARY KEY,
    account_id BINARY(16) NOT NULL,
    created_at BIGINT NOT NULL,
    -- When the owner last gave the password.
    authenticated_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    remembered BOOLEAN NOT NULL,
    -- The sign-in before this one, which the home page shows to the owner.
    previous_sign_in_at BIGINT,
    previous_address VARCHAR(45) NOT NULL DEFAULT '',
    previous_user_agent VARCHAR(255) NOT NULL DEFAULT '',
    failures_before INTEGER NOT NULL DEFAULT 0,
    address VARCHAR(45) NOT NULL,
    user_agent VARCHAR(255) NOT NULL,
    KEY sessions_account (account_id),
    KEY sessions_expiry (expires_at),
    KEY sessions_idle (remembered, last_seen_at),
    CONSTRAINT sessions_of_account FOREIGN KEY (account_id) REFERENCES accounts (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
