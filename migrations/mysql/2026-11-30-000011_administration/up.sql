-- Each statement can be repeated, because a crash between two leaves the first ones done.
CREATE TABLE IF NOT EXISTS account_roles (
    account_id BINARY(16) NOT NULL,
    role VARCHAR(32) NOT NULL,
    PRIMARY KEY (account_id, role),
    KEY account_roles_role (role, account_id),
    CONSTRAINT roles_of_account FOREIGN KEY (account_id) REFERENCES accounts (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- Rows that a transaction locks while it checks a rule over several accounts.
CREATE TABLE IF NOT EXISTS locks (
    name VARCHAR(32) NOT NULL PRIMARY KEY
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
INSERT IGNORE INTO locks (name) VALUES ('administrators');
-- The only valid link of an account to set a new password. The token itself is not kept.
CREATE TABLE IF NOT EXISTS reset_links (
    account_id BINARY(16) NOT NULL PRIMARY KEY,
    token_hash BINARY(32) NOT NULL,
    expires_at BIGINT NOT NULL,
    UNIQUE KEY reset_links_token (token_hash),
    CONSTRAINT reset_link_of_account FOREIGN KEY (account_id) REFERENCES accounts (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
