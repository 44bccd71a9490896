//! The way of a person through the applications, in a browser without scripts.

use gatehouse::accounts::AdminAction;

use crate::{
    proxy::Proxy,
    site::{Front, Site},
    support::{
        PASSWORD,
        chromium::{Browser, View},
    },
    with_each_proxy,
};

with_each_proxy! {
    person_signs_in_once_and_uses_both_applications,
    form_that_is_sent_after_the_session_has_ended_is_explained,
}

async fn open(browser: &Browser, front: &Front, path: &str) {
    browser.client.goto(&format!("{}{path}", front.origin)).await.unwrap();
}

/// Fills in the sign-in page, where the browser is.
async fn sign_in(browser: &Browser) {
    browser.wait_for_heading("Sign in").await;
    browser.fill("User name or e-mail", "zoe").await;
    browser.fill("Password", PASSWORD).await;
    browser.click("Sign in").await;
}

async fn url(browser: &Browser) -> String {
    browser.client.current_url().await.unwrap().to_string()
}

async fn person_signs_in_once_and_uses_both_applications(proxy: Proxy) {
    use_both_applications(Site::start(proxy).await).await;
}

// The cookies have the prefix `__Host-` here. The model of Traefik has no TLS.
mod over_https {
    use super::{Proxy, Site, use_both_applications};

    crate::with_each_real_proxy! { person_signs_in_once_and_uses_both_applications }

    async fn person_signs_in_once_and_uses_both_applications(proxy: Proxy) {
        use_both_applications(Site::with_https(proxy).await).await;
    }
}

async fn use_both_applications(site: Site) {
    site.signed_in_client("zoe").await;
    let browser = Browser::open(&site.origin, View::default()).await;

    // The sign-in form leads back to the page that was asked for.
    open(&browser, &site.wiki, "/page?a=1&b=two").await;
    sign_in(&browser).await;
    browser.wait_for_text("\"GET /page?a=1&b=two HTTP/1.1\"").await;
    assert_eq!(url(&browser).await, format!("{}/page?a=1&b=two", site.wiki.origin));
    assert_eq!(site.wiki.echo.take_received()[0].header("remote-user"), Some("zoe"));

    // The role of the other application is missing, and then the way there asks for no password.
    open(&browser, &site.photos, "/album?year=2026").await;
    browser.wait_for_heading("You may not use this application").await;
    site.photos.received_nothing();
    site.grant("zoe", "staff").await;
    open(&browser, &site.photos, "/album?year=2026").await;
    browser.wait_for_text("\"GET /album?year=2026 HTTP/1.1\"").await;
    assert_eq!(site.photos.echo.take_received()[0].header("remote-groups"), Some("staff"));

    open(&browser, &site.wiki, "/form").await;
    browser.fill("Text", "a & b = c").await;
    browser.click("Save").await;
    browser.wait_for_text("\"text=a+%26+b+%3D+c\"").await;
    browser.wait_for_text("\"POST /saved?draft=1 HTTP/1.1\"").await;

    // The role is taken while the person uses the application.
    site.app.operate("zoe", AdminAction::RemoveRole("staff".parse().unwrap())).await;
    open(&browser, &site.photos, "/album").await;
    browser.wait_for_heading("You may not use this application").await;

    open(&browser, &site.wiki, "/.gatehouse/sign-out").await;
    browser.wait_for_text("zoe").await;
    browser.click("Sign out everywhere").await;
    browser.wait_for_heading("You are signed out").await;
    site.wiki.echo.take_received();
    open(&browser, &site.wiki, "/page").await;
    browser.wait_for_heading("Sign in").await;
    site.wiki.received_nothing();
    browser.close().await;
}

async fn form_that_is_sent_after_the_session_has_ended_is_explained(proxy: Proxy) {
    let site = Site::start(proxy).await;
    site.signed_in_client("zoe").await;
    let browser = Browser::open(&site.origin, View::default()).await;
    open(&browser, &site.wiki, "/form").await;
    sign_in(&browser).await;
    browser.wait_for_heading("A form").await;
    browser.fill("Text", "unsaved").await;
    site.app.operate("zoe", AdminAction::SignOut).await;
    site.wiki.echo.take_received();
    browser.click("Save").await;
    browser.wait_for_heading("Your form was not sent").await;
    site.wiki.received_nothing();
    browser.close().await;
}
