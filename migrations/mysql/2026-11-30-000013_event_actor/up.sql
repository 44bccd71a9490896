-- Who did it, if it was not the owner: 'operator' for the command line, or the id of an administrator.
ALTER TABLE events ADD COLUMN actor VARCHAR(36) NOT NULL DEFAULT '';
