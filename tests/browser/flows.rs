use crate::support::{
    PASSWORD, TestApp, WRONG_PASSWORD,
    chromium::{Browser, View},
};

#[tokio::test]
async fn user_registers_signs_out_and_signs_in_to_requested_page() {
    let app = TestApp::spawn();
    let browser = Browser::open(&app.address, View::default()).await;
    browser.goto("/").await;
    browser.wait_for_heading("Sign in").await;
    browser.click("Create an account").await;
    browser.wait_for_heading("Create an account").await;
    browser.fill("User name", "Zoe").await;
    browser.fill("E-mail", "zoe@keepers.example").await;
    browser.fill("Password", PASSWORD).await;
    browser.fill("Confirm password", PASSWORD).await;
    browser.click("Create account").await;
    browser.wait_for_heading("Hello, zoe").await;
    assert_eq!(browser.path().await, "/");
    browser.wait_for_text("Your account is ready").await;

    browser.click("Sign out").await;
    browser.wait_for_text("You are signed out.").await;
    assert_eq!(browser.path().await, "/login");

    browser.goto("/test/added?page=2").await;
    browser.wait_for_heading("Sign in").await;
    browser.fill("User name or e-mail", "zoe@keepers.example").await;
    browser.fill("Password", PASSWORD).await;
    browser.click("Keep me signed in").await;
    browser.click("Sign in").await;
    browser.wait_for_text("a route that was added").await;
    assert_eq!(browser.path().await, "/test/added?page=2");
    browser.close().await;
}

#[tokio::test]
async fn wrong_password_shows_one_error_keeps_username_and_focuses_summary() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    let browser = Browser::open(&app.address, View::default()).await;
    browser.goto("/login").await;
    assert_eq!(browser.focused_id().await, "login", "the first field is focused");
    browser.fill("User name or e-mail", "zoe").await;
    browser.fill("Password", WRONG_PASSWORD).await;
    browser.click("Sign in").await;
    browser.wait_for_text("There is a problem").await;
    assert_eq!((browser.value("login").await.as_str(), browser.value("password").await.as_str()), ("zoe", ""));
    browser.click("The user name, e-mail address or password is not right.").await;
    assert_eq!(browser.focused_id().await, "login", "the error summary links to the field");
    browser.fill("Password", PASSWORD).await;
    browser.click("Sign in").await;
    browser.wait_for_heading("Hello, zoe").await;
    browser.close().await;
}

// ASVS 14.3.1
#[tokio::test]
async fn back_button_after_sign_out_shows_no_private_data() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    let browser = Browser::open(&app.address, View::default()).await;
    browser.sign_in("zoe", PASSWORD).await;
    browser.wait_for_heading("Hello, zoe").await;
    browser.click("Sign out").await;
    browser.wait_for_text("You are signed out.").await;
    browser.client.back().await.unwrap();
    // The previous page is not in the cache, so the browser requests it and is redirected to the sign-in page.
    browser.wait_for_heading("Sign in").await;
    assert_eq!(browser.path().await, "/login?next=/");
    assert!(!browser.text().await.contains("zoe@keepers.example"));
    browser.close().await;
}

#[tokio::test]
async fn login_works_with_the_keyboard_alone() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    let browser = Browser::open(&app.address, View::default()).await;
    browser.goto("/login").await;
    browser.type_keys("zoe\u{e004}").await;
    assert_eq!(browser.focused_id().await, "password");
    browser.type_keys(PASSWORD).await;
    browser.type_keys("\u{e004}").await;
    assert_eq!(browser.focused_id().await, "remember");
    browser.type_keys(" ").await;
    browser.type_keys("\u{e007}").await;
    browser.wait_for_heading("Hello, zoe").await;
    // The first focusable element of the page is the link that skips the header.
    browser.type_keys("\u{e004}").await;
    browser.wait_for_text("Skip to main content").await;
    browser.type_keys("\u{e007}").await;
    assert!(browser.client.current_url().await.unwrap().as_str().ends_with("#main"));
    browser.close().await;
}

#[tokio::test]
async fn sessions_in_two_browsers_are_independent() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    app.signed_in_client("eva").await;
    let (one, two) =
        (Browser::open(&app.address, View::default()).await, Browser::open(&app.address, View::default()).await);
    for (browser, name) in [(&one, "zoe"), (&two, "eva")] {
        browser.sign_in(name, PASSWORD).await;
        browser.wait_for_heading(&format!("Hello, {name}")).await;
    }
    one.click("Sign out").await;
    one.wait_for_text("You are signed out.").await;
    two.goto("/").await;
    two.wait_for_heading("Hello, eva").await;
    one.close().await;
    two.close().await;
}

async fn signed_in_browser(app: &TestApp) -> Browser {
    let browser = Browser::open(&app.address, View::default()).await;
    browser.sign_in("zoe", PASSWORD).await;
    browser.wait_for_heading("Hello, zoe").await;
    browser
}

#[tokio::test]
async fn revoked_session_is_redirected_to_login_at_next_click() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    let (one, two) = (signed_in_browser(&app).await, signed_in_browser(&app).await);
    one.click("Sessions").await;
    one.wait_for_heading("Where you are signed in").await;
    one.click("Sign out of all other sessions").await;
    one.wait_for_text("You are signed out of all other sessions.").await;
    two.click("Account").await;
    two.wait_for_heading("Sign in").await;
    two.wait_for_text("Your session has ended.").await;
    one.click("Home").await;
    one.wait_for_heading("Hello, zoe").await;
    one.close().await;
    two.close().await;
}

#[tokio::test]
async fn user_changes_password_and_profile_and_stays_signed_in() {
    const NEW_PASSWORD: &str = "seventeen geese on a crooked chimney";
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    let browser = signed_in_browser(&app).await;
    browser.click("Password").await;
    browser.wait_for_heading("Change your password").await;
    browser.fill("Current password", PASSWORD).await;
    browser.fill("New password", NEW_PASSWORD).await;
    browser.fill("Confirm password", NEW_PASSWORD).await;
    browser.click("Change password").await;
    browser.wait_for_text("Your password is changed.").await;
    app.clock.advance(std::time::Duration::from_mins(11));
    browser.click("Account").await;
    browser.wait_for_heading("Your account").await;
    browser.fill("User name", "ida").await;
    browser.click("Save changes").await;
    // The sign-in is no longer recent, so the server requires the password and keeps the typed values.
    browser.wait_for_text("There is a problem").await;
    assert_eq!(browser.value("username").await, "ida");
    browser.fill("Current password", NEW_PASSWORD).await;
    browser.click("Save changes").await;
    browser.wait_for_text("Your changes are saved.").await;
    browser.click("Home").await;
    browser.wait_for_heading("Hello, ida").await;
    browser.close().await;
}

#[tokio::test]
async fn user_views_activity_and_deletes_account() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    app.client().sign_in("zoe", WRONG_PASSWORD).await;
    let browser = signed_in_browser(&app).await;
    browser.wait_for_text("1 failed attempt to sign in as you.").await;
    browser.click("See recent activity").await;
    browser.wait_for_heading("Recent activity").await;
    browser.wait_for_text("Sign-in with a wrong password").await;
    browser.click("Account").await;
    browser.wait_for_heading("Your account").await;
    browser.click("Delete account").await;
    browser.wait_for_heading("Delete your account").await;
    browser.fill("Type your user name to confirm", "zo").await;
    browser.fill("Current password", PASSWORD).await;
    browser.click("Delete my account").await;
    browser.wait_for_text("Type your user name to confirm.").await;
    assert_eq!(browser.value("confirm").await, "zo");
    browser.fill("Type your user name to confirm", "zoe").await;
    browser.fill("Current password", PASSWORD).await;
    browser.click("Delete my account").await;
    browser.wait_for_text("Your account is deleted.").await;
    browser.fill("User name or e-mail", "zoe").await;
    browser.fill("Password", PASSWORD).await;
    browser.click("Sign in").await;
    browser.wait_for_text("There is a problem").await;
    browser.close().await;
}
