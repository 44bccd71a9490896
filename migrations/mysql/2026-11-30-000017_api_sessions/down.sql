ALTER TABLE accounts
    DROP COLUMN legacy_id,
    DROP COLUMN updated_at;

-- The release before knows only browsers.
DELETE FROM sessions WHERE kind = 'api';
ALTER TABLE sessions
    ADD COLUMN remembered BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE sessions SET remembered = TRUE WHERE kind = 'remembered';
ALTER TABLE sessions
    DROP KEY sessions_idle,
    DROP COLUMN refreshed_at,
    DROP COLUMN generation,
    DROP COLUMN application,
    DROP COLUMN kind,
    ADD KEY sessions_idle (remembered, last_seen_at);
