//! Cookies: read by a parser of our own, written in one place.
//!
//! `HttpRequest::cookie` percent-decodes and Unicode-trims cookie *names* and returns the first match. So a sibling
//! subdomain can plant `%5f%5fHost-session`, or a name after U+2000, in front of the real cookie, and one byte that is
//! not UTF-8 in any cookie hides them all (measured on actix-web 4.18.1 with Chromium 156). This parser reads bytes,
//! compares names exactly, and ignores other cookies.

use std::time::Duration;

use actix_web::{
    cookie::{Cookie, SameSite, time},
    http::header::{self, HeaderMap, HeaderValue},
};
use memchr::memchr;

/// How the cookies of this server are named and written: with the prefix `__Host-` over TLS (RFC 6265bis, 4.1.3.2),
/// except [`CookieName::Language`], which is neither secret nor trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cookies {
    secure: bool,
}

/// A cookie of this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CookieName {
    /// The session's token.
    Session,
    /// The accounts that this browser has signed in to before.
    Device,
    /// A message that the next page shows.
    Flash,
    /// The language of the pages.
    Language,
    /// At an application: the session.
    Gate,
    /// At an application: identifies the browser on its way to the sign-in page and back.
    GateStart,
}

impl Cookies {
    /// Returns cookies for a server that browsers reach over TLS, if `secure`, or over plain HTTP.
    #[must_use]
    pub const fn new(secure: bool) -> Self {
        Self { secure }
    }

    /// Returns the name in the `Cookie` header.
    #[must_use]
    pub const fn name(self, name: CookieName) -> &'static str {
        match (name, self.secure) {
            (CookieName::Session, true) => "__Host-session",
            (CookieName::Session, false) => "session",
            (CookieName::Device, true) => "__Host-device",
            (CookieName::Device, false) => "device",
            (CookieName::Flash, true) => "__Host-flash",
            (CookieName::Flash, false) => "flash",
            (CookieName::Language, _) => "language",
            (CookieName::Gate, true) => "__Host-gate",
            (CookieName::Gate, false) => "gate",
            (CookieName::GateStart, true) => "__Host-gate-start",
            (CookieName::GateStart, false) => "gate-start",
        }
    }

    /// Returns the value of the cookie of this name. `None` if there are two: one of them may be planted.
    #[must_use]
    pub fn get(self, headers: &HeaderMap, name: CookieName) -> Option<&[u8]> {
        let name = self.name(name).as_bytes();
        let mut values = headers
            .get_all(header::COOKIE)
            .flat_map(|header| pairs(header.as_bytes()))
            .filter_map(|pair| value(pair, name));
        match (values.next(), values.next()) {
            (Some(value), None) => Some(value),
            _ => None,
        }
    }

    /// Returns a cookie to set. Without `max_age` the browser drops it when it is closed.
    #[must_use]
    pub fn build(self, name: CookieName, value: String, max_age: Option<Duration>) -> Cookie<'static> {
        let cookie = Cookie::build(self.name(name), value)
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.secure);
        match max_age {
            Some(span) => cookie.max_age(time::Duration::try_from(span).unwrap_or(time::Duration::MAX)).finish(),
            None => cookie.finish(),
        }
    }

    /// Makes the browser drop a cookie, in the headers of a response. The attributes are those that it was set with, or
    /// the browser keeps it.
    pub fn remove(self, name: CookieName, headers: &mut HeaderMap) {
        // Literals, because every request with a forged token gets this header.
        let cookie = match (name, self.secure) {
            (CookieName::Session, true) => "__Host-session=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0",
            (CookieName::Session, false) => "session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0",
            (CookieName::Device, true) => "__Host-device=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0",
            (CookieName::Device, false) => "device=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0",
            (CookieName::Flash, true) => "__Host-flash=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0",
            (CookieName::Flash, false) => "flash=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0",
            (CookieName::Language, true) => "language=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0",
            (CookieName::Language, false) => "language=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0",
            (CookieName::Gate, true) => "__Host-gate=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0",
            (CookieName::Gate, false) => "gate=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0",
            (CookieName::GateStart, true) => "__Host-gate-start=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0",
            (CookieName::GateStart, false) => "gate-start=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0",
        };
        headers.append(header::SET_COOKIE, HeaderValue::from_static(cookie));
    }
}

fn pairs(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(header);
    std::iter::from_fn(move || {
        let bytes = rest?;
        let end = memchr(b';', bytes);
        rest = end.map(|end| &bytes[end + 1..]);
        Some(&bytes[..end.unwrap_or(bytes.len())])
    })
}

fn value<'a>(pair: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let pair = trim(pair);
    let equals = memchr(b'=', pair)?;
    (trim(&pair[..equals]) == name).then(|| trim(&pair[equals + 1..]))
}

/// Trims spaces and tabs, and no other white space.
fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(headers: &[&[u8]]) -> Option<Vec<u8>> {
        let mut map = HeaderMap::new();
        for header in headers {
            map.append(header::COOKIE, HeaderValue::from_bytes(header).unwrap());
        }
        Cookies::new(true).get(&map, CookieName::Session).map(<[u8]>::to_vec)
    }

    #[test]
    fn cookie_is_found_among_other_cookies() {
        for header in [
            &b"__Host-session=good"[..],
            b"a=1; __Host-session=good; b=2",
            b"a=1;__Host-session=good",
            b"\t __Host-session = good \t",
            b"nameless; __Host-session=good; =x; ;;",
            b"bad=\xff\xfe; __Host-session=good",
        ] {
            assert_eq!(read(&[header]).as_deref(), Some(&b"good"[..]), "{header:?}");
        }
        assert_eq!(read(&[b"a=1", b"__Host-session=good"]).as_deref(), Some(&b"good"[..]));
        assert_eq!(read(&[b"__Host-session=a=b"]).as_deref(), Some(&b"a=b"[..]));
    }

    #[test]
    fn lookalike_cookie_names_are_ignored() {
        for planted in [
            &b"%5f%5fHost-session=evil"[..],
            b"%5F%5FHost-session=evil",
            b"__host-session=evil",
            b"__HOST-SESSION=evil",
            b"\xe2\x80\x80__Host-session=evil",
            b"\xc2\xa0__Host-session=evil",
            b"__Host-session\xc2\xa0=evil",
            b"\xff__Host-session=evil",
            b"x__Host-session=evil",
            b"__Host-session2=evil",
            b"\"__Host-session\"=evil",
            b"session=evil",
            b"__Host-session",
        ] {
            assert_eq!(read(&[planted]), None, "{planted:?}");
            let both = [planted, b"; __Host-session=good"].concat();
            assert_eq!(read(&[&both]).as_deref(), Some(&b"good"[..]), "{planted:?}");
        }
    }

    #[test]
    fn duplicate_cookies_are_ignored() {
        assert_eq!(read(&[b"__Host-session=evil; __Host-session=good"]), None);
        assert_eq!(read(&[b"__Host-session=evil", b"__Host-session=good"]), None);
    }

    #[test]
    fn cookie_attributes_match_the_contract() {
        let secure = Cookies::new(true).build(CookieName::Session, "v".to_owned(), None).to_string();
        assert_eq!(secure, "__Host-session=v; HttpOnly; SameSite=Lax; Secure; Path=/");
        let plain =
            Cookies::new(false).build(CookieName::Device, "v".to_owned(), Some(Duration::from_mins(1))).to_string();
        assert_eq!(plain, "device=v; HttpOnly; SameSite=Lax; Path=/; Max-Age=60");
    }

    #[test]
    fn removal_cookie_has_the_same_attributes() {
        for (cookies, name) in [true, false].into_iter().flat_map(|secure| {
            let names = [CookieName::Session, CookieName::Device, CookieName::Flash, CookieName::Language];
            names.map(|name| (Cookies::new(secure), name))
        }) {
            let mut headers = HeaderMap::new();
            cookies.remove(name, &mut headers);
            let written = cookies.build(name, String::new(), Some(Duration::ZERO)).to_string();
            assert_eq!(headers.get(header::SET_COOKIE).unwrap(), written.as_str());
        }
    }

    proptest! {
        #[test]
        fn parser_never_panics_on_arbitrary_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let mut map = HeaderMap::new();
                map.append(header::COOKIE, value);
                let _ = Cookies::new(true).get(&map, CookieName::Session);
            }
        }

        #[test]
        fn other_cookies_never_change_the_value(before in "[^;]{0,20}", after in "[^;]{0,20}") {
            prop_assume!(!before.contains("__Host-session") && !after.contains("__Host-session"));
            let header = format!("{before};__Host-session=good;{after}");
            if let Ok(value) = HeaderValue::from_str(&header) {
                let mut map = HeaderMap::new();
                map.append(header::COOKIE, value);
                prop_assert_eq!(Cookies::new(true).get(&map, CookieName::Session), Some(&b"good"[..]));
            }
        }
    }
}
