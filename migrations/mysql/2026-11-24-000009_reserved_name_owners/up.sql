-- The account that may take the name back; NULL if it was deleted.
ALTER TABLE reserved_names ADD COLUMN account_id BINARY(16), ADD KEY reserved_names_account (account_id, until);
