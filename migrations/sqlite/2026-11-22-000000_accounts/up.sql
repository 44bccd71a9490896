-- Times are milliseconds since 1970-01-01 UTC.
CREATE TABLE accounts (
    id BLOB NOT NULL PRIMARY KEY,
    username TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL,
    -- The form in which an address is unique, see src/identity/email.rs.
    email_key TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_sign_in_at BIGINT,
    last_sign_in_address TEXT NOT NULL DEFAULT '',
    last_sign_in_user_agent TEXT NOT NULL DEFAULT '',
    -- Failures since the last sign-in.
    failed_sign_ins INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
