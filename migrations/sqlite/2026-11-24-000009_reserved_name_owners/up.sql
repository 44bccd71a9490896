-- The account that had the name and may take it back; NULL if it was deleted with that name.
ALTER TABLE reserved_names ADD COLUMN account_id BLOB;
CREATE INDEX reserved_names_account ON reserved_names (account_id, until);
