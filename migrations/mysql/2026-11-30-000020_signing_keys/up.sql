-- The keys of access tokens, see src/tokens/signing_keys.rs.
CREATE TABLE signing_keys (
    -- The `kid` of tokens: the RFC 7638 thumbprint.
    id VARCHAR(43) NOT NULL PRIMARY KEY,
    -- PKCS #8, encrypted under the secret.
    private_key VARBINARY(512) NOT NULL,
    signs_from BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
INSERT INTO locks (name) VALUES ('signing keys');
