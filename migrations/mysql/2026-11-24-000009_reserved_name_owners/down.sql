ALTER TABLE reserved_names DROP KEY reserved_names_account, DROP COLUMN account_id;
