DROP INDEX accounts_disabled;
DROP INDEX accounts_state;
ALTER TABLE accounts DROP COLUMN locked;
ALTER TABLE accounts DROP COLUMN disabled;
