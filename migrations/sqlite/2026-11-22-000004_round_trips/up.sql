-- Used at start to check that the database returns what was written. Empty otherwise.
CREATE TABLE round_trips (
    id BLOB NOT NULL PRIMARY KEY,
    words TEXT NOT NULL,
    at BIGINT NOT NULL
) WITHOUT ROWID;
