-- Refused attempts, which an attacker can cause without the password or a session, are listed apart.
ALTER TABLE events ADD COLUMN unauthenticated BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE events SET unauthenticated = TRUE WHERE kind IN (
    'sign_in_failed', 'sign_in_throttled', 'registration_throttled', 'token_refused', 'cross_origin_refused'
);
ALTER TABLE events DROP KEY events_account, ADD KEY events_account (account_id, unauthenticated, id);
