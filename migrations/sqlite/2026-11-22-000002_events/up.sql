-- account_id is not a foreign key, because events outlive their account.
CREATE TABLE events (
    id BLOB NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    account_id BLOB,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    request_id TEXT NOT NULL,
    occurrences INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX events_at ON events (at);
CREATE INDEX events_account ON events (account_id, id);
