-- The account that had the name and may take it back; NULL if it was deleted with that name.
ALTER TABLE reserved_names ADD COLUMN account_id BINARY(16), ADD KEY reserved_names_account (account_id, until);
