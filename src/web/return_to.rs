//! Where to go after signing in or choosing a language: a path of this origin, and nothing that a browser could read as
//! another origin.

use std::sync::LazyLock;

use actix_web::{HttpResponse, http::header::LOCATION};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use url::Url;

/// In bytes.
const MAX_LENGTH: usize = 2000;
/// In bytes, so that it fits into the return path of the sign-in page.
const MAX_APP_LENGTH: usize = 1000;
/// The path of Gatehouse's own pages at an application.
pub(crate) const APP_PATH: &str = "/.gatehouse";
/// The length of the sign-in or registration page's address with the longest path to go to, each byte percent-encoded.
const MAX_PAGE_LENGTH: usize = "/register?next=".len() + 3 * MAX_LENGTH;

/// Characters that would end the value of a query parameter, or that a header must not hold.
const QUERY_VALUE: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'&').add(b'+').add(b'<').add(b'>');

/// Any origin, to check that a path resolves to the same one.
static BASE: LazyLock<Option<Url>> = LazyLock::new(|| Url::parse("http://origin.invalid/").ok());

/// A path of this origin, with its query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReturnTo(String);

impl ReturnTo {
    /// Returns the path in `text` to go to after signing in, or `None` if there is any doubt.
    #[must_use]
    pub(crate) fn parse(text: &str) -> Option<Self> {
        // These pages would lead back to the sign-in page.
        Self::parse_except(text, MAX_LENGTH, &["/login", "/register", "/logout", "/language"])
    }

    /// Returns the path in `text` of any page, or `None` if there is any doubt.
    #[must_use]
    pub(crate) fn parse_page(text: &str) -> Option<Self> {
        // These addresses take only forms.
        Self::parse_except(text, MAX_PAGE_LENGTH, &["/logout", "/language"])
    }

    /// Returns the first page of an application.
    #[must_use]
    pub(crate) fn first_page() -> Self {
        Self("/".to_owned())
    }

    /// Returns the path in `text` of an application to go back to, or `None` if there is any doubt.
    #[must_use]
    pub(crate) fn parse_of_app(text: &str) -> Option<Self> {
        // The pages of Gatehouse there would lead to the sign-in page again.
        Self::parse_except(text, MAX_APP_LENGTH, &[]).filter(|to| !is_below(APP_PATH, &to.0))
    }

    fn parse_except(text: &str, max_length: usize, excluded: &[&str]) -> Option<Self> {
        let mut letters = text.bytes();
        if text.len() > max_length || letters.next() != Some(b'/') || matches!(letters.next(), Some(b'/' | b'\\')) {
            return None;
        }
        // Browsers drop tabs and line ends from URLs and read \ as /.
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
            return None;
        }
        // Resolves as a browser does, then compares origins.
        let base = BASE.as_ref()?;
        let url = base.join(text).ok()?;
        if url.origin() != base.origin() || !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        // "/..//evil.example" becomes "//evil.example" when it is resolved.
        if path.starts_with("//") || path.contains('\\') {
            return None;
        }
        if excluded.contains(&url.path()) {
            return None;
        }
        Some(Self(path.to_owned()))
    }

    /// Returns the path for a `Location` header.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the URL of `page`, which leads to `next` if that is a path to go to after signing in.
    #[must_use]
    pub(crate) fn query_of(page: &str, next: &str) -> String {
        Self::parse(next).map_or_else(|| page.to_owned(), |return_to| return_to.as_query_of(page))
    }

    /// Returns the URL of `page` with this path as its query parameter `next`.
    #[must_use]
    pub(crate) fn as_query_of(&self, page: &str) -> String {
        self.as_parameter_of(page, "next")
    }

    /// Returns the URL of `page` with this path as its only query parameter.
    #[must_use]
    pub(crate) fn as_parameter_of(&self, page: &str, name: &str) -> String {
        format!("{page}?{name}={}", utf8_percent_encode(&self.0, QUERY_VALUE))
    }
}

impl From<ReturnTo> for String {
    fn from(to: ReturnTo) -> Self {
        to.0
    }
}

/// Whether `path` is that of a page below `parent`.
fn is_below(parent: &str, path: &str) -> bool {
    path.strip_prefix(parent).is_some_and(|rest| rest.starts_with('/'))
}

/// Redirects with `303 See Other`: the browser follows with GET, and going back does not send a form again.
#[must_use]
pub(crate) fn see_other(to: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, to)).finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn same_origin_path_is_accepted() {
        for text in ["/", "/account", "/account?tab=1&x=%2F", "/a/b/c", "/%2f/x", "/a//b", "/search?q=http://elsewhere"]
        {
            assert_eq!(ReturnTo::parse(text).as_ref().map(ReturnTo::as_str), Some(text), "{text}");
        }
        assert_eq!(ReturnTo::parse("/a/../b#part").unwrap().as_str(), "/b");
    }

    #[test]
    fn paths_that_could_leave_the_origin_are_rejected() {
        for text in [
            "",
            "account",
            "//evil.example",
            "///evil.example",
            "////evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "\\\\evil.example",
            "/\\/evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "/\r/evil.example",
            "\t//evil.example",
            " //evil.example",
            "/ /evil.example",
            "http://evil.example",
            "https:evil.example",
            "https:/evil.example",
            "http:evil.example",
            "//ok@evil.example",
            "http://ok@evil.example",
            "https://ok.evil.example",
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "/..//evil.example",
            "/.//evil.example",
            "/a/..//evil.example",
            "/./..//evil.example",
            "/%2e%2e//evil.example",
            "/%2e//evil.example",
            "//%65vil.example",
            "//evil%E3%80%82example",
            "//evil。example",
            "/／evil.example",
            "／／evil.example",
            "/\u{2028}/evil.example",
            "/\0/evil.example",
            "/path\r\nLocation: http://evil.example",
            "?next=//evil.example",
            "#//evil.example",
            "@evil.example",
            ".evil.example",
            ":80",
            "..",
            "/é",
            "/login",
            "/logout",
            "/register",
            "/login?next=/login",
        ] {
            assert_eq!(ReturnTo::parse(text), None, "{text:?}");
        }
        assert_eq!(ReturnTo::parse(&format!("/{}", "a".repeat(MAX_LENGTH))), None);
    }

    #[test]
    fn return_path_survives_query_encoding() {
        let next = ReturnTo::parse("/a?b=1&c=%26+x").unwrap();
        let url = Url::parse("http://origin.invalid").unwrap().join(&next.as_query_of("/login")).unwrap();
        let carried: Vec<_> = url.query_pairs().collect();
        assert_eq!(carried, [("next".into(), "/a?b=1&c=%26+x".into())]);
    }

    proptest! {
        #[test]
        fn accepted_return_path_always_resolves_to_the_same_origin(text in "[/\\\\.@:%a-z0-9?#\\t]{0,30}") {
            if let Some(next) = ReturnTo::parse(&text) {
                let base = Url::parse("https://login.example/login?x").unwrap();
                prop_assert_eq!(base.join(next.as_str()).unwrap().origin(), base.origin());
                prop_assert_eq!(ReturnTo::parse(next.as_str()), Some(next));
            }
        }

        #[test]
        fn parser_never_panics_on_arbitrary_text(text in "\\PC{0,100}") {
            let _ = ReturnTo::parse(&text);
        }
    }
}
