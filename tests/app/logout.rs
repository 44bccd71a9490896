use crate::support::{PASSWORD, TestApp, client::assert_redirect};

// ASVS 7.4.1, 14.3.1
#[tokio::test]
async fn sign_out_revokes_the_session_on_the_server() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    let copied = client.fork();
    assert!(copied.is_signed_in().await);

    let answer = client.sign_out().await;

    assert_redirect(&answer, "/login");
    assert!(answer.set_cookie("session").unwrap().ends_with("; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"));
    assert_eq!(answer.set_cookie("device"), None, "the browser stays a known device");
    assert_eq!(answer.header("clear-site-data"), "\"cache\", \"storage\"");
    assert!(client.get("/login").await.body.contains("You are signed out."));
    assert!(!copied.fork().is_signed_in().await, "the next request with a copied cookie is rejected");
    let app = app.restart(&[]);
    assert!(!copied.against(&app.address).is_signed_in().await, "the session stays revoked after a restart");
    assert_eq!(app.event_count("signed_out").await, 1);
}

#[tokio::test]
async fn sign_out_is_idempotent() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    let copied = client.fork();
    client.sign_out().await;
    for client in [app.client(), copied] {
        let answer = client.post("/logout", &[]).await;
        assert_redirect(&answer, "/login");
    }
    assert_eq!(app.event_count("signed_out").await, 1);
}

// ASVS 3.5.3
#[tokio::test]
async fn get_logout_does_not_sign_out() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    for method in ["GET", "HEAD"] {
        let answer = client.send(client.request(method, "/logout")).await;
        assert_eq!((answer.status, answer.header("allow")), (405, "POST"), "{method}");
    }
    assert!(client.is_signed_in().await);
}

#[tokio::test]
async fn sign_out_keeps_other_sessions_of_the_account() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    let other_client = app.client();
    other_client.sign_in("zoe", PASSWORD).await;
    client.sign_out().await;
    assert!(other_client.is_signed_in().await);
}
