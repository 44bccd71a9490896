//! The tables, once for both databases. Kept by hand beside `migrations/`, because a generated schema would name the
//! types of one database only.

diesel::table! {
    accounts (id) {
        id -> Binary,
        username -> Text,
        email -> Nullable<Text>,
        email_key -> Nullable<Text>,
        password_hash -> Text,
        created_at -> BigInt,
        last_sign_in_at -> Nullable<BigInt>,
        last_sign_in_address -> Text,
        last_sign_in_user_agent -> Text,
        failed_sign_ins -> Integer,
        devices_trusted_since -> BigInt,
        language -> Nullable<Text>,
        disabled -> Bool,
        locked -> Bool,
        updated_at -> BigInt,
        legacy_id -> Nullable<Text>,
    }
}

diesel::table! {
    foreign_hashes (account_id) {
        account_id -> Binary,
        class -> Text,
    }
}

diesel::table! {
    flask_security_keys (name) {
        name -> Text,
        encrypted -> Binary,
    }
}

diesel::table! {
    account_roles (account_id, role) {
        account_id -> Binary,
        role -> Text,
    }
}

diesel::table! {
    apps (id) {
        id -> Text,
        name -> Text,
        url -> Nullable<Text>,
        roles -> Text,
        cors -> Text,
        tokens -> Nullable<Text>,
        hs256_secret -> Nullable<Binary>,
        created_at -> BigInt,
    }
}

diesel::table! {
    locks (name) {
        name -> Text,
    }
}

diesel::table! {
    invitations (id) {
        id -> Binary,
        token_hash -> Binary,
        inviter -> Text,
        roles -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    reset_links (account_id) {
        account_id -> Binary,
        token_hash -> Binary,
        expires_at -> BigInt,
    }
}

diesel::table! {
    sessions (id) {
        id -> Binary,
        account_id -> Binary,
        created_at -> BigInt,
        authenticated_at -> BigInt,
        last_seen_at -> BigInt,
        expires_at -> BigInt,
        kind -> Text,
        previous_sign_in_at -> Nullable<BigInt>,
        previous_address -> Text,
        previous_user_agent -> Text,
        failures_before -> Integer,
        address -> Text,
        user_agent -> Text,
        application -> Nullable<Text>,
        generation -> Integer,
        refreshed_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    app_sessions (session_id, app) {
        session_id -> Binary,
        app -> Text,
        id -> Binary,
        created_at -> BigInt,
    }
}

diesel::table! {
    handover_codes (code_hash) {
        code_hash -> Binary,
        session_id -> Binary,
        app -> Text,
        browser -> Binary,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    events (id) {
        id -> Binary,
        at -> BigInt,
        kind -> Text,
        account_id -> Nullable<Binary>,
        address -> Text,
        user_agent -> Text,
        request_id -> Text,
        occurrences -> Integer,
        unauthenticated -> Bool,
        actor -> Text,
    }
}

diesel::table! {
    throttles (budget) {
        budget -> Binary,
        failures -> Integer,
        blocked_until -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    reserved_names (name) {
        name -> Binary,
        until -> BigInt,
        account_id -> Nullable<Binary>,
    }
}

diesel::table! {
    account_cleanups (account_id) {
        account_id -> Binary,
        revoked_at -> BigInt,
        kept -> Nullable<Binary>,
    }
}

diesel::table! {
    signing_keys (id) {
        id -> Text,
        private_key -> Binary,
        signs_from -> BigInt,
    }
}

diesel::table! {
    round_trips (id) {
        id -> Binary,
        words -> Text,
        at -> BigInt,
    }
}

diesel::joinable!(sessions -> accounts (account_id));
diesel::joinable!(foreign_hashes -> accounts (account_id));
diesel::joinable!(account_roles -> accounts (account_id));
diesel::joinable!(app_sessions -> sessions (session_id));
diesel::joinable!(handover_codes -> sessions (session_id));
diesel::joinable!(reset_links -> accounts (account_id));
diesel::allow_tables_to_appear_in_same_query!(sessions, app_sessions, handover_codes);
diesel::allow_tables_to_appear_in_same_query!(
    accounts,
    sessions,
    account_cleanups,
    account_roles,
    reset_links,
    foreign_hashes
);
