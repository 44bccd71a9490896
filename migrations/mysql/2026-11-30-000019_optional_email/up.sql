-- An imported account may have no address until its owner adds one.
ALTER TABLE accounts
    MODIFY COLUMN email VARCHAR(254),
    MODIFY COLUMN email_key VARCHAR(254);
