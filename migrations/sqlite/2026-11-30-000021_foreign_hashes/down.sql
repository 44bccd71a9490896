DROP TABLE flask_security_keys;
DROP INDEX accounts_legacy_id;
DROP TABLE foreign_hashes;
