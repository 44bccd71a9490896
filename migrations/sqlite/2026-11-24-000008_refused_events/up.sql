-- Refused attempts, which anybody can cause, are listed apart from what the owner did.
ALTER TABLE events ADD COLUMN refused BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE events SET refused = TRUE WHERE kind LIKE '%\_failed' ESCAPE '\' OR kind LIKE '%\_throttled' ESCAPE '\'
    OR kind LIKE '%\_refused' ESCAPE '\';
DROP INDEX events_account;
CREATE INDEX events_account ON events (account_id, refused, id);
