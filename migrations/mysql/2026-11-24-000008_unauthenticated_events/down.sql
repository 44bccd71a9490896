ALTER TABLE events DROP KEY events_account, ADD KEY events_account (account_id, id);
ALTER TABLE events DROP COLUMN unauthenticated;
