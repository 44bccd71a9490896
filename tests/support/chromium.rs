//! A headless Chromium, driven over WebDriver. It stops with the test process.

use std::{
    fs::File,
    io::{Read, Write},
    net::TcpStream,
    path::PathBuf,
    sync::OnceLock,
    time::{Duration, Instant},
};

use fantoccini::{Client, ClientBuilder, Locator};
use gatehouse::{language::Language, web::messages::Messages};
use serde_json::{Map, Value, json};

use super::{child_guard::ChildGuard, free_port, program, wait_until};

/// How long to wait for a page on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The viewport, color scheme and script setting of a browser.
#[derive(Debug, Clone, Copy)]
pub struct View {
    pub width: u32,
    pub dark: bool,
    pub scripts: bool,
    pub language: Language,
}

impl Default for View {
    fn default() -> Self {
        Self { width: 1280, dark: false, scripts: false, language: Language::English }
    }
}

/// A browser with an empty profile.
pub struct Browser {
    pub client: Client,
    pub base: String,
    pub messages: &'static Messages,
    session: String,
}

/// Ends the WebDriver session even if the test fails: chromedriver keeps the browser of an open session running.
impl Drop for Browser {
    fn drop(&mut self) {
        let address = driver().trim_start_matches("http://");
        if let Ok(mut socket) = TcpStream::connect(address) {
            let _ = write!(
                socket,
                "DELETE /session/{} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n",
                self.session
            );
            // The response arrives when the browser has stopped. Reading to the end of the stream would wait until the
            // timeout, because chromedriver keeps the connection open.
            let _ = socket.set_read_timeout(Some(TIMEOUT));
            let _ = socket.read(&mut [0; 512]);
        }
    }
}

fn driver() -> &'static str {
    static DRIVER: OnceLock<(String, ChildGuard, tempfile::TempDir)> = OnceLock::new();
    let (address, ..) = DRIVER.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let port = free_port();
        let log = File::create(dir.path().join("log")).unwrap();
        let arguments = [format!("--port={port}"), "--silent".to_owned()];
        let guard = ChildGuard::start(&program(&["chromedriver"], "chromium-driver"), &arguments, log);
        wait_until("chromedriver accepts connections", Duration::from_secs(30), || {
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        (format!("http://127.0.0.1:{port}"), guard, dir)
    });
    address
}

fn chromium() -> PathBuf {
    program(&["chromium", "chromium-browser", "google-chrome"], "chromium")
}

impl Browser {
    /// Starts a browser for the site at `base`.
    pub async fn open(base: &str, view: View) -> Self {
        let mut arguments = vec![
            "--headless=new".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            format!("--lang={}", view.language.code()),
            format!("--blink-settings=preferredColorScheme={}", u8::from(!view.dark)),
        ];
        // The sandbox of Chromium does not work as root, and most containers run as root.
        if std::env::var("USER").as_deref() == Ok("root")
            || std::fs::metadata("/proc/self").is_ok_and(|me| owner_uid(&me) == 0)
        {
            arguments.push("--no-sandbox".to_owned());
        }
        let javascript = if view.scripts { 1 } else { 2 };
        let metrics = json!({"width": view.width, "height": 900, "pixelRatio": 1, "mobile": false, "touch": false});
        let options = json!({
            "goog:chromeOptions": {
                "binary": chromium(),
                "args": arguments,
                "prefs": {
                    "profile.default_content_setting_values.javascript": javascript,
                    "intl.accept_languages": view.language.code(),
                },
                "mobileEmulation": {"deviceMetrics": metrics},
            },
            "pageLoadStrategy": "normal",
            // Tests sign their own certificates.
            "acceptInsecureCerts": true,
        });
        let capabilities: Map<String, Value> = options.as_object().unwrap().clone();
        let mut builder = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
        let client = builder.capabilities(capabilities).connect(driver()).await.expect("Chromium starts");
        let session = client.session_id().await.unwrap().expect("the driver returns a session");
        Self { client, base: base.to_owned(), messages: Messages::of(view.language), session }
    }

    /// Opens a path of the site.
    pub async fn goto(&self, path: &str) {
        self.client.goto(&format!("{}{path}", self.base)).await.unwrap();
    }

    /// Returns the path and query of the current page.
    pub async fn path(&self) -> String {
        let url = self.client.current_url().await.unwrap();
        url[url::Position::BeforePath..].to_owned()
    }

    /// Returns the visible text of the current page. Wait for the expected page first.
    pub async fn text(&self) -> String {
        self.client.find(Locator::Css("body")).await.unwrap().text().await.unwrap()
    }

    /// Waits until the page has this heading. Needed after every click, which returns before the next page has loaded.
    pub async fn wait_for_heading(&self, heading: &str) {
        self.wait_for(heading, "h1", |text| text == heading).await;
    }

    /// Waits until the page contains `expected`.
    pub async fn wait_for_text(&self, expected: &str) {
        self.wait_for(expected, "body", |text| text.contains(expected)).await;
    }

    async fn wait_for(&self, expected: &str, element: &str, matches: impl Fn(&str) -> bool) {
        let started = Instant::now();
        loop {
            let text = match self.client.find(Locator::Css(element)).await {
                Ok(element) => element.text().await.unwrap_or_default(),
                Err(_) => String::new(),
            };
            if matches(&text) {
                return;
            }
            assert!(started.elapsed() < TIMEOUT, "timed out waiting for {expected:?}, found: {text}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Fills in the field with this label.
    pub async fn fill(&self, label: &str, text: &str) {
        let label = self.client.find(Locator::XPath(&format!("//label[normalize-space()='{label}']"))).await.unwrap();
        let id = label.attr("for").await.unwrap().unwrap();
        let field = self.client.find(Locator::Id(&id)).await.unwrap();
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Opens the sign-in page, fills it in and sends it. Does not wait for the next page.
    pub async fn sign_in(&self, login: &str, password: &str) {
        self.goto("/login").await;
        self.fill(self.messages.username_or_email, login).await;
        self.fill(self.messages.password, password).await;
        self.click(self.messages.sign_in).await;
    }

    /// Returns the value of the field with this name.
    pub async fn value(&self, name: &str) -> String {
        self.client.find(Locator::Id(name)).await.unwrap().prop("value").await.unwrap().unwrap_or_default()
    }

    /// Clicks the button, link or label with this text.
    pub async fn click(&self, text: &str) {
        let path = format!("//*[self::button or self::a or self::label][normalize-space()='{text}']");
        self.client.find(Locator::XPath(&path)).await.unwrap().click().await.unwrap();
    }

    /// Returns the id of the focused element.
    pub async fn focused_id(&self) -> String {
        self.client.active_element().await.unwrap().attr("id").await.unwrap().unwrap_or_default()
    }

    /// Types into the focused element.
    pub async fn type_keys(&self, keys: &str) {
        self.client.active_element().await.unwrap().send_keys(keys).await.unwrap();
    }

    /// Closes the browser, as dropping it does.
    #[expect(clippy::unused_async, reason = "awaited like every other step of a test")]
    pub async fn close(self) {
        drop(self);
    }
}

fn owner_uid(metadata: &std::fs::Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::uid(metadata)
}
