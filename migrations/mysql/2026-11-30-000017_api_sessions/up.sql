-- kind: 'browser', 'remembered' or 'api', see src/sessions/kind.rs. application: the application whose tokens a program
-- asked for. generation, refreshed_at: how often the refresh token was replaced, and when it was last.
ALTER TABLE sessions
    ADD COLUMN kind VARCHAR(16) NOT NULL DEFAULT 'browser',
    ADD COLUMN application VARCHAR(32),
    ADD COLUMN generation INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN refreshed_at BIGINT;
UPDATE sessions SET kind = 'remembered' WHERE remembered;
ALTER TABLE sessions
    DROP KEY sessions_idle,
    DROP COLUMN remembered,
    ADD KEY sessions_idle (kind, last_seen_at);

-- updated_at: when user name, e-mail address or roles were last changed. legacy_id: the id in the system that the account
-- was imported from.
ALTER TABLE accounts
    ADD COLUMN updated_at BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN legacy_id VARCHAR(64);
UPDATE accounts SET updated_at = created_at;
