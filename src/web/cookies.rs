//! Cookies: read by our own parser, written in one place.
//!
//! `HttpRequest::cookie` percent-decodes and Unicode-trims cookie *names* and takes the first that matches. So a sibling
//! subdomain can plant `%5f%5fHost-session` or a name behind U+2000 in front of the real one, and one byte that is not
//! UTF-8 in any cookie hides them all (measured on actix-web 4.18.1 with Chromium 156). Here the header is bytes, a name
//! is exact, and neighbours do not matter.

use std::time::Duration;

use actix_web::{
    cookie::{Cookie, SameSite, time},
    http::header::{self, HeaderMap, HeaderValue},
};
use memchr::memchr;

/// The cookies of one server; `__Host-` where a browser would hold us to it (RFC 6265bis, 4.1.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jar {
    secure: bool,
}

/// Which cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// The session's token.
    Session,
    /// “This browser has signed in before.”
    Device,
    /// A message to be shown after a redirect.
    Flash,
}

impl Jar {
    /// For a server that browsers reach over TLS, or not.
    #[must_use]
    pub const fn new(secure: bool) -> Self {
        Self { secure }
    }

    /// The name on the wire.
    #[must_use]
    pub const fn name(self, name: Name) -> &'static str {
        match (name, self.secure) {
            (Name::Session, true) => "__Host-session",
            (Name::Session, false) => "session",
            (Name::Device, true) => "__Host-device",
            (Name::Device, false) => "device",
            (Name::Flash, true) => "__Host-flash",
            (Name::Flash, false) => "flash",
        }
    }

    /// The value of the one cookie of this name. With two there is no telling which is ours, so there is none.
    #[must_use]
    pub fn read(self, headers: &HeaderMap, name: Name) -> Option<&[u8]> {
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

    /// A cookie to be set; without `keep_for` it ends with the browser.
    #[must_use]
    pub fn write(self, name: Name, value: String, keep_for: Option<Duration>) -> Cookie<'static> {
        let cookie = Cookie::build(self.name(name), value)
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.secure);
        match keep_for {
            Some(span) => cookie.max_age(time::Duration::try_from(span).unwrap_or(time::Duration::MAX)).finish(),
            None => cookie.finish(),
        }
    }

    /// Takes a cookie from the browser, by the headers of an answer. Everything but the value has to be as it was set, or the
    /// browser keeps it.
    pub fn clear(self, name: Name, headers: &mut HeaderMap) {
        // Written out, because whoever sends forged tokens without end makes us say this without end.
        let cookie = match (name, self.secure) {
            (Name::Session, true) => "__Host-session=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0",
            (Name::Session, false) => "session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0",
            (Name::Device, true) => "__Host-device=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0",
            (Name::Device, false) => "device=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0",
            (Name::Flash, true) => "__Host-flash=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0",
            (Name::Flash, false) => "flash=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0",
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

/// Space and tab, and nothing else that any standard calls white.
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
        Jar::new(true).read(&map, Name::Session).map(<[u8]>::to_vec)
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
        let secure = Jar::new(true).write(Name::Session, "v".to_owned(), None).to_string();
        assert_eq!(secure, "__Host-session=v; HttpOnly; SameSite=Lax; Secure; Path=/");
        let plain = Jar::new(false).write(Name::Device, "v".to_owned(), Some(Duration::from_mins(1))).to_string();
        assert_eq!(plain, "device=v; HttpOnly; SameSite=Lax; Path=/; Max-Age=60");
    }

    #[test]
    fn removal_cookie_has_the_same_attributes() {
        for (jar, name) in [true, false]
            .into_iter()
            .flat_map(|secure| [Name::Session, Name::Device, Name::Flash].map(|name| (Jar::new(secure), name)))
        {
            let mut headers = HeaderMap::new();
            jar.clear(name, &mut headers);
            let written = jar.write(name, String::new(), Some(Duration::ZERO)).to_string();
            assert_eq!(headers.get(header::SET_COOKIE).unwrap(), written.as_str());
        }
    }

    proptest! {
        #[test]
        fn parser_never_panics_on_arbitrary_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let mut map = HeaderMap::new();
                map.append(header::COOKIE, value);
                let _ = Jar::new(true).read(&map, Name::Session);
            }
        }

        #[test]
        fn other_cookies_never_change_the_value(before in "[^;]{0,20}", after in "[^;]{0,20}") {
            prop_assume!(!before.contains("__Host-session") && !after.contains("__Host-session"));
            let header = format!("{before};__Host-session=good;{after}");
            if let Ok(value) = HeaderValue::from_str(&header) {
                let mut map = HeaderMap::new();
                map.append(header::COOKIE, value);
                prop_assert_eq!(Jar::new(true).read(&map, Name::Session), Some(&b"good"[..]));
            }
        }
    }
}
