ALTER TABLE accounts
    DROP KEY accounts_disabled,
    DROP KEY accounts_state,
    DROP COLUMN locked,
    DROP COLUMN disabled;
