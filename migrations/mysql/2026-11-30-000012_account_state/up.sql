-- locked: the failed attempts have reached the limit, see src/throttle.
ALTER TABLE accounts
    ADD COLUMN disabled BOOLEAN NOT NULL DEFAULT FALSE,
    ADD COLUMN locked BOOLEAN NOT NULL DEFAULT FALSE,
    ADD KEY accounts_state (disabled, locked, id),
    ADD KEY accounts_disabled (disabled, id);
