//! The second lock on requests that change something: a hidden field that is bound to the session (NIST SP 800-63B-4,
//! 5.1). Another site can make a browser send our cookie, but does not know this; the token of another session is as good
//! as none.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};

use crate::{
    keys::{Keys, Purpose},
    sessions::Session,
};

/// The name of the field.
pub const FIELD: &str = "csrf_token";

/// The value of the field in forms of `session`.
#[must_use]
pub fn make(keys: &Keys, session: &Session) -> String {
    BASE64.encode(keys.tag(Purpose::Form, session.id.as_bytes()))
}

/// Whether `token` was made for `session`.
#[must_use]
pub fn is_good(keys: &Keys, session: &Session, token: &str) -> bool {
    BASE64.decode(token).is_ok_and(|tag| keys.verifies(Purpose::Form, session.id.as_bytes(), &tag))
}
