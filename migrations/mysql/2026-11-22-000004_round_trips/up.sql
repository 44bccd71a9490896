-- Used at start to check that the database returns what was written. Empty otherwise.
CREATE TABLE round_trips (
    id BINARY(16) NOT NULL PRIMARY KEY,
    words VARCHAR(64) NOT NULL,
    at BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
