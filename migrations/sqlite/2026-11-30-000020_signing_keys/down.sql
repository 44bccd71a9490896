DELETE FROM locks WHERE name = 'signing keys';
DROP TABLE signing_keys;
