-- For administrators. The newest events of a kind or from an address are found without a scan, and the events of a kind
-- are counted without reading their rows.
ALTER TABLE events
    ADD KEY events_kind (kind, id, occurrences),
    ADD KEY events_address (address, id);
