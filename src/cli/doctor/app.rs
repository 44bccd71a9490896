//! Whether the reverse proxy in front of an application asks this instance, and what it passes on of its clients.

use super::{
    Finding,
    public_url::forwarded_for,
    request::{self, Nonce, Response},
};
use crate::{
    apps::App,
    clock::Clock,
    config::PublicUrl,
    keys::Keys,
    web::{
        identity_headers::IDENTITY_HEADERS,
        probe::{self, AppAnswer},
    },
};

const PING: &str = "app_ping";
/// The letters that applications fold into one in names of headers.
const FOLDED: [&str; 3] = ["-", "_", "."];

/// Sends requests to the origin of an application.
pub(super) fn check(app: &App, keys: &Keys, clock: &Clock) -> Vec<Finding> {
    let id = &app.id;
    let Some(origin) = app.url.as_ref().map(PublicUrl::origin) else {
        return vec![Finding::failed(
            PING,
            format!("{id} has no origin, so no proxy can ask for it"),
            format!("gatehouse app set {id} --url https://{id}.example.org"),
        )];
    };
    let ask = |headers: &[(&str, &str)]| {
        let nonce = Nonce::new();
        let question = nonce.question(keys, clock);
        let headers = [&[(probe::HEADER, question.as_str())], headers].concat();
        let response = request::get(&format!("{origin}/.gatehouse/ping"), &headers)?;
        let answer: Option<AppAnswer> = probe::open(keys, response.body.trim().as_bytes());
        Ok::<_, ureq::Error>((response.status, answer.filter(|answer| nonce.is(&answer.nonce))))
    };
    let answer = match ask(&[]) {
        Ok((_, Some(answer))) => answer,
        Ok((status, None)) => return vec![no_answer(app, origin, status)],
        Err(error) => return vec![unreachable(origin, &error)],
    };
    if answer.app != id.as_str() {
        return vec![Finding::failed(
            PING,
            format!("the proxy at {origin} asks for the application {} and not for {id}", answer.app),
            format!("print its configuration again: gatehouse proxy-config PROXY {id}"),
        )];
    }
    let spoofed = spoofed_headers();
    let headers: Vec<_> = spoofed.iter().map(|name| (name.as_str(), "spoofed")).collect();
    vec![
        Finding::passed(PING, format!("{origin} reaches this instance")),
        // A proxy may refuse such a request as a whole.
        identity_headers(app, ask(&headers).ok().and_then(|(_, answer)| answer).as_ref()),
        forwarded_for("app_client", &answer.addresses, true),
        protected(app, origin),
    ]
}

/// Returns the identity headers in the spellings that applications take for the same.
fn spoofed_headers() -> Vec<String> {
    IDENTITY_HEADERS.iter().flat_map(|name| FOLDED.map(|letter| name.replace('-', letter))).collect()
}

fn unreachable(origin: &str, error: &ureq::Error) -> Finding {
    Finding::failed(
        PING,
        format!("{origin} does not answer this machine: {error}. Browsers may not reach it either"),
        "start the reverse proxy; check the DNS name, the port, the firewall and the certificate",
    )
}

fn no_answer(app: &App, origin: &str, status: u16) -> Finding {
    Finding::failed(
        PING,
        format!(
            "{origin}/.gatehouse/ping answers {status}, and not as this instance does, so people cannot sign in there"
        ),
        format!(
            "let the proxy pass /.gatehouse/ to Gatehouse, as gatehouse proxy-config PROXY {} prints it; if \
             GATEHOUSE_TRUSTED_PROXIES is set, add the address of the proxy; restart the server if the secret was \
             rotated",
            app.id
        ),
    )
}

fn identity_headers(app: &App, answer: Option<&AppAnswer>) -> Finding {
    const CHECK: &str = "app_headers";
    let passed_on = answer.map(|answer| answer.identity_headers.join(", ")).unwrap_or_default();
    if passed_on.is_empty() {
        return Finding::passed(CHECK, "the proxy passes on no identity header of its clients");
    }
    Finding::failed(
        CHECK,
        format!(
            "the proxy passes on what a client sends as {passed_on}. Applications take that for what Gatehouse says, \
             so that a client could claim to be another person"
        ),
        format!("let the proxy remove these headers, as gatehouse proxy-config PROXY {} prints it", app.id),
    )
}

/// Looks whether a guest is sent to sign in.
fn protected(app: &App, origin: &str) -> Finding {
    const CHECK: &str = "app_protected";
    let page = format!("{origin}/");
    let fix = format!(
        "let the proxy ask Gatehouse before it passes a request on, as gatehouse proxy-config PROXY {} prints it; if \
         this page is public on purpose, other pages may be protected nevertheless",
        app.id
    );
    match request::get(&page, &[("accept", "text/html"), ("sec-fetch-mode", "navigate")]) {
        Ok(Response { status: 303, location, .. }) if location.starts_with(&format!("{origin}/.gatehouse/start?")) => {
            Finding::passed(CHECK, format!("{page} asks a guest to sign in"))
        }
        Ok(Response { status, .. }) => {
            Finding::failed(CHECK, format!("{page} answers a guest with {status} and does not lead to sign in"), fix)
        }
        Err(error) => Finding::failed(CHECK, format!("{page} does not answer a guest: {error}"), fix),
    }
}
