-- Used at start to see that what is written comes back unchanged; empty otherwise.
CREATE TABLE round_trips (
    id BLOB NOT NULL PRIMARY KEY,
    words TEXT NOT NULL,
    at BIGINT NOT NULL
) WITHOUT ROWID;
