//! The first check on requests that change something: they must come from a page of this origin. The second is the CSRF
//! token, see [`super::token`].

use actix_web::http::{
    Method,
    header::{self, HeaderMap, HeaderName, HeaderValue},
};

/// Which origin a request comes from, as seen from the one that it goes to.
pub(crate) const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a request changes nothing or comes from `origin`. Browsers send the source of a request in `Sec-Fetch-Site`,
/// which no page can set (W3C Fetch Metadata); older browsers, and all browsers on plain HTTP, in `Origin`. A POST with
/// neither is refused: no browser that could hold a session sends one.
#[must_use]
pub(crate) fn is_same_origin(method: &Method, headers: &HeaderMap, origin: &str) -> bool {
    if method.is_safe() {
        return true;
    }
    match single_value(headers, FETCH_SITE) {
        Some(b"same-origin" | b"none") => true,
        Some(b"same-site" | b"cross-site") => false,
        _ => single_value(headers, header::ORIGIN) == Some(origin.as_bytes()),
    }
}

/// Returns the value of a header that occurs once.
fn single_value(headers: &HeaderMap, name: HeaderName) -> Option<&[u8]> {
    let mut values = headers.get_all(name).map(HeaderValue::as_bytes);
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "https://login.example";

    fn passes(method: &Method, pairs: &[(&str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name.parse().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        is_same_origin(method, &headers, ORIGIN)
    }

    #[test]
    fn unsafe_methods_require_a_same_origin_header() {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
            for (headers, expected) in [
                (&[("sec-fetch-site", "same-origin")][..], true),
                (&[("sec-fetch-site", "none")], true),
                (&[("sec-fetch-site", "same-site"), ("origin", ORIGIN)], false),
                (&[("sec-fetch-site", "cross-site"), ("origin", ORIGIN)], false),
                (&[("sec-fetch-site", "new-value"), ("origin", ORIGIN)], true),
                (&[("sec-fetch-site", "new-value")], false),
                (&[("origin", ORIGIN)], true),
                (&[("origin", "https://evil.example")], false),
                (&[("origin", "https://login.example.evil.example")], false),
                (&[("origin", "http://login.example")], false),
                (&[("origin", "https://login.example:8443")], false),
                (&[("origin", "null")], false),
                (&[("origin", ORIGIN), ("origin", "https://evil.example")], false),
                (&[("referer", "https://login.example/login")], false),
                (&[], false),
            ] {
                assert_eq!(passes(&method, headers), expected, "{method} {headers:?}");
            }
        }
    }

    #[test]
    fn safe_methods_are_allowed_cross_origin() {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE] {
            assert!(passes(&method, &[("sec-fetch-site", "cross-site")]), "{method}");
        }
    }
}
