-- For administrators. The newest events of a kind or from an address are found without a scan, and the events of a kind
-- are counted without reading their rows.
CREATE INDEX events_kind ON events (kind, id, occurrences);
CREATE INDEX events_address ON events (address, id);
