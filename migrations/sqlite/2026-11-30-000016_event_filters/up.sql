-- For the filters of administrators. The newest events of a kind or from an address are found without a scan.
CREATE INDEX events_kind ON events (kind, id);
CREATE INDEX events_address ON events (address, id);
