DROP TABLE account_cleanups;
DELETE FROM sessions WHERE account_id NOT IN (SELECT id FROM accounts);
ALTER TABLE sessions DROP KEY sessions_account, ADD KEY sessions_account (account_id);
ALTER TABLE sessions ADD CONSTRAINT sessions_of_account FOREIGN KEY (account_id) REFERENCES accounts (id)
    ON DELETE CASCADE;
