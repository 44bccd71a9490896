//! The name of a browser and its system, from the `User-Agent` header. The only file that knows the parser.

use std::sync::{Arc, LazyLock};

use moka::sync::Cache;

/// Most people use the same few browsers, and parsing a header costs as much as the rest of a page.
const MAX_CACHED: u64 = 500;

/// Returns the name of a browser and its system, such as "Firefox on Linux".
#[must_use]
pub(crate) fn describe(user_agent: &str) -> Arc<str> {
    static CACHE: LazyLock<Cache<Box<str>, Arc<str>>> = LazyLock::new(|| Cache::new(MAX_CACHED));
    CACHE.get(user_agent).unwrap_or_else(|| {
        let name = Arc::from(parse(user_agent));
        CACHE.insert(user_agent.into(), Arc::clone(&name));
        name
    })
}

fn parse(user_agent: &str) -> String {
    const UNKNOWN: &str = "UNKNOWN";
    let parsed = woothee::parser::Parser::new().parse(user_agent);
    let (name, system) = parsed.map_or((UNKNOWN, UNKNOWN), |agent| (agent.name, agent.os));
    let system = match system {
        UNKNOWN => "",
        "Mac OSX" => "macOS",
        // Browsers on Windows 11 call it Windows 10.
        windows if windows.starts_with("Windows") => "Windows",
        system => system,
    };
    match (name, system) {
        (UNKNOWN, "") => "Unknown browser".to_owned(),
        (UNKNOWN, system) => format!("Unknown browser on {system}"),
        ("HTTP Library", _) => "Program".to_owned(),
        (name, "") => name.to_owned(),
        (name, system) => format!("{name} on {system}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(&*describe(user_agent), name, "{user_agent}");
        }
    }
}
