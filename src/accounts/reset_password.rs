//! Sets a new password with a link that an operator made.

use secrecy::SecretString;

use super::{
    Accounts, Email, Error, LinkToken, Rejection,
    admin::store as admin_store,
    store::{self, ResetTarget},
};
use crate::{client::Client, db, events::EventKind, passwords::Priority, sessions::Sessions, throttle};

/// A new password, as typed by the holder of a link.
#[derive(Debug)]
pub struct ResetPassword {
    /// The token of the link.
    pub token: LinkToken,
    /// The new password.
    pub password: SecretString,
    /// The new password again.
    pub password_confirm: SecretString,
}

impl Accounts {
    /// Whether a link to set a new password is valid now.
    pub async fn is_reset_link(&self, token: &LinkToken) -> Result<bool, db::Error> {
        Ok(self.reset_target(token).await?.is_some())
    }

    async fn reset_target(&self, token: &LinkToken) -> Result<Option<ResetTarget>, db::Error> {
        let (hash, now) = (token.hash(), self.core.clock.now());
        self.core.database.read(move |conn| store::reset_target(conn, &hash, now)).await
    }

    /// Sets the password of the account that the link is for, ends all its sessions, makes all browsers unknown and
    /// unlocks it: who had the old password or a session has nothing left. The link is used up.
    pub async fn reset_password(&self, form: ResetPassword, client: &Client) -> Result<(), Error> {
        let ResetTarget { account, username, email } =
            self.reset_target(&form.token).await?.ok_or(Rejection::LinkInvalid)?;
        let mut errors = Vec::new();
        let password = self.parse_new_password(
            (&form.password, &form.password_confirm),
            (username.as_str(), email.as_ref().map_or("", Email::as_str)),
            &mut errors,
        );
        let (Some(password), true) = (password, errors.is_empty()) else {
            return Err(Rejection::invalid(errors).into());
        };
        if let Some(weakness) = self.check_policy(password.clone(), &username, email.as_ref(), client).await? {
            return Err(Rejection::invalid(vec![weakness]).into());
        }
        let permit = self.hasher.try_reserve(client.network(), Priority::UnknownDevice).ok_or(Rejection::Overloaded)?;
        let password_hash = permit.hash(password).await?;

        let token_hash = form.token.hash();
        self.core
            .transactions
            .run(client, move |tx| {
                // Locked before the link is read again, so that of two requests one finds it used.
                tx.lock_account(account)?;
                if store::reset_target(tx.conn, &token_hash, tx.now)?.is_none_or(|target| target.account != account) {
                    return Err(Error::from(Rejection::LinkInvalid));
                }
                admin_store::delete_reset_link(tx.conn, account)?;
                store::replace_hash(tx, account, &password_hash)?;
                Sessions::revoke_all(tx, account, None)?;
                store::invalidate_devices(tx, account)?;
                throttle::unlock(tx.conn, account)?;
                tx.record(EventKind::PasswordReset, account)?;
                Ok::<_, Error>(())
            })
            .await
    }
}
