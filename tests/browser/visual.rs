use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use fantoccini::Locator;
use serde_json::Value;

use crate::support::{
    PASSWORD, TestApp, WRONG_PASSWORD,
    chromium::{Browser, View},
    program,
};

const WIDTHS: [u32; 3] = [320, 768, 1280];
/// Returns all violations and the number of passed rules.
const RUN_AXE: &str = "
    const done = arguments[arguments.length - 1];
    const describe = violation => violation.id + ': ' + violation.nodes.map(node => node.html).join(' | ');
    axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})
        .then(result => done({violations: result.violations.map(describe), passes: result.passes.length}));
";
/// Returns whether the page fits the width of the window, and all controls that are too small to touch.
const MEASURE_LAYOUT: &str = "
    const selector = 'button, .field input, .checkbox label, .alternative a, .brand a, nav a, .links a, .pagination a';
    const controls = [...document.querySelectorAll(selector)];
    const small = controls.filter(element => element.getBoundingClientRect().height < 44);
    return [document.documentElement.scrollWidth <= innerWidth, small.map(element => element.outerHTML)];
";
/// Returns the number of lines that the navigation takes, and the height of the header in lines of 48 px.
const MEASURE_HEADER: &str = "
    const links = [...document.querySelectorAll('nav a')].map(link => link.getBoundingClientRect().top);
    const header = document.querySelector('header').getBoundingClientRect().height;
    return [new Set(links).size, Math.round(header / 48)];
";

/// Returns the path of a tool that `tests/run` installs in the build directory.
fn tool(path: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-tools/node_modules").join(path);
    assert!(file.exists(), "{} does not exist: run tests/run", file.display());
    file
}

async fn sign_in(browser: &Browser) {
    browser.sign_in("zoe", PASSWORD).await;
    browser.wait_for_heading("Hello, zoe").await;
}

/// Opens every page in turn and calls `check` with its name.
async fn for_each_page(browser: &Browser, mut check: impl AsyncFnMut(&'static str)) {
    browser.goto("/login").await;
    check("login").await;
    browser.click("Sign in").await;
    browser.wait_for_text("There is a problem").await;
    check("login-errors").await;
    browser.goto("/register").await;
    check("register").await;
    browser.fill("User name", "zoé").await;
    browser.fill("E-mail", "zoe@keepers").await;
    browser.fill("Password", "passwordpassword").await;
    browser.click("Create account").await;
    browser.wait_for_text("There is a problem").await;
    check("register-errors").await;
    browser.goto("/nowhere").await;
    check("not-found").await;
    browser.goto("/test/panic").await;
    check("error").await;
    sign_in(browser).await;
    check("home").await;
    for (path, heading, page) in [
        ("/account", "Your account", "account"),
        ("/account/password", "Change your password", "password"),
        ("/account/sessions", "Where you are signed in", "sessions"),
        ("/account/activity", "Recent activity", "activity"),
        ("/account/delete", "Delete your account", "delete"),
    ] {
        browser.goto(path).await;
        browser.wait_for_heading(heading).await;
        check(page).await;
    }
    browser.goto("/account/password").await;
    browser.click("Change password").await;
    browser.wait_for_text("There is a problem").await;
    check("password-errors").await;
    browser.click("Sign out").await;
    browser.wait_for_text("You are signed out.").await;
    check("logged-out").await;
}

// WCAG 2.2 AA, as far as a tool can check it. Both themes, because contrast depends on the theme.
#[tokio::test]
async fn axe_reports_no_violations_on_any_page_theme_or_width() {
    let axe = fs::read_to_string(tool("axe-core/axe.min.js")).unwrap();
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    app.client().sign_in("zoe", WRONG_PASSWORD).await;
    for dark in [false, true] {
        for width in WIDTHS {
            let browser = Browser::open(&app.address, View { width, dark, scripts: true }).await;
            for_each_page(&browser, async |page| {
                browser.client.execute(&axe, vec![]).await.unwrap();
                let result = browser.client.execute_async(RUN_AXE, vec![]).await.unwrap();
                assert!(result["passes"].as_u64().unwrap() > 10, "{page}: axe has checked the page");
                assert_eq!(result["violations"], Value::Array(vec![]), "{page}, {width} px, dark: {dark}");
            })
            .await;
            browser.close().await;
        }
    }
}

// WCAG 1.4.10 and 2.5.8. WCAG requires touch targets of 24 px, the design 44 px.
#[tokio::test]
async fn pages_fit_320_pixels_and_touch_targets_are_44_pixels_high() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    app.client().sign_in("zoe", WRONG_PASSWORD).await;
    let browser = Browser::open(&app.address, View { width: 320, scripts: true, ..View::default() }).await;
    for_each_page(&browser, async |page| {
        let result = browser.client.execute(MEASURE_LAYOUT, vec![]).await.unwrap();
        assert_eq!(result, serde_json::json!([true, []]), "{page}");
    })
    .await;
    browser.close().await;
}

#[tokio::test]
async fn header_takes_two_lines_at_320_pixels_with_the_navigation_in_one() {
    let app = TestApp::spawn();
    let longest_name = "w".repeat(32);
    app.signed_in_client(&longest_name).await;
    let browser = Browser::open(&app.address, View { width: 320, scripts: true, ..View::default() }).await;
    browser.sign_in(&longest_name, PASSWORD).await;
    browser.wait_for_text("Your account").await;
    for path in ["/", "/account", "/account/password", "/account/sessions", "/account/activity"] {
        browser.goto(path).await;
        let result = browser.client.execute(MEASURE_HEADER, vec![]).await.unwrap();
        assert_eq!(result, serde_json::json!([1, 2]), "{path}");
    }
    browser.close().await;
}

#[tokio::test]
async fn theme_follows_the_preferred_color_scheme() {
    let app = TestApp::spawn();
    let mut backgrounds = Vec::new();
    for dark in [false, true] {
        let browser = Browser::open(&app.address, View { dark, ..View::default() }).await;
        browser.goto("/login").await;
        backgrounds.push(
            browser.client.find(Locator::Css("body")).await.unwrap().css_value("background-color").await.unwrap(),
        );
        browser.close().await;
    }
    assert_eq!(backgrounds, ["rgba(243, 240, 234, 1)", "rgba(23, 21, 18, 1)"]);
}

#[tokio::test]
async fn every_page_has_valid_html() {
    let dir = tempfile::tempdir().unwrap();
    let app = TestApp::spawn();
    let guest = app.client();
    let user = app.signed_in_client("zoe").await;
    app.client().sign_in("zoe", PASSWORD).await;
    app.client().sign_in("zoe", WRONG_PASSWORD).await;
    let pages = [
        ("login", guest.get("/login").await),
        ("login-next", guest.get("/login?next=/test/added").await),
        ("login-errors", guest.post("/login", &[("remember", "on")]).await),
        ("register", guest.get("/register").await),
        ("register-errors", guest.post("/register", &[("username", "\"<&>")]).await),
        ("home", user.get("/").await),
        ("home-again", user.get("/").await),
        ("account", user.get("/account").await),
        ("password", user.get("/account/password").await),
        ("sessions", user.get("/account/sessions").await),
        ("activity", user.get("/account/activity").await),
        ("delete", user.get("/account/delete").await),
        ("problem", guest.get("/nowhere").await),
        ("error", guest.get("/test/panic").await),
    ];
    for (name, answer) in &pages {
        fs::write(dir.path().join(format!("{name}.html")), &answer.body).unwrap();
    }
    let config = serde_json::json!({
        "root": true,
        "extends": ["html-validate:standard", "html-validate:a11y"],
        "rules": {
            "no-trailing-whitespace": "off",
            "no-inline-style": "error",
            "void-style": "off",
            "attribute-boolean-style": "off",
            "doctype-style": "off",
            "no-raw-characters": "error",
            "long-title": "off",
        },
    });
    fs::write(dir.path().join(".htmlvalidate.json"), config.to_string()).unwrap();
    let output = Command::new(program(&["node"], "nodejs"))
        .arg(tool("html-validate/bin/html-validate.mjs"))
        .args(["--formatter", "text", "*.html"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

// Writes screenshots for review: GATEHOUSE_PICTURES=some/dir cargo test --test browser screenshots
#[tokio::test]
async fn screenshots_of_every_page_can_be_taken() {
    let scratch = tempfile::tempdir().unwrap();
    let output = env::var_os("GATEHOUSE_PICTURES").map(PathBuf::from);
    let dir = output.clone().unwrap_or_else(|| scratch.path().to_owned());
    fs::create_dir_all(&dir).unwrap();
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    app.client().sign_in("zoe", WRONG_PASSWORD).await;
    let views = WIDTHS.into_iter().flat_map(|width| [(width, false), (width, true)]);
    // Without an output directory, one view is enough to check that screenshots work.
    for (width, dark) in views.take(if output.is_some() { 6 } else { 1 }) {
        let browser = Browser::open(&app.address, View { width, dark, scripts: false }).await;
        for_each_page(&browser, async |page| {
            let screenshot = browser.client.screenshot().await.unwrap();
            assert!(screenshot.starts_with(b"\x89PNG"), "{page}");
            let theme = if dark { "dark" } else { "light" };
            fs::write(dir.join(format!("{page}-{width}-{theme}.png")), screenshot).unwrap();
        })
        .await;
        browser.close().await;
    }
}
