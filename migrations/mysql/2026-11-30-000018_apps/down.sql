DELETE FROM locks WHERE name = 'apps';
DROP TABLE apps;
