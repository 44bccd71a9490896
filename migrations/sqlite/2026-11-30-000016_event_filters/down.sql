DROP INDEX events_address;
DROP INDEX events_kind;
