//! The name of a browser and its system, from the `User-Agent` header. The only file that knows the parser.

use std::sync::{Arc, LazyLock};

use quick_cache::sync::Cache;

/// Most people use the same few browsers, and parsing a header costs as much as the rest of a page.
const MAX_CACHED: usize = 500;

/// What a `User-Agent` header says of its sender.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Browser {
    /// A known browser, and the system that it runs on if that is known.
    Known {
        /// Such as "Firefox".
        name: Box<str>,
        /// Such as "Linux".
        system: Option<Box<str>>,
    },
    /// Another browser.
    Unknown {
        /// Such as "Linux".
        system: Option<Box<str>>,
    },
    /// No browser, but a library for HTTP requests.
    Program,
}

/// Returns the browser that sends this header.
#[must_use]
pub(crate) fn parse(user_agent: &str) -> Arc<Browser> {
    static CACHE: LazyLock<Cache<Box<str>, Arc<Browser>>> = LazyLock::new(|| Cache::new(MAX_CACHED));
    CACHE.get(user_agent).unwrap_or_else(|| {
        let browser = Arc::new(parse_uncached(user_agent));
        CACHE.insert(user_agent.into(), Arc::clone(&browser));
        browser
    })
}

fn parse_uncached(user_agent: &str) -> Browser {
    const UNKNOWN: &str = "UNKNOWN";
    let parsed = woothee::parser::Parser::new().parse(user_agent);
    let (name, system) = parsed.map_or((UNKNOWN, UNKNOWN), |agent| (agent.name, agent.os));
    let system = match system {
        UNKNOWN => None,
        "Mac OSX" => Some("macOS"),
        // Browsers on Windows 11 call it Windows 10.
        windows if windows.starts_with("Windows") => Some("Windows"),
        system => Some(system),
    };
    let system = system.map(Box::from);
    match name {
        UNKNOWN => Browser::Unknown { system },
        "HTTP Library" => Browser::Program,
        name => Browser::Known { name: name.into(), system },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{language::Language, web::messages::Messages};

    #[test]
    fn user_agent_is_summarized_as_browser_and_platform() {
        for (user_agent, name) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 \
                 Safari/537.36 Edg/139.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/18.0 Safari/605.1.15",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/18.0 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/8.1", "Program"),
            ("", "Unknown browser"),
            ("<script>", "Unknown browser"),
        ] {
            assert_eq!((Messages::of(Language::English).browser)(&parse(user_agent)), name, "{user_agent}");
        }
    }
}
