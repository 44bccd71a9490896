DROP INDEX reserved_names_account;
ALTER TABLE reserved_names DROP COLUMN account_id;
