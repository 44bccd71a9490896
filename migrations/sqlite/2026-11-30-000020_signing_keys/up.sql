-- The keys of access tokens, see src/tokens/signing_keys.rs.
CREATE TABLE signing_keys (
    -- The `kid` of tokens: the RFC 7638 thumbprint.
    id TEXT NOT NULL PRIMARY KEY,
    -- PKCS #8, encrypted under the secret.
    private_key BLOB NOT NULL,
    signs_from BIGINT NOT NULL
) WITHOUT ROWID;
INSERT INTO locks (name) VALUES ('signing keys');
