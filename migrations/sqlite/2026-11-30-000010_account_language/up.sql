-- The language that the owner chose; NULL if none was chosen.
ALTER TABLE accounts ADD COLUMN language TEXT;
