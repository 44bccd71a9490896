use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use fantoccini::Locator;

use crate::support::{
    PASSWORD, TestApp,
    chromium::{Browser, View},
};

/// Starts a site whose every page is `html`, and returns its URL. Browsers treat `localhost` and `127.0.0.1` as
/// different sites.
fn evil_site(html: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let _ = socket.read(&mut [0; 4096]);
            let _ = write!(
                socket,
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{html}",
                html.len()
            );
        }
    });
    format!("http://localhost:{port}")
}

async fn signed_in_browser(app: &TestApp, view: View) -> Browser {
    app.signed_in_client("zoe").await;
    let browser = Browser::open(&app.address, view).await;
    browser.sign_in("zoe", PASSWORD).await;
    browser.wait_for_heading("Hello, zoe").await;
    browser
}

// ASVS 3.5.1
#[tokio::test]
async fn cross_site_form_changes_nothing() {
    let app = TestApp::spawn();
    let browser = signed_in_browser(&app, View::default()).await;
    let action = format!("{}/logout", app.address);
    let evil = evil_site(format!("<form method=post action='{action}'><button>A free prize</button></form>"));
    browser.client.goto(&evil).await.unwrap();
    browser.click("A free prize").await;
    browser.wait_for_heading("The form came from another site").await;
    browser.goto("/").await;
    browser.wait_for_heading("Hello, zoe").await;
    browser.close().await;
}

// ASVS 3.4.6
#[tokio::test]
async fn pages_cannot_be_framed_by_another_site() {
    let app = TestApp::spawn();
    let browser = signed_in_browser(&app, View::default()).await;
    for page in ["/", "/login"] {
        let evil = evil_site(format!("<iframe src='{}{page}'></iframe>", app.address));
        browser.client.goto(&evil).await.unwrap();
        browser.client.find(Locator::Css("iframe")).await.unwrap().enter_frame().await.unwrap();
        let text = browser.text().await;
        assert!(!text.contains("zoe") && !text.contains("Sign in"), "{page}: {text}");
        browser.client.enter_parent_frame().await.unwrap();
    }
    browser.close().await;
}

// ASVS 3.3.4, 3.4.3. Scripts are on in this browser: the content security policy blocks them, and `HttpOnly` hides the
// cookies.
#[tokio::test]
async fn injected_script_does_not_run_and_cookies_are_http_only() {
    let app = TestApp::spawn();
    let browser = signed_in_browser(&app, View { scripts: true, ..View::default() }).await;
    // The listener runs after the attribute's handler, if that is not blocked.
    let inject = "const [done] = arguments; \
                  const script = document.createElement('script'); script.textContent = 'window.hacked = true'; \
                  document.body.append(script); \
                  const image = document.createElement('img'); image.setAttribute('onerror', 'window.hacked = true'); \
                  image.addEventListener('error', () => done([document.cookie, window.hacked === undefined])); \
                  image.src = '/nowhere.png'; document.body.append(image);";
    let result = browser.client.execute_async(inject, vec![]).await.unwrap();
    assert_eq!(result, serde_json::json!(["", true]));
    browser.close().await;
}

#[tokio::test]
async fn browser_stores_cookies_with_their_attributes() {
    let app = TestApp::spawn();
    let browser = signed_in_browser(&app, View::default()).await;
    for (name, persistent) in [("session", false), ("device", true)] {
        let cookie = browser.client.get_named_cookie(name).await.unwrap();
        assert_eq!(
            (cookie.http_only(), cookie.path(), cookie.expires().is_some()),
            (Some(true), Some("/"), persistent),
            "{name}"
        );
        assert_eq!(cookie.same_site().map(|site| site.to_string()).as_deref(), Some("Lax"), "{name}");
    }
    browser.close().await;
}
