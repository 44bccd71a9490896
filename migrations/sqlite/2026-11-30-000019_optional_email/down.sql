-- A user name has no @, so it is the key of no address.
UPDATE accounts SET email = '', email_key = username WHERE email_key IS NULL;
ALTER TABLE accounts ALTER COLUMN email SET NOT NULL;
ALTER TABLE accounts ALTER COLUMN email_key SET NOT NULL;
