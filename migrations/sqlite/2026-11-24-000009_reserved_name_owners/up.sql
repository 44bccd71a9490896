-- The account that may take the name back; NULL if it was deleted.
ALTER TABLE reserved_names ADD COLUMN account_id BLOB;
CREATE INDEX reserved_names_account ON reserved_names (account_id, until);
