-- User names of deleted accounts, as keyed hashes, while they are reserved.
CREATE TABLE reserved_names (
    name BLOB NOT NULL PRIMARY KEY,
    until BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX reserved_names_until ON reserved_names (until);
