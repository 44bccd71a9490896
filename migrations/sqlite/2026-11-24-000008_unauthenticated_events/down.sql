DROP INDEX events_account;
ALTER TABLE events DROP COLUMN unauthenticated;
CREATE INDEX events_account ON events (account_id, id);
