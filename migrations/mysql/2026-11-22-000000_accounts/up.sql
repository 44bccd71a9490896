-- Times are milliseconds since 1970-01-01 UTC. utf8mb4_bin compares exactly, as SQLite does,
-- but for spaces at the end, which no value here has.
CREATE TABLE accounts (
    id BINARY(16) NOT NULL PRIMARY KEY,
    username VARCHAR(32) NOT NULL,
    email VARCHAR(254) NOT NULL,
    -- The form in which an address is unique, see src/identity/email.rs.
    email_key VARCHAR(254) NOT NULL,
    password_hash VARCHAR(255) NOT NULL,
    created_at BIGINT NOT NULL,
    last_sign_in_at BIGINT,
    last_sign_in_address VARCHAR(45) NOT NULL DEFAULT '',
    last_sign_in_user_agent VARCHAR(255) NOT NULL DEFAULT '',
    -- Failures since the last sign-in.
    failed_sign_ins INTEGER NOT NULL DEFAULT 0,
    UNIQUE KEY accounts_username (username),
    UNIQUE KEY accounts_email_key (email_key)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
