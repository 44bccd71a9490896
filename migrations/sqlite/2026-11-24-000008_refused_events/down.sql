DROP INDEX events_account;
ALTER TABLE events DROP COLUMN refused;
CREATE INDEX events_account ON events (account_id, id);
