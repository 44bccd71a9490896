-- kind: 'browser', 'remembered' or 'api', see src/sessions/kind.rs.
ALTER TABLE sessions ADD COLUMN kind TEXT NOT NULL DEFAULT 'browser';
UPDATE sessions SET kind = 'remembered' WHERE remembered;
DROP INDEX sessions_idle;
ALTER TABLE sessions DROP COLUMN remembered;
CREATE INDEX sessions_idle ON sessions (kind, last_seen_at);
-- The application whose tokens a program asked for.
ALTER TABLE sessions ADD COLUMN application TEXT;
-- How often the refresh token was replaced, and when it was last.
ALTER TABLE sessions ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN refreshed_at BIGINT;

-- When user name, e-mail address or roles were last changed.
ALTER TABLE accounts ADD COLUMN updated_at BIGINT NOT NULL DEFAULT 0;
UPDATE accounts SET updated_at = created_at;
-- The id in the system that the account was imported from.
ALTER TABLE accounts ADD COLUMN legacy_id TEXT;
