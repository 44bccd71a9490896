//! What happened, for the owner of an account.

use crate::events::EventKind;

pub(super) fn event(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Registered => "You created the account",
        EventKind::SignedIn => "You signed in",
        EventKind::SignInFailed => "Sign-in with a wrong password",
        EventKind::ReauthenticationFailed => "Wrong password for a change of the account",
        EventKind::SignInThrottled => "Sign-in refused after too many attempts",
        EventKind::PasswordUseThrottled => "The right password was refused because it was used too often",
        EventKind::ReauthenticationThrottled => "Change of the account refused after too many wrong passwords",
        EventKind::RegistrationThrottled => "Registration refused after too many attempts",
        EventKind::SignedOut => "You signed out",
        EventKind::SessionEnded => "You signed out another session",
        EventKind::SessionReplaced => "The least recently used session ended, because there were too many",
        EventKind::DevicesForgotten => "You made the site forget all other browsers",
        EventKind::SessionExpired => "A session expired",
        EventKind::Reauthenticated => "You confirmed your password",
        EventKind::PasswordChanged => "You changed your password",
        EventKind::ProfileChanged => "You changed your user name or e-mail address",
        EventKind::TokenRefused => "An invalid session was refused",
        EventKind::RefreshTokenReused => "A session of a program ended, because an old token of it was used again",
        EventKind::CrossOriginRefused => "A form from another site was refused",
        EventKind::FormRefused => "A form that was out of date was refused",
        EventKind::RequestRefused => "A malformed request was refused",
        EventKind::InvitationCreated => "An operator made an invitation",
        EventKind::InvitationRevoked => "An operator made an invitation invalid",
        EventKind::InvitationUsed => "You registered with an invitation",
        EventKind::AccountCreated => "An operator created the account",
        EventKind::AccountUnlocked => "An operator unlocked the account",
        EventKind::AccountDisabled => "An operator disabled the account",
        EventKind::AccountEnabled => "An operator enabled the account",
        EventKind::AccountSignedOut => "An operator signed you out everywhere",
        EventKind::RoleAdded => "An operator gave the account a role",
        EventKind::RoleRemoved => "An operator took a role from the account",
        EventKind::ResetLinkCreated => "An operator made a link to set a new password",
        EventKind::PasswordReset => "A new password was set with a link",
        EventKind::AccountDeleted => "You deleted the account",
    }
}
