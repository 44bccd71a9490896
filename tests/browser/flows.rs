use crate::support::{
    PASSWORD, TestApp,
    chromium::{Browser, View},
};

#[tokio::test]
async fn user_registers_signs_out_and_signs_in_to_requested_page() {
    let app = TestApp::spawn();
    let browser = Browser::open(&app.address, View::default()).await;
    browser.go("/").await;
    browser.arrives("Sign in").await;
    browser.press("Create an account").await;
    browser.arrives("Create an account").await;
    browser.fill("User name", "Zoe").await;
    browser.fill("E-mail", "zoe@keepers.example").await;
    browser.fill("Password", PASSWORD).await;
    browser.fill("The same password again", PASSWORD).await;
    browser.press("Create account").await;
    browser.arrives("Hello, zoe").await;
    assert_eq!(browser.path().await, "/");
    browser.shows("Your account is ready").await;

    browser.press("Sign out").await;
    browser.shows("You are signed out.").await;
    assert_eq!(browser.path().await, "/login");

    browser.go("/test/added?page=2").await;
    browser.arrives("Sign in").await;
    browser.fill("User name or e-mail", "zoe@keepers.example").await;
    browser.fill("Password", PASSWORD).await;
    browser.press("Keep me signed in").await;
    browser.press("Sign in").await;
    browser.shows("a page that was added").await;
    assert_eq!(browser.path().await, "/test/added?page=2");
    browser.close().await;
}

#[tokio::test]
async fn wrong_password_shows_one_error_keeps_username_and_focuses_summary() {
    let app = TestApp::spawn();
    app.member("zoe").await;
    let browser = Browser::open(&app.address, View::default()).await;
    browser.go("/login").await;
    assert_eq!(browser.focus().await, "login", "one can type at once");
    browser.fill("User name or e-mail", "zoe").await;
    browser.fill("Password", "not the password at all").await;
    browser.press("Sign in").await;
    browser.shows("One thing to mend").await;
    assert_eq!((browser.value("login").await.as_str(), browser.value("password").await.as_str()), ("zoe", ""));
    browser.press("The user name, e-mail address or password is not right.").await;
    assert_eq!(browser.focus().await, "login", "the summary leads to the field");
    browser.fill("Password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.arrives("Hello, zoe").await;
    browser.close().await;
}

// ASVS 14.3.1
#[tokio::test]
async fn back_button_after_sign_out_shows_no_private_data() {
    let app = TestApp::spawn();
    app.member("zoe").await;
    let browser = Browser::open(&app.address, View::default()).await;
    browser.go("/login").await;
    browser.fill("User name or e-mail", "zoe").await;
    browser.fill("Password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.arrives("Hello, zoe").await;
    browser.press("Sign out").await;
    browser.shows("You are signed out.").await;
    browser.client.back().await.unwrap();
    // The page from before is asked for again, and the answer is the sign-in page.
    browser.arrives("Sign in").await;
    assert_eq!(browser.path().await, "/login?next=/");
    assert!(!browser.text().await.contains("zoe@keepers.example"));
    browser.close().await;
}

#[tokio::test]
async fn login_works_with_the_keyboard_alone() {
    let app = TestApp::spawn();
    app.member("zoe").await;
    let browser = Browser::open(&app.address, View::default()).await;
    browser.go("/login").await;
    browser.keys("zoe\u{e004}").await;
    assert_eq!(browser.focus().await, "password");
    browser.keys(PASSWORD).await;
    browser.keys("\u{e004}").await;
    assert_eq!(browser.focus().await, "remember");
    browser.keys(" ").await;
    browser.keys("\u{e007}").await;
    browser.arrives("Hello, zoe").await;
    // Past the header, to the page: the first stop is the link that leads there.
    browser.keys("\u{e004}").await;
    browser.shows("Skip to the page").await;
    browser.keys("\u{e007}").await;
    assert!(browser.client.current_url().await.unwrap().as_str().ends_with("#main"));
    browser.close().await;
}

#[tokio::test]
async fn sessions_in_two_browsers_are_independent() {
    let app = TestApp::spawn();
    app.member("zoe").await;
    app.member("eva").await;
    let (one, two) =
        (Browser::open(&app.address, View::default()).await, Browser::open(&app.address, View::default()).await);
    for (browser, name) in [(&one, "zoe"), (&two, "eva")] {
        browser.go("/login").await;
        browser.fill("User name or e-mail", name).await;
        browser.fill("Password", PASSWORD).await;
        browser.press("Sign in").await;
        browser.arrives(&format!("Hello, {name}")).await;
    }
    one.press("Sign out").await;
    one.shows("You are signed out.").await;
    two.go("/").await;
    two.arrives("Hello, eva").await;
    one.close().await;
    two.close().await;
}

async fn enter(app: &TestApp, password: &str) -> Browser {
    let browser = Browser::open(&app.address, View::default()).await;
    browser.go("/login").await;
    browser.fill("User name or e-mail", "zoe").await;
    browser.fill("Password", password).await;
    browser.press("Sign in").await;
    browser.arrives("Hello, zoe").await;
    browser
}

#[tokio::test]
async fn revoked_session_is_redirected_to_login_at_next_click() {
    let app = TestApp::spawn();
    app.member("zoe").await;
    let (here, there) = (enter(&app, PASSWORD).await, enter(&app, PASSWORD).await);
    here.press("Sessions").await;
    here.arrives("Where you are signed in").await;
    here.press("End all others").await;
    here.shows("You are signed out everywhere but here.").await;
    there.press("Account").await;
    there.arrives("Sign in").await;
    there.shows("Your session has ended.").await;
    here.press("Home").await;
    here.arrives("Hello, zoe").await;
    here.close().await;
    there.close().await;
}

#[tokio::test]
async fn user_changes_password_and_profile_and_stays_signed_in() {
    const NEW: &str = "seventeen geese on a crooked chimney";
    let app = TestApp::spawn();
    app.member("zoe").await;
    let browser = enter(&app, PASSWORD).await;
    browser.press("Password").await;
    browser.arrives("Change your password").await;
    browser.fill("The password you have now", PASSWORD).await;
    browser.fill("New password", NEW).await;
    browser.fill("The new password again", NEW).await;
    browser.press("Change password").await;
    browser.shows("Your password is changed.").await;
    app.clock.advance(std::time::Duration::from_mins(11));
    browser.press("Account").await;
    browser.arrives("Your account").await;
    browser.fill("User name", "ida").await;
    browser.press("Save").await;
    // The page was loaded when the sign-in was no longer recent: it asks, and keeps what was typed.
    browser.shows("One thing to mend").await;
    assert_eq!(browser.value("username").await, "ida");
    browser.fill("Your password", NEW).await;
    browser.press("Save").await;
    browser.shows("Your changes are saved.").await;
    browser.press("Home").await;
    browser.arrives("Hello, ida").await;
    browser.close().await;
}

#[tokio::test]
async fn user_views_activity_and_deletes_account() {
    let app = TestApp::spawn();
    app.member("zoe").await;
    app.client().sign_in("zoe", "not the password at all").await;
    let browser = enter(&app, PASSWORD).await;
    browser.shows("1 failed attempt to sign in as you.").await;
    browser.press("See what happened").await;
    browser.arrives("What happened").await;
    browser.shows("Somebody gave a wrong password").await;
    browser.press("Account").await;
    browser.arrives("Your account").await;
    browser.press("Delete the account").await;
    browser.arrives("Delete your account").await;
    browser.fill("Type your user name", "zo").await;
    browser.fill("Your password", PASSWORD).await;
    browser.press("Delete my account").await;
    browser.shows("Type your user name to show that you mean it.").await;
    assert_eq!(browser.value("confirm").await, "zo");
    browser.fill("Type your user name", "zoe").await;
    browser.fill("Your password", PASSWORD).await;
    browser.press("Delete my account").await;
    browser.shows("Your account is deleted.").await;
    browser.fill("User name or e-mail", "zoe").await;
    browser.fill("Password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.shows("One thing to mend").await;
    browser.close().await;
}
