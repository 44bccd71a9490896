-- Links to register, each for one account. The token itself is not kept. inviter is as events.actor; roles are separated
-- by spaces.
CREATE TABLE invitations (
    id BLOB NOT NULL PRIMARY KEY,
    token_hash BLOB NOT NULL UNIQUE,
    inviter TEXT NOT NULL,
    roles TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
) WITHOUT ROWID;
CREATE INDEX invitations_expiry ON invitations (expires_at);
