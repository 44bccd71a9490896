ALTER TABLE accounts DROP COLUMN devices_trusted_since;
