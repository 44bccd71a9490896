-- A user name has no @, so it is the key of no address.
UPDATE accounts SET email = '', email_key = username WHERE email_key IS NULL;
ALTER TABLE accounts
    MODIFY COLUMN email VARCHAR(254) NOT NULL,
    MODIFY COLUMN email_key VARCHAR(254) NOT NULL;
