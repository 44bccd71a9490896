use gatehouse::apps::TokenFormat;
use serde_json::json;

use crate::{
    documentation,
    python::{self, PythonApp},
    support::PASSWORD,
    tokens::{Issuer, SECRET, forgeries},
};

const MODULE: &str = "simplejwt_app";

/// Asserts what holds for tokens of both algorithms.
async fn assert_verifies(application: &PythonApp, issuer: &Issuer) {
    let pair = issuer.sign_in("zoe").await;
    for token in [&pair.access, &issuer.refresh(&pair).await.access] {
        let accepted = application.get("/protected", token).await;
        assert_eq!(accepted, (200, json!({"id": 7, "username": "zoe"})), "{}", application.log());
    }
    // Django has no person with this key, and an integer key cannot even be compared with it.
    let eva = application.get("/stateless", &issuer.sign_in("eva").await.access).await;
    assert_eq!(eva, (200, json!({"id": issuer.id_of("eva").await, "staff": false, "superuser": false})));
    let refused = [issuer.expired.clone(), pair.refresh].into_iter().chain(forgeries(&pair.access));
    for token in refused {
        for path in ["/protected", "/stateless"] {
            let (status, problem) = application.get(path, &token).await;
            assert_eq!((status, &problem["code"]), (401, &json!("token_not_valid")), "{token}");
        }
    }
    let (_, problem) = application.get("/protected", &issuer.expired).await;
    assert_eq!(problem["messages"][0]["message"], "Token is expired");
}

#[tokio::test]
async fn simplejwt_verifies_tokens_with_its_own_secret() {
    let issuer = Issuer::start(Some(TokenFormat::Simplejwt)).await;
    let application = PythonApp::start(MODULE, &[("JWT_SIGNING_KEY", SECRET)]);
    assert_verifies(&application, &issuer).await;
    let other = PythonApp::start(MODULE, &[("JWT_SIGNING_KEY", "the secret of another application")]);
    assert_eq!(other.status("/protected", &issuer.sign_in("zoe").await.access).await, 401);
}

#[tokio::test]
async fn simplejwt_verifies_tokens_of_gatehouse_with_public_keys() {
    let issuer = Issuer::start(None).await;
    let address = issuer.app.address.as_str();
    let (audience, key) = (format!("{address}/api"), python::run("public_key.py", &issuer.keys_url()));
    let one_key =
        [("JWT_ALGORITHM", "ES256"), ("JWT_ISSUER", address), ("JWT_AUDIENCE", &audience), ("JWT_VERIFYING_KEY", &key)];
    let example = documentation::example("SIMPLE_JWT", address);
    let documented = ("EXAMPLE", example.as_str());
    let of_another_server = Issuer::start(None).await.sign_in("zoe").await.access;
    for configuration in [&one_key[..], &[documented]] {
        let application = PythonApp::start(MODULE, configuration);
        assert_verifies(&application, &issuer).await;
        assert_eq!(application.status("/protected", &of_another_server).await, 401);
        assert_eq!(application.status("/protected", "").await, 401);
        // As the clients of simplejwt sign in.
        let body = json!({"username": "zoe", "password": PASSWORD});
        let answer = issuer.app.client().call("POST", "/api/token/", "", body).await.json();
        assert_eq!(application.status("/protected", answer["access"].as_str().unwrap()).await, 200);
        let body = json!({"refresh": answer["refresh"]});
        let answer = issuer.app.client().call("POST", "/api/token/refresh/", "", body).await.json();
        assert_eq!(application.status("/protected", answer["access"].as_str().unwrap()).await, 200);
    }
    let other = PythonApp::start(MODULE, &[documented, ("JWT_AUDIENCE", "https://shop.example")]);
    let (status, problem) = other.get("/protected", &issuer.sign_in("zoe").await.access).await;
    assert_eq!((status, &problem["code"]), (401, &json!("token_not_valid")), "{problem}");
}
