DROP TABLE app_sessions;
DROP TABLE handover_codes;
