-- Device cookies from before this time are not trusted: the password was changed, or the owner forgot known browsers.
ALTER TABLE accounts ADD COLUMN devices_trusted_since BIGINT NOT NULL DEFAULT 0;
