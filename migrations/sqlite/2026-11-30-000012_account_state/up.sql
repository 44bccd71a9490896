-- locked: the failed attempts have reached the limit, see src/throttle.
ALTER TABLE accounts ADD COLUMN disabled BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE accounts ADD COLUMN locked BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX accounts_state ON accounts (disabled, locked, id);
CREATE INDEX accounts_disabled ON accounts (disabled, id);
