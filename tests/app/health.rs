use crate::support::TestApp;

// ASVS 13.4.5, 13.4.6
#[tokio::test]
async fn health_pages_reveal_only_the_status() {
    let app = TestApp::spawn();
    for (page, body) in [("/healthz", "alive\n"), ("/readyz", "ready\n")] {
        let answer = app.client().get(page).await;
        assert_eq!(
            (answer.status, answer.body.as_str(), answer.header("content-type")),
            (200, body, "text/plain; charset=utf-8")
        );
        assert_eq!(answer.header("server"), "");
    }
}
