DROP TABLE round_trips;
