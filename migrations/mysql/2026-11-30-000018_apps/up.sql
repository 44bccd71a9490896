-- Each statement can be repeated, because a crash between two leaves the first one done.
-- Applications behind Gatehouse. roles and cors are separated by spaces; hs256_secret is encrypted under the signing
-- secret. The row "apps" of locks serializes changes.
CREATE TABLE IF NOT EXISTS apps (
    id VARCHAR(32) NOT NULL PRIMARY KEY,
    name VARCHAR(60) NOT NULL,
    url VARCHAR(300),
    roles VARCHAR(1024) NOT NULL,
    cors TEXT NOT NULL,
    tokens VARCHAR(32),
    hs256_secret VARBINARY(2048),
    created_at BIGINT NOT NULL,
    UNIQUE KEY apps_url (url)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
INSERT IGNORE INTO locks (name) VALUES ('apps');
