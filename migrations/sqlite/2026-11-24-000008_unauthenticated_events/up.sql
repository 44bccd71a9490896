-- Refused attempts, which an attacker can cause without the password or a session, are listed apart.
ALTER TABLE events ADD COLUMN unauthenticated BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE events SET unauthenticated = TRUE WHERE kind IN (
    'sign_in_failed', 'sign_in_throttled', 'registration_throttled', 'token_refused', 'cross_origin_refused'
);
DROP INDEX events_account;
CREATE INDEX events_account ON events (account_id, unauthenticated, id);
