//! A MySQL server whose certificate is from a private authority. Always on MariaDB, as a file has no TLS.

use std::fs;

use gatehouse::db::Database;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::support::{TestApp, mariadb::Mariadb, settings};

fn new_authority() -> (String, Issuer<'static, KeyPair>) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    (certificate, Issuer::new(params, key))
}

#[tokio::test]
async fn database_ca_file_requires_a_certificate_of_that_authority() {
    let dir = tempfile::Builder::new().prefix("gatehouse-test-").tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = dir.path().join(name);
        fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let ((ca, issuer), (other_ca, _)) = (new_authority(), new_authority());
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap().pem();
    let mariadb = Mariadb::with(&[
        format!("--ssl-cert={}", file("server.pem", &certificate)),
        format!("--ssl-key={}", file("server.key", &key.serialize_pem())),
        // Over TCP the server takes no connection without TLS.
        "--require-secure-transport=ON".to_owned(),
        "--innodb-flush-log-at-trx-commit=0".to_owned(),
    ]);
    // Otherwise the driver switches to the Unix socket of the server.
    let url = mariadb.database() + "?prefer_socket=false";
    let ca_file = file("ca.pem", &ca);

    let app = TestApp::with_database(url.clone(), &["--database-ca-file", &ca_file]);
    app.signed_in_client("zoe").await;

    let open = |arguments: &[&str]| {
        let arguments = [&["--database-url", &url], arguments].concat();
        Database::open(&settings(&arguments).database().unwrap()).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(open(&["--database-ca-file", &ca_file]), Ok(()));
    let other = open(&["--database-ca-file", &file("other.pem", &other_ca)]).unwrap_err();
    assert!(other.contains("certificate"), "{other}");
    assert!(open(&[]).is_err(), "without the file, the connection is not encrypted");
    let public = url.replace("prefer_socket", "require_ssl=true&prefer_socket");
    let public = Database::open(&settings(&["--database-url", &public]).database().unwrap()).map(|_| ()).unwrap_err();
    assert!(public.to_string().contains("certificate"), "{public}");
}

#[test]
fn database_ca_file_must_be_a_certificate_for_a_mysql_server() {
    let dir = tempfile::Builder::new().prefix("gatehouse-test-").tempdir().unwrap();
    let file = dir.path().join("ca.pem");
    fs::write(&file, "nothing of the kind").unwrap();
    let error = |url: &str| {
        let arguments = ["--database-ca-file", file.to_str().unwrap(), "--database-url", url];
        settings(&arguments).database().unwrap_err().to_string()
    };
    assert!(error("mysql://ann@db.example/x").contains("has no certificate in PEM format"));
    assert!(error("sqlite:x.db").starts_with("GATEHOUSE_DATABASE_CA_FILE: is for a MySQL server"));
}
