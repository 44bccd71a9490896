-- Links to register, each for one account. The token itself is not kept. inviter is as events.actor; roles are separated
-- by spaces.
CREATE TABLE invitations (
    id BINARY(16) NOT NULL PRIMARY KEY,
    token_hash BINARY(32) NOT NULL,
    inviter VARCHAR(36) NOT NULL,
    roles VARCHAR(1024) NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    UNIQUE KEY invitations_token (token_hash),
    KEY invitations_expiry (expires_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
