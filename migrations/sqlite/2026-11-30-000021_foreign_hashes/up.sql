-- The accounts whose password hash comes from another system, with its class, see src/passwords/foreign.
CREATE TABLE foreign_hashes (
    account_id BLOB NOT NULL PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    class TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX foreign_hashes_class ON foreign_hashes (class, account_id);
-- An import that runs again finds the accounts that it created.
CREATE INDEX accounts_legacy_id ON accounts (legacy_id);
-- The keys of Flask-Security applications whose accounts were imported, encrypted.
CREATE TABLE flask_security_keys (
    name TEXT NOT NULL PRIMARY KEY,
    encrypted BLOB NOT NULL
) WITHOUT ROWID;
