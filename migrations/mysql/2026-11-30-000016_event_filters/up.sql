-- For the filters of administrators. The newest events of a kind or from an address are found without a scan.
ALTER TABLE events
    ADD KEY events_kind (kind, id),
    ADD KEY events_address (address, id);
