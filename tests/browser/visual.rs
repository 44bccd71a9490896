use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use fantoccini::Locator;
use serde_json::Value;

use crate::support::{
    PASSWORD, TestApp,
    chromium::{Browser, View},
    program,
};

const WIDTHS: [u32; 3] = [320, 768, 1280];

/// Tools that `tests/run` puts into the build folder.
fn tool(path: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-tools/node_modules").join(path);
    assert!(file.exists(), "{} is not there: run tests/run", file.display());
    file
}

async fn sign_in(browser: &Browser) {
    browser.goto("/login").await;
    browser.fill("User name or e-mail", "zoe").await;
    browser.fill("Password", PASSWORD).await;
    browser.click("Sign in").await;
    browser.wait_for_heading("Hello, zoe").await;
}

/// Shows every page in turn, for `look` to look at.
async fn each_page(browser: &Browser, mut look: impl AsyncFnMut(&'static str)) {
    browser.goto("/login").await;
    look("login").await;
    browser.click("Sign in").await;
    browser.wait_for_text("2 things to mend").await;
    look("login-mistakes").await;
    browser.goto("/register").await;
    look("register").await;
    browser.fill("User name", "zoé").await;
    browser.fill("E-mail", "zoe@keepers").await;
    browser.fill("Password", "passwordpassword").await;
    browser.click("Create account").await;
    browser.wait_for_text("4 things to mend").await;
    look("register-mistakes").await;
    browser.goto("/nowhere").await;
    look("not-found").await;
    browser.goto("/test/panic").await;
    look("error").await;
    sign_in(browser).await;
    look("home").await;
    for (path, heading, picture) in [
        ("/account", "Your account", "account"),
        ("/account/password", "Change your password", "password"),
        ("/account/sessions", "Where you are signed in", "sessions"),
        ("/account/activity", "What happened", "activity"),
        ("/account/delete", "Delete your account", "delete"),
    ] {
        browser.goto(path).await;
        browser.wait_for_heading(heading).await;
        look(picture).await;
    }
    browser.goto("/account/password").await;
    browser.click("Change password").await;
    browser.wait_for_text("2 things to mend").await;
    look("password-mistakes").await;
    browser.click("Sign out").await;
    browser.wait_for_text("You are signed out.").await;
    look("logged-out").await;
}

// WCAG 2.2 AA, as far as a program can tell; in both themes, because contrast is half of it.
#[tokio::test]
async fn axe_reports_no_violations_on_any_page_theme_or_width() {
    let axe = fs::read_to_string(tool("axe-core/axe.min.js")).unwrap();
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    for dark in [false, true] {
        for width in WIDTHS {
            let browser = Browser::open(&app.address, View { width, dark, scripts: true }).await;
            each_page(&browser, async |page| {
                browser.client.execute(&axe, vec![]).await.unwrap();
                let run = "const done = arguments[arguments.length - 1]; \
                           axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}) \
                           .then(result => done({violations: result.violations.map(violation => violation.id + ': ' + violation.nodes.map(node => node.html).join(' | ')), \
                                                 passes: result.passes.length}));";
                let result = browser.client.execute_async(run, vec![]).await.unwrap();
                assert!(result["passes"].as_u64().unwrap() > 10, "{page}: axe looked");
                assert_eq!(result["violations"], Value::Array(vec![]), "{page}, {width} px, dark: {dark}");
            })
            .await;
            browser.close().await;
        }
    }
}

// WCAG 1.4.10 and 2.5.8; DESIGN wants 44 px.
#[tokio::test]
async fn pages_fit_320_pixels_and_touch_targets_are_44_pixels_high() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    let browser = Browser::open(&app.address, View { width: 320, scripts: true, ..View::default() }).await;
    each_page(&browser, async |page| {
        let measure = "const small = [...document.querySelectorAll('button, .field input, .choice label, .other a, .place a')] \
                         .filter(element => element.getBoundingClientRect().height < 44).map(element => element.outerHTML); \
                       return [document.documentElement.scrollWidth <= innerWidth, small];";
        let measured = browser.client.execute(measure, vec![]).await.unwrap();
        assert_eq!(measured, serde_json::json!([true, []]), "{page}");
    })
    .await;
    browser.close().await;
}

#[tokio::test]
async fn theme_follows_the_preferred_color_scheme() {
    let app = TestApp::spawn();
    let mut walls = Vec::new();
    for dark in [false, true] {
        let browser = Browser::open(&app.address, View { dark, ..View::default() }).await;
        browser.goto("/login").await;
        walls.push(
            browser.client.find(Locator::Css("body")).await.unwrap().css_value("background-color").await.unwrap(),
        );
        browser.close().await;
    }
    assert_eq!(walls, ["rgba(243, 240, 234, 1)", "rgba(23, 21, 18, 1)"]);
}

#[tokio::test]
async fn every_page_has_valid_html() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::spawn();
    let guest = app.client();
    let member = app.signed_in_client("zoe").await;
    app.client().sign_in("zoe", PASSWORD).await;
    let pages = [
        ("login", guest.get("/login").await),
        ("login-next", guest.get("/login?next=/test/added").await),
        ("login-mistakes", guest.post("/login", &[("remember", "on")]).await),
        ("register", guest.get("/register").await),
        ("register-mistakes", guest.post("/register", &[("username", "\"<&>")]).await),
        ("home", member.get("/").await),
        ("home-again", member.get("/").await),
        ("account", member.get("/account").await),
        ("password", member.get("/account/password").await),
        ("sessions", member.get("/account/sessions").await),
        ("activity", member.get("/account/activity").await),
        ("delete", member.get("/account/delete").await),
        ("problem", guest.get("/nowhere").await),
        ("error", guest.get("/test/panic").await),
    ];
    for (name, answer) in &pages {
        fs::write(folder.path().join(format!("{name}.html")), &answer.body).unwrap();
    }
    let rules = r#"{"extends": ["html-validate:standard", "html-validate:a11y"], "rules": {"no-trailing-whitespace": "off", "no-inline-style": "error", "void-style": "off", "attribute-boolean-style": "off", "doctype-style": "off", "no-raw-characters": "error", "long-title": "off"}, "root": true}"#;
    fs::write(folder.path().join(".htmlvalidate.json"), rules).unwrap();
    let output = Command::new(program(&["node"], "nodejs"))
        .arg(tool("html-validate/bin/html-validate.mjs"))
        .args(["--formatter", "text", "*.html"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

// Not a rule but a way to look: GATEHOUSE_PICTURES=some/folder cargo test --test browser pictures
#[tokio::test]
async fn screenshots_of_every_page_can_be_taken() {
    let scratch = tempfile::tempdir().unwrap();
    let wanted = env::var_os("GATEHOUSE_PICTURES").map(PathBuf::from);
    let folder = wanted.clone().unwrap_or_else(|| scratch.path().to_owned());
    fs::create_dir_all(&folder).unwrap();
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    let views = WIDTHS.into_iter().flat_map(|width| [(width, false), (width, true)]);
    // One view is enough to know that it works.
    for (width, dark) in views.take(if wanted.is_some() { 6 } else { 1 }) {
        let browser = Browser::open(&app.address, View { width, dark, scripts: false }).await;
        each_page(&browser, async |page| {
            let picture = browser.client.screenshot().await.unwrap();
            assert!(picture.starts_with(b"\x89PNG"), "{page}");
            let theme = if dark { "dark" } else { "light" };
            fs::write(folder.join(format!("{page}-{width}-{theme}.png")), picture).unwrap();
        })
        .await;
        browser.close().await;
    }
}
