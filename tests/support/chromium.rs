//! A real Chromium, without a window, driven over WebDriver; gone with the test process.

use std::{
    fs::File,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    sync::OnceLock,
    time::{Duration, Instant},
};

use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Map, Value, json};

use super::{child_guard::ChildGuard, program, wait_until};

/// How long a page may take on a busy machine before it is taken for missing.
const TIMEOUT: Duration = Duration::from_secs(20);

/// How the page is looked at.
#[derive(Debug, Clone, Copy)]
pub struct View {
    pub width: u32,
    pub dark: bool,
    pub scripts: bool,
}

impl Default for View {
    fn default() -> Self {
        Self { width: 1280, dark: false, scripts: false }
    }
}

/// One person's browser, with nothing in it.
pub struct Browser {
    pub client: Client,
    pub base: String,
    session: String,
}

/// Also when a test fails: chromedriver leaves the browsers of sessions that nobody ended.
impl Drop for Browser {
    fn drop(&mut self) {
        let address = driver().trim_start_matches("http://");
        if let Ok(mut socket) = TcpStream::connect(address) {
            let _ = write!(
                socket,
                "DELETE /session/{} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n",
                self.session
            );
            // The answer comes when the browser has gone; chromedriver does not close the connection then.
            let _ = socket.set_read_timeout(Some(TIMEOUT));
            let _ = socket.read(&mut [0; 512]);
        }
    }
}

fn driver() -> &'static str {
    static DRIVER: OnceLock<(String, ChildGuard, tempfile::TempDir)> = OnceLock::new();
    let (address, ..) = DRIVER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = File::create(folder.path().join("log")).unwrap();
        let arguments = [format!("--port={port}"), "--silent".to_owned()];
        let companion = ChildGuard::start(&program(&["chromedriver"], "chromium-driver"), &arguments, log);
        wait_until("chromedriver listens", Duration::from_secs(30), || TcpStream::connect(("127.0.0.1", port)).ok());
        (format!("http://127.0.0.1:{port}"), companion, folder)
    });
    address
}

fn chromium() -> PathBuf {
    program(&["chromium", "chromium-browser", "google-chrome"], "chromium")
}

impl Browser {
    /// Opens one that looks at the site at `base`.
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
            "--lang=en".to_owned(),
            format!("--blink-settings=preferredColorScheme={}", u8::from(!view.dark)),
        ];
        // Chromium's own sandbox does not run as root, as in most containers.
        if std::env::var("USER").as_deref() == Ok("root")
            || std::fs::metadata("/proc/self").is_ok_and(|me| owner(&me) == 0)
        {
            arguments.push("--no-sandbox".to_owned());
        }
        let javascript = if view.scripts { 1 } else { 2 };
        let options = json!({
            "goog:chromeOptions": {
                "binary": chromium(),
                "args": arguments,
                "prefs": {"profile.default_content_setting_values.javascript": javascript},
                "mobileEmulation": {"deviceMetrics": {"width": view.width, "height": 900, "pixelRatio": 1, "mobile": false, "touch": false}},
            },
            "pageLoadStrategy": "normal",
        });
        let capabilities: Map<String, Value> = options.as_object().unwrap().clone();
        let mut builder = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
        let client = builder.capabilities(capabilities).connect(driver()).await.expect("Chromium starts");
        let session = client.session_id().await.unwrap().expect("a session");
        Self { client, base: base.to_owned(), session }
    }

    pub async fn goto(&self, path: &str) {
        self.client.goto(&format!("{}{path}", self.base)).await.unwrap();
    }

    /// The path of the page that is shown.
    pub async fn path(&self) -> String {
        let url = self.client.current_url().await.unwrap();
        url[url::Position::BeforePath..].to_owned()
    }

    /// All the words of the page that is shown; wait for it to be the right one first.
    pub async fn text(&self) -> String {
        self.client.find(Locator::Css("body")).await.unwrap().text().await.unwrap()
    }

    /// Waits until the page has this heading: a click returns before the browser has gone where it leads.
    pub async fn wait_for_heading(&self, heading: &str) {
        self.waits(heading, "h1", |text| text == heading).await;
    }

    /// Waits until the page has these words.
    pub async fn wait_for_text(&self, words: &str) {
        self.waits(words, "body", |text| text.contains(words)).await;
    }

    async fn waits(&self, what: &str, element: &str, is_there: impl Fn(&str) -> bool) {
        let began = Instant::now();
        loop {
            let text = match self.client.find(Locator::Css(element)).await {
                Ok(element) => element.text().await.unwrap_or_default(),
                Err(_) => String::new(),
            };
            if is_there(&text) {
                return;
            }
            assert!(began.elapsed() < TIMEOUT, "{what} is not there, but: {text}");
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

    /// What is in the field with this name.
    pub async fn value(&self, name: &str) -> String {
        self.client.find(Locator::Id(name)).await.unwrap().prop("value").await.unwrap().unwrap_or_default()
    }

    /// Presses the button, link or label with these words.
    pub async fn click(&self, words: &str) {
        let path = format!("//*[self::button or self::a or self::label][normalize-space()='{words}']");
        self.client.find(Locator::XPath(&path)).await.unwrap().click().await.unwrap();
    }

    /// The id of the element that has the focus.
    pub async fn focused_id(&self) -> String {
        self.client.active_element().await.unwrap().attr("id").await.unwrap().unwrap_or_default()
    }

    /// Types as on a keyboard, wherever the focus is.
    pub async fn type_keys(&self, keys: &str) {
        self.client.active_element().await.unwrap().send_keys(keys).await.unwrap();
    }

    /// Closes it; so does dropping it.
    #[expect(clippy::unused_async, reason = "reads like the rest of a walk")]
    pub async fn close(self) {
        drop(self);
    }
}

fn owner(metadata: &std::fs::Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::uid(metadata)
}
