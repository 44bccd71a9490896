ALTER TABLE accounts DROP COLUMN legacy_id;
ALTER TABLE accounts DROP COLUMN updated_at;

-- The release before knows only browsers.
DELETE FROM sessions WHERE kind = 'api';
ALTER TABLE sessions DROP COLUMN refreshed_at;
ALTER TABLE sessions DROP COLUMN generation;
ALTER TABLE sessions DROP COLUMN application;
DROP INDEX sessions_idle;
ALTER TABLE sessions ADD COLUMN remembered BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE sessions SET remembered = TRUE WHERE kind = 'remembered';
ALTER TABLE sessions DROP COLUMN kind;
CREATE INDEX sessions_idle ON sessions (remembered, last_seen_at);
