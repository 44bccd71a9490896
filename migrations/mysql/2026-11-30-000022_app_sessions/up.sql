-- Each statement can be repeated, because a crash between two leaves the first one done.
-- What a browser has at an application behind a reverse proxy. It ends with its session, and follows it when that gets a
-- new id.
CREATE TABLE IF NOT EXISTS app_sessions (
    session_id BINARY(16) NOT NULL,
    app VARCHAR(32) NOT NULL,
    id BINARY(16) NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (session_id, app),
    UNIQUE KEY app_sessions_id (id),
    CONSTRAINT app_session_of_session FOREIGN KEY (session_id) REFERENCES sessions (id)
        ON DELETE CASCADE ON UPDATE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One-time codes that take a browser from Gatehouse to an application. browser is the SHA-256 of a cookie that only
-- this browser has.
CREATE TABLE IF NOT EXISTS handover_codes (
    code_hash BINARY(32) NOT NULL PRIMARY KEY,
    session_id BINARY(16) NOT NULL,
    app VARCHAR(32) NOT NULL,
    browser BINARY(32) NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    KEY handover_codes_session (session_id),
    KEY handover_codes_expiry (expires_at),
    CONSTRAINT handover_code_of_session FOREIGN KEY (session_id) REFERENCES sessions (id)
        ON DELETE CASCADE ON UPDATE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
