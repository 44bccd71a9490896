CREATE TABLE account_roles (
    account_id BLOB NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    PRIMARY KEY (account_id, role)
) WITHOUT ROWID;
CREATE INDEX account_roles_role ON account_roles (role, account_id);
-- Rows that a transaction locks while it checks a rule over several accounts.
CREATE TABLE locks (
    name TEXT NOT NULL PRIMARY KEY
) WITHOUT ROWID;
INSERT INTO locks (name) VALUES ('administrators');
-- The only valid link of an account to set a new password. The token itself is not kept.
CREATE TABLE reset_links (
    account_id BLOB NOT NULL PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    token_hash BLOB NOT NULL UNIQUE,
    expires_at BIGINT NOT NULL
) WITHOUT ROWID;
