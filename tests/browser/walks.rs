use crate::support::{
    PASSWORD, TestApp,
    chromium::{Browser, View},
};

#[tokio::test]
async fn a_person_registers_signs_out_and_signs_in_with_the_address_where_they_wanted_to_go() {
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
async fn a_wrong_password_is_told_once_the_name_is_kept_and_the_focus_is_on_what_went_wrong() {
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
async fn after_signing_out_the_back_button_shows_nothing_private() {
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
async fn all_can_be_done_with_the_keyboard() {
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
async fn two_people_at_two_browsers_do_not_notice_each_other() {
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
