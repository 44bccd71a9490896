use std::{fs, path::Path};

use serde_json::Value;

use crate::{python::tool, support::TestApp};

/// Without limits on what one network and one account do in an hour, which would refuse most requests.
const WITHOUT_RATES: [&str; 6] = ["--registration-rate", "0", "--failure-rate", "0", "--sign-in-rate", "0"];

/// Sends requests that the document describes, and some that it excludes, and compares the answers with the document.
/// If one differs, fails with the whole output, which shows the request.
fn assert_answers_follow_the_document(app: &TestApp, arguments: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let configuration = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/schemathesis.toml");
    let output = tool("schemathesis")
        .arg("--config-file")
        .arg(configuration)
        .args(["run", &format!("{}/api/openapi.json", app.address), "--checks", "all"])
        .args(arguments)
        .current_dir(dir.path())
        .output()
        .unwrap();
    let (printed, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "schemathesis {arguments:?}: {}\n{printed}\n{errors}", output.status);
}

#[tokio::test]
async fn validator_of_openapi_accepts_the_document() {
    let app = TestApp::spawn();
    let dir = tempfile::tempdir().unwrap();
    let document = dir.path().join("openapi.json");
    fs::write(&document, app.client().get("/api/openapi.json").await.body).unwrap();
    let output = tool("openapi-spec-validator").args(["--schema", "3.1"]).arg(&document).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test]
async fn answers_to_guests_follow_the_document() {
    let app = TestApp::with(&WITHOUT_RATES);
    assert_eq!(app.client().register_program("zoe").await.status, 201);
    assert_answers_follow_the_document(&app, &[]);
    for kind in ["registered", "signed_in"] {
        assert!(app.event_count(kind).await > 1, "{kind}: answers to requests that succeed are compared as well");
    }
}

#[tokio::test]
async fn answers_to_requests_with_a_token_follow_the_document() {
    let app = TestApp::with(&WITHOUT_RATES);
    let (token, _) = app.client().register_program("zoe").await.tokens();
    let header = format!("Authorization: Bearer {token}");
    assert_answers_follow_the_document(&app, &["--header", &header, "--exclude-path", "/api/logout"]);
    let answer = app.client().call("GET", "/api/user", &token, Value::Null).await;
    assert_eq!(answer.status, 200, "the token was good to the end");
}

// The only way to a `403` that needs no configured application.
#[tokio::test]
async fn answers_follow_the_document_when_registration_is_closed() {
    let app = TestApp::with(&[&WITHOUT_RATES[..], &["--registration", "closed"]].concat());
    // One operation has no links to others, without which the stateful phase fails.
    let arguments = ["--include-path", "/api/register", "--phases", "examples,coverage,fuzzing"];
    assert_answers_follow_the_document(&app, &arguments);
}
