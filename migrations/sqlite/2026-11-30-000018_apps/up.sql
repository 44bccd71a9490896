-- Applications behind Gatehouse. roles and cors are separated by spaces; hs256_secret is encrypted under the signing
-- secret. The row "apps" of locks serializes changes.
CREATE TABLE apps (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    url TEXT UNIQUE,
    roles TEXT NOT NULL,
    cors TEXT NOT NULL,
    tokens TEXT,
    hs256_secret BLOB,
    created_at BIGINT NOT NULL
) WITHOUT ROWID;
INSERT INTO locks (name) VALUES ('apps');
