use std::time::Duration;

use crate::support::{PASSWORD, TestApp};

#[tokio::test]
async fn home_page_shows_account_and_previous_sign_in() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    assert!(client.get("/").await.body.contains("This is your first"));
    app.clock.advance(Duration::from_hours(72));
    client.sign_in("zoe", PASSWORD).await;
    let first = client.get("/").await.body;
    assert!(first.contains("<dd>zoe</dd>") && first.contains("<dd>zoe@keepers.example</dd>"));
    assert_eq!(first.matches("<time datetime=\"2026-11-22T00:00:00Z\">22 November 2026</time>").count(), 2, "{first}");
    app.clock.advance(Duration::from_hours(1));
    client.sign_in("zoe", PASSWORD).await;
    assert!(client.get("/").await.body.contains("<time datetime=\"2026-11-25T00:00:00Z\">today at 00:00 UTC</time>"));
}

#[tokio::test]
async fn site_name_is_escaped_on_every_page() {
    let app = TestApp::with(&["--site-name", "Keepers <b> & Co"]);
    let client = app.signed_in_client("zoe").await;
    for page in ["/", "/nowhere"] {
        let body = client.get(page).await.body;
        assert!(body.contains("Keepers &#60;b&#62; &#38; Co") && !body.contains("<b> &"), "{body}");
    }
}
