-- User names of deleted accounts, as keyed hashes, while they are reserved.
CREATE TABLE reserved_names (
    name BINARY(32) NOT NULL PRIMARY KEY,
    until BIGINT NOT NULL,
    KEY reserved_names_until (until)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
