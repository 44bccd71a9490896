//! Whom people ask who cannot sign in.

use std::str::FromStr;

use url::Url;

/// An e-mail address, a URL, or any other text, such as a phone number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// What people read.
    pub text: String,
    /// Where a link leads.
    pub url: Option<String>,
}

impl FromStr for Contact {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if !(1..=200).contains(&text.chars().count()) || text.chars().any(char::is_control) {
            return Err("must be 1 to 200 printable characters");
        }
        let is_address = |text: &str| {
            text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
                && !text.contains([' ', '?', '&', '%'])
        };
        let url = match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "https" | "http" | "mailto" | "tel") => Some(url.to_string()),
            _ if is_address(text) => Some(format!("mailto:{text}")),
            _ => None,
        };
        Ok(Self { text: text.to_owned(), url })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_urls_become_links_and_other_text_does_not() {
        for (text, url) in [
            ("help@example.org", Some("mailto:help@example.org")),
            ("https://example.org/help", Some("https://example.org/help")),
            ("tel:+3120123456", Some("tel:+3120123456")),
            ("+31 20 123 456", None),
            ("the front desk", None),
            ("javascript:alert(1)", None),
            ("@example.org", None),
        ] {
            assert_eq!(text.parse::<Contact>().unwrap().url.as_deref(), url, "{text}");
        }
        for text in ["", " ", "a\nb", &"a".repeat(201)] {
            assert!(text.parse::<Contact>().is_err(), "{text:?}");
        }
    }
}
