use crate::{
    documentation,
    python::tool,
    tokens::{Issuer, forgeries},
};

#[tokio::test]
async fn pyjwt_verifies_tokens_of_gatehouse_as_documented() {
    let issuer = Issuer::start(None).await;
    let example = documentation::example("def account(token)", &issuer.app.address);
    let program = format!("{example}\nimport sys\nprint(account(sys.argv[1]))");
    let account = |token: &str| {
        let output = tool("python").args(["-c", &program, token]).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        if output.status.success() { Ok(printed) } else { Err(String::from_utf8(output.stderr).unwrap()) }
    };
    let pair = issuer.sign_in("zoe").await;
    assert_eq!(account(&pair.access).unwrap().trim_end(), issuer.id_of("zoe").await);
    assert!(account(&issuer.expired).unwrap_err().contains("ExpiredSignatureError"));
    let of_another_server = Issuer::start(None).await.sign_in("zoe").await.access;
    for token in forgeries(&pair.access).iter().chain([&pair.refresh, &of_another_server]) {
        let error = account(token).unwrap_err();
        assert!(error.contains("jwt.exceptions."), "{token}: {error}");
    }
}
