ALTER TABLE events
    DROP KEY events_address,
    DROP KEY events_kind;
