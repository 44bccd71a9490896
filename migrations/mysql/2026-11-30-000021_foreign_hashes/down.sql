ALTER TABLE accounts DROP KEY accounts_legacy_id;
DROP TABLE flask_security_keys;
DROP TABLE foreign_hashes;
