-- Each statement can be repeated, because a crash between two leaves the first ones done.
-- The accounts whose password hash comes from another system, with its class, see src/passwords/foreign.
CREATE TABLE IF NOT EXISTS foreign_hashes (
    account_id BINARY(16) NOT NULL PRIMARY KEY,
    class VARCHAR(64) NOT NULL,
    KEY foreign_hashes_class (class, account_id),
    CONSTRAINT foreign_hash_of_account FOREIGN KEY (account_id) REFERENCES accounts (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- The keys of Flask-Security applications whose accounts were imported, encrypted.
CREATE TABLE IF NOT EXISTS flask_security_keys (
    name VARCHAR(16) NOT NULL PRIMARY KEY,
    encrypted BLOB NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- An import that runs again finds the accounts that it created.
ALTER TABLE accounts ADD KEY accounts_legacy_id (legacy_id);
