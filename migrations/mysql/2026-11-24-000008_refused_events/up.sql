-- Refused attempts, which anybody can cause, are listed apart from what the owner did.
ALTER TABLE events ADD COLUMN refused BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE events SET refused = TRUE WHERE kind LIKE '%\_failed' OR kind LIKE '%\_throttled' OR kind LIKE '%\_refused';
ALTER TABLE events DROP KEY events_account, ADD KEY events_account (account_id, refused, id);
