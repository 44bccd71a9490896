use gatehouse::apps::TokenFormat;
use serde_json::json;

use crate::{
    documentation,
    python::{self, PythonApp},
    tokens::{Issuer, SECRET, forgeries},
};

const MODULE: &str = "flask_jwt_extended_app";

/// Asserts what holds for tokens of both algorithms.
async fn assert_verifies(application: &PythonApp, issuer: &Issuer, identity: &str) {
    let pair = issuer.sign_in("zoe").await;
    let accepted = application.get("/protected", &pair.access).await;
    assert_eq!(accepted, (200, json!({"identity": identity, "roles": ["staff"]})), "{}", application.log());
    assert_eq!(application.status("/fresh", &pair.access).await, 200);
    assert_eq!(application.status("/refresh-only", &pair.access).await, 422, "an access token does not refresh");
    assert_eq!(application.status("/protected", &pair.refresh).await, 422);
    let refreshed = issuer.refresh(&pair).await;
    assert_eq!(application.status("/protected", &refreshed.access).await, 200);
    assert_eq!(application.status("/fresh", &refreshed.access).await, 401, "the password was not given for it");
    let expired = application.get("/protected", &issuer.expired).await;
    assert_eq!(expired, (401, json!({"msg": "Token has expired"})));
    for forgery in forgeries(&pair.access) {
        assert_eq!(application.status("/protected", &forgery).await, 422, "{forgery}");
    }
}

#[tokio::test]
async fn flask_jwt_extended_verifies_tokens_with_its_own_secret() {
    let issuer = Issuer::start(Some(TokenFormat::FlaskJwtExtended)).await;
    let application = PythonApp::start(MODULE, &[("JWT_SECRET_KEY", SECRET)]);
    assert_verifies(&application, &issuer, "7").await;
    let eva = application.get("/protected", &issuer.sign_in("eva").await.access).await;
    assert_eq!(eva, (200, json!({"identity": issuer.id_of("eva").await, "roles": []})));
    let other = PythonApp::start(MODULE, &[("JWT_SECRET_KEY", "the secret of another application")]);
    assert_eq!(other.status("/protected", &issuer.sign_in("zoe").await.access).await, 422);
}

#[tokio::test]
async fn flask_jwt_extended_verifies_tokens_of_gatehouse_with_public_keys() {
    let issuer = Issuer::start(None).await;
    let (id, address) = (issuer.id_of("zoe").await, issuer.app.address.as_str());
    let (audience, key) = (format!("{address}/api"), python::run("public_key.py", &issuer.keys_url()));
    let one_key = [
        ("JWT_ALGORITHM", "ES256"),
        ("JWT_DECODE_ISSUER", address),
        ("JWT_DECODE_AUDIENCE", &audience),
        ("JWT_PUBLIC_KEY", &key),
    ];
    let example = documentation::example("decode_key_loader", address);
    let documented = ("EXAMPLE", example.as_str());
    let of_another_server = Issuer::start(None).await.sign_in("zoe").await.access;
    for configuration in [&one_key[..], &[documented]] {
        let application = PythonApp::start(MODULE, configuration);
        assert_verifies(&application, &issuer, &id).await;
        assert_eq!(application.status("/protected", &of_another_server).await, 422);
    }
    assert!(issuer.accepts(&issuer.sign_in("zoe").await.access).await);
    let other = PythonApp::start(MODULE, &[documented, ("JWT_DECODE_AUDIENCE", "https://shop.example")]);
    assert_eq!(other.status("/protected", &issuer.sign_in("zoe").await.access).await, 422);
}
