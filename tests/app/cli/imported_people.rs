//! The people of other applications, whose databases are made by the frameworks themselves where it says so.

use std::fs;

use serde_json::Value;

use super::Site;
use crate::support::{mariadb::Mariadb, python};

/// A hash of "secret" by Werkzeug, with one round.
const HASH: &str = "pbkdf2:sha256:1$salt$38df428b309308e48c3687e7f90bda0e9cf253568c21ec754a0e076ab4ab6423";

/// Returns a hash of "sunlit harbor 7" that a library has made.
fn fixture(library: &str, start: &str) -> String {
    let lines = include_str!("../../fixtures/hashes.jsonl").lines();
    let mut lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let is_wanted = |line: &Value| {
        let text = |key: &str| line[key].as_str().unwrap();
        text("library").starts_with(library) && text("password") == "sunlit harbor 7" && text("hash").starts_with(start)
    };
    lines.find(is_wanted).unwrap()["hash"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn people_of_a_flask_application_sign_in() {
    let site = Site::serve(&[]);
    let instance = &site.instance;
    python::run_fixture("flask_app.py", &[instance.path("").to_str().unwrap()], "");
    let before = fs::read(instance.path("app.db")).unwrap();
    let imported = instance.run(&["import", "app.db", "--from", "flask", "--role-map", "editor=staff,admin=admin"]);
    assert_eq!(imported.status, 1, "{imported:?}");
    assert!(imported.stdout.contains("line 4: no name of Gatehouse: refused: the user name"), "{}", imported.stdout);
    assert_eq!(fs::read(instance.path("app.db")).unwrap(), before, "the source is only read");
    let zoe = site.show("zoe");
    assert_eq!((&zoe["email"], &zoe["roles"][0]), (&"zoe@keepers.example".into(), &"staff".into()));
    assert_eq!((&zoe["created_at"], &zoe["hash_scheme"]), (&"2024-02-03T04:05:00.6Z".into(), &"scrypt".into()));
    for (login, password, status) in [
        ("zoe", "the password of Zoe", 303),
        ("zoe@keepers.example", "the password of Zoe", 303),
        ("eva", "the password of eva", 303),
        ("eva", "the password of zoe", 422),
        ("ida", "the password of ida", 422),
    ] {
        assert_eq!(site.client().sign_in(login, password).await.status, status, "{login}: {password}");
    }
    assert_eq!(site.show("ida")["state"], "disabled");
    let again = instance.run(&["import", "app.db", "--from", "flask"]);
    assert!(again.stdout.contains("Created 0 accounts"), "{}", again.stdout);
}

// Always reads from MariaDB, because the source need not be like the database of Gatehouse.
#[tokio::test]
async fn people_of_a_mysql_table_sign_in() {
    let (site, source) = (Site::serve(&[]), Mariadb::shared().database());
    let name = source.rsplit('/').next().unwrap();
    Mariadb::shared().sql(&format!(
        "CREATE TABLE {name}.accounts (id INT AUTO_INCREMENT PRIMARY KEY, login VARCHAR(40), email VARCHAR(80), \
         password VARBINARY(200), active BIT(1) DEFAULT 1, created_at DATETIME(3)) CHARACTER SET utf8mb4; \
         INSERT INTO {name}.accounts (login, email, password, created_at) VALUES \
         ('zoe', 'zoe@keepers.example', '{HASH}', '2024-02-03 04:05:06.789'), ('Zoë', NULL, '{HASH}', NULL), \
         ('eva', NULL, x'73ff', NULL)"
    ));
    let imported = site.instance.run(&["import", &source, "--from", "flask", "--map", "username=login"]);
    assert_eq!(imported.status, 1, "{imported:?}");
    assert!(imported.stdout.contains("line 2: Zoë: refused: the user name is not valid"), "{imported:?}");
    assert!(imported.stdout.contains("line 3: : refused: a text is not UTF-8"), "{imported:?}");
    assert!(!imported.stderr.contains("p%40ss"), "the password of the database");
    let zoe = site.show("zoe");
    assert_eq!(
        (&zoe["created_at"], &zoe["email"]),
        (&"2024-02-03T04:05:06.789Z".into(), &"zoe@keepers.example".into())
    );
    assert_eq!(site.client().sign_in("zoe", "secret").await.status, 303);
    let missing = site.instance.run(&["import", &source, "--from", "django"]);
    assert!(missing.status == 1 && missing.stderr.contains("none of the tables auth_user"), "{missing:?}");
}

#[tokio::test]
async fn people_of_a_django_project_sign_in() {
    let site = Site::serve(&[]);
    let instance = &site.instance;
    let database = instance.path("db.sqlite3");
    python::run_fixture("django_project.py", &[database.to_str().unwrap(), "make"], "");
    let roles = "superuser=admin,staff=staff,editors=editor";
    let imported = instance.run(&["import", "db.sqlite3", "--from", "django", "--role-map", roles]);
    assert_eq!(imported.status, 0, "{imported:?}");
    assert!(imported.stdout.contains("1  without a password"), "{}", imported.stdout);
    for (name, status) in [("zoe", 303), ("eva", 303), ("ida", 303), ("bob", 422), ("max", 422)] {
        let password = format!("the password of {name}");
        assert_eq!(site.client().sign_in(name, &password).await.status, status, "{name}");
    }
    assert_eq!(site.show("zoe")["roles"], serde_json::json!(["admin", "editor", "staff"]));
    assert_eq!(site.show("bob")["state"], "disabled");
    assert_eq!(site.show("max")["email"], Value::Null);
    let zoe = site.client();
    zoe.sign_in("zoe", "the password of zoe").await;
    let listed = zoe.get("/admin/accounts?hash=imported").await.body;
    let is_listed = ["zoe", "eva", "ida", "bob", "max"].map(|name| listed.contains(&format!(">{name}</a>")));
    assert_eq!(is_listed, [false, false, false, true, false], "all others have a hash of ours, or none");
}

// Always reads from MariaDB. The columns are those of `fsqla_v3` in Flask-Security 5.9.
#[tokio::test]
async fn people_of_flask_security_sign_in_with_the_salt_of_their_application() {
    let (site, source) = (Site::serve(&[]), Mariadb::shared().database());
    let name = source.rsplit('/').next().unwrap();
    let hash = fixture("Flask-Security", "$argon2id$");
    Mariadb::shared().sql(&format!(
        "USE {name}; CREATE TABLE user (id INT PRIMARY KEY, email VARCHAR(255), username VARCHAR(255), \
         password VARCHAR(255), active BOOL, create_datetime DATETIME, last_login_at DATETIME); \
         CREATE TABLE role (id INT PRIMARY KEY, name VARCHAR(80)); \
         CREATE TABLE roles_users (user_id INT, role_id INT); \
         INSERT INTO user VALUES (1, 'zoe@keepers.example', NULL, '{hash}', 1, '2024-02-03 04:05:06', NULL), \
         (2, 'eva@keepers.example', 'eva', '{hash}', 0, '2024-02-03 04:05:07', '2025-01-01 00:00:00'); \
         INSERT INTO role VALUES (1, 'editor'), (2, 'admin'); INSERT INTO roles_users VALUES (1, 1), (1, 2), (2, 1)"
    ));
    let import = ["import", &source, "--from", "flask-security", "--role-map", "editor=staff"];
    let refused = site.instance.run(&import);
    assert!(refused.status == 1 && refused.stderr.contains("--flask-security-salt-file"), "{refused:?}");
    fs::write(site.instance.path("salt"), "a salt of Flask-Security\n").unwrap();
    let imported = site.instance.run(&[&import[..], &["--flask-security-salt-file", "salt"]].concat());
    assert!(imported.status == 0 && imported.stdout.contains("2  flask-security-argon2id"), "{imported:?}");
    let (zoe, eva) = (site.show("zoe"), site.show("eva"));
    assert_eq!((&zoe["roles"], &eva["roles"]), (&serde_json::json!(["staff"]), &serde_json::json!(["staff"])));
    assert_eq!((&eva["state"], &eva["last_sign_in_at"]), (&"disabled".into(), &"2025-01-01T00:00:00Z".into()));
    assert_eq!(site.client().sign_in("zoe", "sunlit harbor 8").await.status, 422);
    assert_eq!(site.client().sign_in("zoe@keepers.example", "sunlit harbor 7").await.status, 303);
    assert_eq!(site.show("zoe")["hash_scheme"], "argon2id");
}

// Always reads from MariaDB. The columns are those of the example in the documentation of flask-praetorian 1.6.
#[tokio::test]
async fn people_of_flask_praetorian_sign_in() {
    let (site, source) = (Site::serve(&[]), Mariadb::shared().database());
    let name = source.rsplit('/').next().unwrap();
    let hash = fixture("libpass", "$pbkdf2-sha512$");
    Mariadb::shared().sql(&format!(
        "USE {name}; CREATE TABLE user (id INT PRIMARY KEY, username TEXT, hashed_password TEXT, roles TEXT, \
         is_active BOOLEAN DEFAULT TRUE); \
         INSERT INTO user VALUES (1, 'zoe', '{hash}', 'operator,admin', 1), (2, 'eva', '{hash}', NULL, 0)"
    ));
    let import = ["import", &source, "--from", "flask-praetorian", "--role-map", "operator=staff,admin=admin"];
    let imported = site.instance.run(&import);
    assert!(imported.status == 0 && imported.stdout.contains("2  pbkdf2-sha512"), "{imported:?}");
    assert_eq!(site.show("zoe")["roles"], serde_json::json!(["admin", "staff"]));
    assert_eq!(site.client().sign_in("zoe", "sunlit harbor 7").await.status, 303);
    assert_eq!(site.client().sign_in("eva", "sunlit harbor 7").await.status, 422, "disabled");
}
