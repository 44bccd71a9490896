//! The texts of the admin area.

use std::borrow::Cow;

use serde::Serialize;

use crate::{apps, events::EventKind, identity::AccountState};

/// The texts of the admin area in one language.
#[derive(Serialize)]
#[expect(missing_docs, reason = "the texts in `en` say what each field is")]
pub struct AdminMessages {
    pub nav_admin: &'static str,
    pub administration: &'static str,
    pub overview: &'static str,
    pub accounts: &'static str,
    pub site_activity: &'static str,

    pub password_hashing: &'static str,
    pub database: &'static str,
    pub sign_ins: &'static str,
    pub failures: &'static str,
    pub refusals: &'static str,
    pub imported_passwords: &'static str,
    pub imported_passwords_hint: &'static str,
    pub show_these_accounts: &'static str,
    pub hash_scheme: &'static str,
    pub as_table: &'static str,
    pub day: &'static str,
    pub number: &'static str,

    pub name_starts_with: &'static str,
    pub role: &'static str,
    pub state: &'static str,
    pub any_state: &'static str,
    pub password_hash: &'static str,
    pub any_password_hash: &'static str,
    pub imported: &'static str,
    pub search: &'static str,
    pub no_accounts: &'static str,
    pub more_accounts: &'static str,

    pub account_id: &'static str,
    pub roles: &'static str,
    pub no_roles: &'static str,
    pub created: &'static str,
    pub never_signed_in: &'static str,
    pub password_storage: &'static str,
    pub no_password: &'static str,
    pub access: &'static str,
    pub disable: &'static str,
    pub disable_text: &'static str,
    pub enable: &'static str,
    pub enable_text: &'static str,
    pub unlock: &'static str,
    pub unlock_text: &'static str,
    pub sign_out_everywhere: &'static str,
    pub create_reset_link: &'static str,
    pub add_role: &'static str,
    pub sessions: &'static str,
    pub no_sessions: &'static str,
    pub all_activity: &'static str,

    pub reset_link: &'static str,
    pub shown_once: &'static str,
    pub back_to_account: &'static str,
    pub target_deletion_text: &'static str,
    pub type_target_to_confirm: &'static str,

    pub invitations: &'static str,
    pub new_invitation: &'static str,
    pub new_invitation_text: &'static str,
    pub invitation_roles: &'static str,
    pub invitation_roles_hint: &'static str,
    pub valid_for: &'static str,
    pub valid_for_hint: &'static str,
    pub create_invitation: &'static str,
    pub no_invitations: &'static str,
    pub valid_until: &'static str,
    pub expired: &'static str,
    pub used: &'static str,
    pub without_roles: &'static str,
    pub revoke: &'static str,
    pub older_invitations: &'static str,
    pub confirm_invitation: &'static str,
    pub invitation_link: &'static str,
    pub invitation_link_text: &'static str,
    pub invitation_shown_once: &'static str,
    pub back_to_invitations: &'static str,

    pub apps: &'static str,
    pub app: &'static str,
    pub no_apps: &'static str,
    pub more_apps: &'static str,
    pub all_may_enter: &'static str,
    pub api_only: &'static str,
    pub new_app: &'static str,
    pub app_id: &'static str,
    pub app_id_hint: &'static str,
    pub app_name: &'static str,
    pub app_name_hint: &'static str,
    pub app_url: &'static str,
    pub app_url_hint: &'static str,
    pub app_roles: &'static str,
    pub app_roles_hint: &'static str,
    pub app_cors: &'static str,
    pub app_cors_hint: &'static str,
    pub app_tokens: &'static str,
    pub app_tokens_hint: &'static str,
    pub own_tokens: &'static str,
    pub app_secret: &'static str,
    pub app_secret_hint: &'static str,
    pub app_secret_lost: &'static str,
    pub add_app: &'static str,
    pub added: &'static str,
    pub remove_app: &'static str,
    pub app_removal_text: &'static str,
    pub back_to_app: &'static str,

    pub kind: &'static str,
    pub any_kind: &'static str,
    pub account_filter: &'static str,
    pub address: &'static str,
    pub until: &'static str,
    pub older_events: &'static str,
    pub by_operator: &'static str,
    pub deleted_account: &'static str,
    pub session_ended_by_operator: &'static str,

    #[serde(skip)]
    pub(crate) jobs: fn(running: usize, waiting: usize) -> String,
    #[serde(skip)]
    pub(crate) in_days: fn(number: i64, days: usize) -> String,
    #[serde(skip)]
    pub(crate) state_name: fn(AccountState) -> &'static str,
    #[serde(skip)]
    pub(crate) remove_role: fn(role: &str) -> String,
    #[serde(skip)]
    pub(crate) delete_target: fn(username: &str) -> String,
    #[serde(skip)]
    pub(crate) remove_named_app: fn(name: &str) -> String,
    /// What a rule for applications says.
    #[serde(skip)]
    pub(crate) app_rejection: fn(&apps::Rejection) -> Cow<'static, str>,
    #[serde(skip)]
    pub(crate) confirm_change: fn(username: &str) -> String,
    #[serde(skip)]
    pub(crate) link_for: fn(username: &str) -> String,
    #[serde(skip)]
    pub(crate) by: fn(username: &str) -> String,
    /// What happened, for administrators.
    #[serde(skip)]
    pub(crate) event: fn(EventKind) -> &'static str,
}
