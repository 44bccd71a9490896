use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use fantoccini::Locator;
use gatehouse::{
    accounts::AdminAction,
    apps::{AppChange, Change},
    client::Client as Operator,
    db::schema::{account_roles, app_sessions, sessions},
    language::Language,
};
use serde_json::Value;
use strum::VariantArray;

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
    const selector = 'button, .field input, .field select, .checkbox label, ' +
        '.alternative a, .brand a, nav a, .links a, .apps a, .pagination a';
    const controls = [...document.querySelectorAll(selector)];
    const small = controls.filter(element => element.getBoundingClientRect().height < 44);
    return [document.documentElement.scrollWidth <= innerWidth, small.map(element => element.outerHTML)];
";
/// Returns the number of lines that the navigation takes, and the height of the header in lines of 48 px.
const MEASURE_HEADER: &str = "
    const links = [...document.querySelectorAll('header nav a')].map(link => link.getBoundingClientRect().top);
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
    browser.wait_for_text(browser.messages.member_since).await;
}

/// Opens every page in turn and calls `check` with its name.
async fn for_each_page(app: &TestApp, browser: &Browser, mut check: impl AsyncFnMut(&'static str)) {
    let texts = browser.messages;
    browser.goto("/login").await;
    check("login").await;
    browser.click(texts.sign_in).await;
    browser.wait_for_text(texts.there_is_a_problem).await;
    check("login-errors").await;
    browser.goto("/register").await;
    check("register").await;
    browser.fill(texts.username, "zoé").await;
    browser.fill(texts.email, "zoe@keepers").await;
    browser.fill(texts.password, "passwordpassword").await;
    browser.click(texts.create_account).await;
    browser.wait_for_text(texts.there_is_a_problem).await;
    check("register-errors").await;
    browser.goto("/nowhere").await;
    check("not-found").await;
    browser.goto("/forgot").await;
    browser.wait_for_heading(texts.forgotten_password).await;
    check("forgot").await;
    browser.goto(&format!("/reset?token={}", app.reset_token("zoe").await)).await;
    browser.wait_for_heading(texts.set_new_password).await;
    browser.click(texts.save_password).await;
    browser.wait_for_text(texts.there_is_a_problem).await;
    check("reset-errors").await;
    browser.goto(&format!("/setup?token={}", app.state.setup_token.expose())).await;
    browser.wait_for_heading(texts.create_administrator).await;
    check("setup").await;
    browser.goto("/test/panic").await;
    check("error").await;
    sign_in(browser).await;
    check("home").await;
    add_used_app(app).await;
    browser.goto("/").await;
    browser.wait_for_text(texts.your_applications).await;
    check("home-apps").await;
    browser.goto("/account/sessions").await;
    browser.wait_for_text(texts.session_used_at).await;
    check("sessions-apps").await;
    app.state.apps.remove("photos".parse().unwrap(), &Operator::anonymous()).await.unwrap();
    for (path, heading, page) in [
        ("/account", texts.your_account, "account"),
        ("/account/password", texts.change_your_password, "password"),
        ("/account/sessions", texts.where_you_are_signed_in, "sessions"),
        ("/account/activity", texts.recent_activity, "activity"),
        ("/account/delete", texts.delete_your_account, "delete"),
    ] {
        browser.goto(path).await;
        browser.wait_for_heading(heading).await;
        check(page).await;
    }
    browser.goto("/account/password").await;
    browser.click(texts.change_password).await;
    browser.wait_for_text(texts.there_is_a_problem).await;
    check("password-errors").await;
    for_each_admin_page(app, browser, &mut check).await;
    browser.click(texts.sign_out).await;
    browser.wait_for_heading(texts.sign_in).await;
    check("logged-out").await;
}

/// Adds an application, as if all sessions had been used there.
async fn add_used_app(app: &TestApp) {
    let url = Change::Set("https://photos.example.org".parse().unwrap());
    let change = AppChange { name: Some("Photos".to_owned()), url, ..AppChange::default() };
    app.state.apps.add("photos".parse().unwrap(), change, &Operator::anonymous()).await.unwrap();
    app.reload_apps().await;
    app.query(|conn| {
        diesel::delete(app_sessions::table).execute(conn)?;
        for session in sessions::table.select(sessions::id).load::<Vec<u8>>(conn)? {
            diesel::insert_into(app_sessions::table)
                .values((
                    app_sessions::session_id.eq(&session),
                    app_sessions::app.eq("photos"),
                    app_sessions::id.eq(&session[..]),
                    app_sessions::created_at.eq(0),
                ))
                .execute(conn)?;
        }
        Ok(())
    })
    .await;
}

/// Makes zoe an administrator for the time of these pages: the set-up page needs a site without one.
async fn for_each_admin_page(app: &TestApp, browser: &Browser, check: &mut impl AsyncFnMut(&'static str)) {
    let (texts, account) = (browser.messages, app.admin_path("zoe").await);
    app.operate("zoe", AdminAction::AddRole("admin".parse().unwrap())).await;
    for (path, heading, page) in [
        ("/admin", texts.admin.overview, "admin"),
        ("/admin/accounts", texts.admin.accounts, "admin-accounts"),
        ("/admin/invitations", texts.admin.invitations, "admin-invitations"),
        ("/admin/activity", texts.admin.site_activity, "admin-activity"),
        (&account, "zoe", "admin-account"),
    ] {
        browser.goto(path).await;
        browser.wait_for_heading(heading).await;
        check(page).await;
    }
    browser.click(texts.admin.create_reset_link).await;
    browser.wait_for_heading(texts.admin.reset_link).await;
    check("admin-link").await;
    browser.goto("/admin/invitations").await;
    browser.click(texts.admin.create_invitation).await;
    browser.wait_for_heading(texts.admin.invitation_link).await;
    browser.goto("/admin/invitations").await;
    browser.wait_for_text(texts.admin.valid_until).await;
    check("admin-invitations-valid").await;
    for_each_app_page(browser, check).await;
    browser.goto(&format!("{account}/delete")).await;
    browser.click(texts.delete_account).await;
    browser.wait_for_text(texts.there_is_a_problem).await;
    check("admin-delete-errors").await;
    app.clock.advance(Duration::from_mins(11));
    browser.goto(&account).await;
    browser.click(texts.admin.disable).await;
    browser.wait_for_text(texts.current_password).await;
    check("admin-confirm").await;
    app.query(|conn| diesel::delete(account_roles::table).execute(conn)).await;
    browser.goto("/account").await;
}

/// Adds an application and removes it again.
async fn for_each_app_page(browser: &Browser, check: &mut impl AsyncFnMut(&'static str)) {
    let texts = browser.messages;
    browser.goto("/admin/apps").await;
    browser.wait_for_heading(texts.admin.apps).await;
    browser.click(texts.admin.add_app).await;
    browser.wait_for_text(texts.there_is_a_problem).await;
    check("admin-apps-errors").await;
    browser.fill(texts.admin.app_id, "wiki").await;
    browser.fill(texts.admin.app_url, "https://wiki.example.org").await;
    browser.click(texts.admin.add_app).await;
    browser.wait_for_text(texts.admin.all_may_enter).await;
    check("admin-apps").await;
    browser.goto("/admin/apps/wiki").await;
    browser.wait_for_heading("wiki").await;
    check("admin-app").await;
    browser.goto("/admin/apps/wiki/remove").await;
    browser.wait_for_text(texts.admin.app_removal_text).await;
    check("admin-app-remove").await;
    browser.click(texts.admin.remove_app).await;
    browser.wait_for_text(texts.admin.no_apps).await;
}

// WCAG 2.2 AA, as far as a tool can check it. Both themes, because contrast depends on the theme.
#[tokio::test]
async fn axe_reports_no_violations_on_any_page_theme_or_width() {
    let axe = fs::read_to_string(tool("axe-core/axe.min.js")).unwrap();
    let app = TestApp::with(&["--contact", "help@keepers.example"]);
    app.signed_in_client("zoe").await;
    app.client().sign_in("zoe", WRONG_PASSWORD).await;
    let english = [false, true].into_iter().flat_map(|dark| WIDTHS.map(|width| (width, dark, Language::English)));
    // Colors and columns do not depend on the language.
    for (width, dark, language) in english.chain([(320, false, Language::Indonesian)]) {
        let browser = Browser::open(&app.address, View { width, dark, scripts: true, language }).await;
        for_each_page(&app, &browser, async |page| {
            browser.client.execute(&axe, vec![]).await.unwrap();
            let result = browser.client.execute_async(RUN_AXE, vec![]).await.unwrap();
            assert!(result["passes"].as_u64().unwrap() > 10, "{page}: axe has checked the page");
            assert_eq!(result["violations"], Value::Array(vec![]), "{page}, {width} px, dark: {dark}, {language:?}");
        })
        .await;
        browser.close().await;
    }
}

// WCAG 1.4.10 and 2.5.8. WCAG requires touch targets of 24 px, the design 44 px.
#[tokio::test]
async fn pages_fit_320_pixels_and_touch_targets_are_44_pixels_high() {
    let app = TestApp::with(&["--contact", "help@keepers.example"]);
    app.signed_in_client("zoe").await;
    app.client().sign_in("zoe", WRONG_PASSWORD).await;
    for language in Language::VARIANTS {
        let view = View { width: 320, scripts: true, language: *language, ..View::default() };
        let browser = Browser::open(&app.address, view).await;
        for_each_page(&app, &browser, async |page| {
            let result = browser.client.execute(MEASURE_LAYOUT, vec![]).await.unwrap();
            assert_eq!(result, serde_json::json!([true, []]), "{page}, {language:?}");
        })
        .await;
        browser.close().await;
    }
}

#[tokio::test]
async fn header_takes_two_lines_at_320_pixels_with_the_navigation_in_one() {
    let app = TestApp::spawn();
    let longest_name = "w".repeat(32);
    app.administrator(&longest_name).await;
    for language in Language::VARIANTS {
        let view = View { width: 320, scripts: true, language: *language, ..View::default() };
        let browser = Browser::open(&app.address, view).await;
        browser.sign_in(&longest_name, PASSWORD).await;
        browser.wait_for_text(browser.messages.your_account).await;
        for path in [
            "/",
            "/account",
            "/account/password",
            "/account/sessions",
            "/account/activity",
            "/admin",
            "/admin/accounts",
        ] {
            browser.goto(path).await;
            let result = browser.client.execute(MEASURE_HEADER, vec![]).await.unwrap();
            assert_eq!(result, serde_json::json!([1, 2]), "{path}, {language:?}");
        }
        browser.close().await;
    }
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
    let mut pages = vec![
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
        ("forgot", guest.get("/forgot").await),
        ("reset", user.get(&format!("/reset?token={}", app.reset_token("zoe").await)).await),
        ("setup", guest.get(&format!("/setup?token={}", app.state.setup_token.expose())).await),
        ("error", guest.get("/test/panic").await),
    ];
    app.operate("zoe", AdminAction::AddRole("admin".parse().unwrap())).await;
    pages.push(("admin-apps-errors", user.submit("/admin/apps", &[("tokens", "?"), ("hs256_secret", "x")]).await));
    user.submit("/admin/apps", &[("id", "wiki")]).await;
    for (name, path) in
        [("admin-apps", "/admin/apps"), ("admin-app", "/admin/apps/wiki"), ("remove", "/admin/apps/wiki/remove")]
    {
        pages.push((name, user.get(path).await));
    }
    for (name, answer) in &pages {
        fs::write(dir.path().join(format!("{name}.html")), &answer.body).unwrap();
    }
    // The structure of all other pages is the same in every language, as a test of the application checks.
    guest.set_cookie("language", "id");
    fs::write(dir.path().join("login-id.html"), guest.get("/login").await.body).unwrap();
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
    let app = TestApp::with(&["--contact", "help@keepers.example"]);
    app.signed_in_client("zoe").await;
    app.client().sign_in("zoe", WRONG_PASSWORD).await;
    let views = WIDTHS.into_iter().flat_map(|width| [(width, false), (width, true)]);
    let views = views.flat_map(|(width, dark)| Language::VARIANTS.iter().map(move |language| (width, dark, *language)));
    // Without an output directory, one view is enough to check that screenshots work.
    for (width, dark, language) in views.take(if output.is_some() { usize::MAX } else { 1 }) {
        let browser = Browser::open(&app.address, View { width, dark, scripts: false, language }).await;
        for_each_page(&app, &browser, async |page| {
            let screenshot = browser.client.screenshot().await.unwrap();
            assert!(screenshot.starts_with(b"\x89PNG"), "{page}");
            let theme = if dark { "dark" } else { "light" };
            fs::write(dir.join(format!("{page}-{width}-{theme}-{}.png", language.code())), screenshot).unwrap();
        })
        .await;
        browser.close().await;
    }
}
