use crate::support::TestApp;

#[tokio::test]
async fn sign_in_page_leads_to_whom_to_ask_for_a_new_password() {
    let app = TestApp::with(&["--contact", "help@example.org"]);
    let client = app.client();
    assert!(client.get("/login").await.body.contains("<a href=\"/forgot\">Forgot your password?</a>"));
    let page = client.get("/forgot").await;
    assert!(page.body.contains("<a href=\"mailto:help@example.org\">help@example.org</a>"), "{}", page.body);
    assert_eq!(app.signed_in_client("zoe").await.get("/forgot").await.status, 200);
}

#[tokio::test]
async fn page_without_a_contact_says_who_can_help() {
    let page = TestApp::spawn().client().get("/forgot").await.body;
    assert!(page.contains("Its operator can give you a link") && !page.contains("Ask here"), "{page}");
}
