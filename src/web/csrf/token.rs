//! The second check on requests that change something: a hidden form field that is bound to the session (NIST SP
//! 800-63B-4, 5.1). Another site can make a browser send the session cookie, but does not know this token.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};

use crate::{
    keys::{Keys, Purpose},
    sessions::{Session, SessionId},
};

/// The name of the hidden field.
pub(crate) const CSRF_FIELD: &str = "csrf_token";

/// Returns the token for forms of `session`.
#[must_use]
pub(crate) fn issue(keys: &Keys, session: SessionId) -> String {
    BASE64.encode(keys.tag(Purpose::Form, session.as_bytes()))
}

/// Whether `token` was issued for `session`.
#[must_use]
pub(crate) fn verify(keys: &Keys, session: &Session, token: &str) -> bool {
    BASE64.decode(token).is_ok_and(|tag| keys.verifies(Purpose::Form, session.id.as_bytes(), &tag))
}
