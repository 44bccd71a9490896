//! Which language a page is written in: the one that the browser's cookie names, else that of the account, else the
//! first known one that `Accept-Language` names, else `GATEHOUSE_LANGUAGE`.

use std::{cell::OnceCell, time::Duration};

use actix_web::http::header::{
    ACCEPT_LANGUAGE, CONTENT_LANGUAGE, HeaderMap, HeaderValue, LanguageTag, Preference, Quality, QualityItem, VARY,
    from_comma_delimited,
};
use strum::VariantArray;

use super::cookies::{CookieName, Cookies};
use crate::{language::Language, sessions::Session};

/// How long a browser keeps the choice.
pub(crate) const COOKIE_MAX_AGE: Duration = Duration::from_hours(365 * 24);

/// The languages that a request asks for, in its cookie and in `Accept-Language`, which is parsed only if an answer
/// depends on it.
#[derive(Debug)]
pub(crate) struct RequestedLanguages {
    chosen: Option<Language>,
    accept_language: Vec<HeaderValue>,
    accepted: OnceCell<AcceptedLanguages>,
}

/// The known languages of `Accept-Language`.
#[derive(Debug)]
struct AcceptedLanguages {
    preferred: Option<Language>,
    refused: Vec<Language>,
}

impl RequestedLanguages {
    /// Returns what the headers of a request say in which the browser's cookie names `chosen`.
    #[must_use]
    pub(crate) fn of(headers: &HeaderMap, chosen: Option<Language>) -> Self {
        let accept_language = headers.get_all(ACCEPT_LANGUAGE).cloned().collect();
        Self { chosen, accept_language, accepted: OnceCell::default() }
    }

    /// Returns the language for the owner of `session` or a guest, on a site whose own language is `default`.
    #[must_use]
    pub(crate) fn choose(&self, session: Option<&Session>, default: Language) -> Language {
        let account = session.and_then(|session| session.account.language);
        self.chosen.or(account).unwrap_or_else(|| {
            self.accepted.get_or_init(|| AcceptedLanguages::parse(&self.accept_language)).choose(default)
        })
    }
}

impl AcceptedLanguages {
    fn parse(headers: &[HeaderValue]) -> Self {
        let items: Vec<QualityItem<Preference<LanguageTag>>> = from_comma_delimited(headers.iter()).unwrap_or_default();
        let known = items.iter().filter_map(|item| Some((known(&item.item)?, item.quality)));
        // RFC 9110, 12.4.2: a weight of 0 means "not acceptable".
        let (refused, accepted): (Vec<_>, Vec<_>) = known.partition(|(_, weight)| *weight == Quality::ZERO);
        Self {
            // The first of those with the largest weight.
            preferred: accepted.into_iter().rev().max_by_key(|(_, weight)| *weight).map(|(language, _)| language),
            refused: refused.into_iter().map(|(language, _)| language).collect(),
        }
    }

    fn choose(&self, default: Language) -> Language {
        let is_acceptable = |language: &Language| !self.refused.contains(language);
        let fallback = || [default].iter().chain(Language::VARIANTS).copied().find(is_acceptable).unwrap_or(default);
        self.preferred.unwrap_or_else(fallback)
    }
}

/// Returns the language that the browser's cookie names.
#[must_use]
pub(crate) fn chosen(headers: &HeaderMap, cookies: Cookies) -> Option<Language> {
    std::str::from_utf8(cookies.get(headers, CookieName::Language)?).ok()?.parse().ok()
}

fn known(preference: &Preference<LanguageTag>) -> Option<Language> {
    preference.item().and_then(|tag| Language::from_primary_subtag(tag.primary_language()))
}

/// Marks an answer that is written in `language`.
pub(super) fn set_headers(headers: &mut HeaderMap, language: Language) {
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.code()));
    headers.insert(VARY, HeaderValue::from_static("Accept-Language"));
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn choose(accept_language: &str, default: Language) -> Language {
        let request = TestRequest::default().insert_header((ACCEPT_LANGUAGE, accept_language)).to_http_request();
        RequestedLanguages::of(request.headers(), None).choose(None, default)
    }

    #[test]
    fn first_known_language_of_accept_language_is_taken() {
        use Language::{English, Indonesian};
        for (header, language) in [
            ("id", Indonesian),
            ("id-ID,id;q=0.9,en-US;q=0.8,en;q=0.7", Indonesian),
            ("ID-id", Indonesian),
            ("in", Indonesian),
            ("in-ID", Indonesian),
            ("en;q=0.3, id;q=0.7", Indonesian),
            ("de, fr;q=0.9, id;q=0.1", Indonesian),
            ("en-GB, id", English),
            ("en, id;q=0.9", English),
            ("id;q=0.5, en;q=0.5", Indonesian),
        ] {
            for default in [English, Indonesian] {
                assert_eq!(choose(header, default), language, "{header}");
            }
        }
    }

    #[test]
    fn default_is_taken_when_no_known_language_is_accepted() {
        // "ms" is Malay and "ind" a code that BCP 47 does not use.
        for header in ["", "*", "de", "ms", "ind", "de;q=x", "id;;q", "\u{e9}", "idn", "x-id", "i-klingon"] {
            for default in [Language::English, Language::Indonesian] {
                assert_eq!(choose(header, default), default, "{header}");
            }
        }
    }

    #[test]
    fn language_of_weight_zero_is_not_taken() {
        use Language::{English, Indonesian};
        for (header, default, language) in [
            ("id;q=0", Indonesian, English),
            ("en;q=0", English, Indonesian),
            ("de, en;q=0, *", English, Indonesian),
            ("id;q=0, en;q=0.1", Indonesian, English),
            ("en;q=0, id;q=0", English, English),
        ] {
            assert_eq!(choose(header, default), language, "{header}");
        }
    }
}
