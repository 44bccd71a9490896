use gatehouse::{accounts::AdminAction, apps::TokenFormat};
use serde_json::json;

use crate::{
    python::PythonApp,
    tokens::{Issuer, SECRET, forgeries},
};

const MODULE: &str = "praetorian_app";

#[tokio::test]
async fn praetorian_verifies_tokens_with_its_own_secret() {
    let issuer = Issuer::start(Some(TokenFormat::Praetorian)).await;
    let application = PythonApp::start(MODULE, &[("SECRET_KEY", SECRET)]);
    let pair = issuer.sign_in("zoe").await;
    for path in ["/protected", "/staff"] {
        let accepted = application.get(path, &pair.access).await;
        assert_eq!(accepted, (200, json!({"username": "zoe"})), "{path}: {}", application.log());
    }
    let (status, error) = application.get("/protected", &issuer.expired).await;
    assert_eq!((status, &error["error"]), (401, &json!("ExpiredAccessError")));
    for token in forgeries(&pair.access).iter().chain([&pair.refresh]) {
        let (status, error) = application.get("/protected", token).await;
        assert_eq!((status, &error["error"]), (401, &json!("InvalidTokenHeader")), "{token}");
    }
    let (status, error) = application.get("/protected", &issuer.sign_in("eva").await.access).await;
    assert_eq!((status, &error["error"]), (401, &json!("PraetorianError")), "the application has no such person");
    let other = PythonApp::start(MODULE, &[("SECRET_KEY", "the secret of another application")]);
    assert_eq!(other.status("/protected", &pair.access).await, 401);
}

#[tokio::test]
async fn praetorian_reads_the_roles_that_the_account_has() {
    let issuer = Issuer::start(Some(TokenFormat::Praetorian)).await;
    let application = PythonApp::start(MODULE, &[("SECRET_KEY", SECRET)]);
    issuer.app.operate("zoe", AdminAction::AddRole("editor".parse().unwrap())).await;
    assert_eq!(application.status("/staff", &issuer.sign_in("zoe").await.access).await, 200);
    issuer.app.operate("zoe", AdminAction::RemoveRole("staff".parse().unwrap())).await;
    assert_eq!(application.status("/staff", &issuer.sign_in("zoe").await.access).await, 403);
}

// Otherwise a session that has ended would go on there.
#[tokio::test]
async fn praetorian_makes_no_new_token_of_an_expired_one() {
    let issuer = Issuer::start(Some(TokenFormat::Praetorian)).await;
    let application = PythonApp::start(MODULE, &[("SECRET_KEY", SECRET)]);
    let (status, error) = application.get("/refresh", &issuer.expired).await;
    assert_eq!((status, &error["error"]), (401, &json!("ExpiredRefreshError")));
    let (status, error) = application.get("/refresh", &issuer.sign_in("zoe").await.access).await;
    assert_eq!((status, &error["error"]), (425, &json!("EarlyRefreshError")));
}
