use std::fs;

use serde_json::Value;

use super::{Instance, Outcome, Site};
use crate::support::{PASSWORD, mariadb::Mariadb, python};

/// A hash of "secret" by Werkzeug, with one round.
const HASH: &str = "pbkdf2:sha256:1$salt$38df428b309308e48c3687e7f90bda0e9cf253568c21ec754a0e076ab4ab6423";

fn import(instance: &Instance, rows: &str, options: &[&str]) -> Outcome {
    fs::write(instance.path("rows.csv"), rows).unwrap();
    instance.run(&[&["import", "rows.csv", "--from", "csv"], options].concat())
}

fn accounts(instance: &Instance) -> Vec<Value> {
    let listed = instance.run(&["account", "list", "--json"]);
    listed.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn names(instance: &Instance) -> Vec<String> {
    let mut names: Vec<_> =
        accounts(instance).iter().map(|account| account["username"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn good_rows_come_in_and_refused_rows_are_named_without_their_hash() {
    let instance = Instance::new();
    let cut = &HASH[..60];
    let rows = format!(
        "username,email,password,is_active,created_at,last_login,roles,legacy_id\n\
         Zoe,zoe@keepers.example,{HASH},true,2024-02-03 04:05:06,2025-01-01T00:00:00Z,\"editor,admin\",7\n\
         x y,xy@keepers.example,{HASH},,,,,\n\
         eva,not an address,{HASH},,,,,\n\
         ida,zoe@KEEPERS.example,{HASH},,,,,\n\
         zoe,other@keepers.example,{HASH},,,,,\n\
         bob,,{cut},,,,,\n\
         tom,,plain text,,,,,\n\
         amy,,md5$salt$0123456789abcdef0123456789abcdef,,,,,\n\
         joe,,{HASH},perhaps,,,,\n\
         kim,,{HASH},,yesterday,,,\n\
         max,,!unusable,0,,,,\n\
         admin,,{HASH},,,,,\n"
    );
    let imported = import(&instance, &rows, &["--role-map", "editor=staff"]);
    assert_eq!(imported.status, 1, "{imported:?}");
    for refused in [
        "line 3: x y: refused: the user name is not valid",
        "line 4: eva: refused: the e-mail address is not valid",
        "line 5: ida: refused: another account has this e-mail address",
        "line 6: zoe: refused: another account has this user name",
        "line 7: bob: refused: the password hash is cut off",
        "line 8: tom: refused: the password hash is of no known kind",
        "line 9: amy: refused: the password hash is too weak",
        "line 10: joe: refused: is_active is neither true nor false",
        "line 11: kim: refused: created_at is not a time",
    ] {
        assert!(imported.stdout.contains(refused), "{refused}: {}", imported.stdout);
    }
    assert!(!imported.stdout.contains("38df428") && !imported.stderr.contains("38df428"));
    assert!(imported.stdout.contains("Created 3 accounts") && imported.stdout.contains("9 rows were refused"));
    assert_eq!(names(&instance), ["admin", "max", "zoe"], "reserved names are for operators");
    let all = accounts(&instance);
    let account = |name: &str| all.iter().find(|account| account["username"] == name).unwrap();
    let zoe = account("zoe");
    assert_eq!(zoe["created_at"], "2024-02-03T04:05:06Z");
    assert_eq!(zoe["last_sign_in_at"], "2025-01-01T00:00:00Z");
    assert_eq!(zoe["roles"], serde_json::json!(["staff"]), "no role comes in without --role-map");
    assert_eq!((&account("max")["state"], &account("max")["hash_scheme"]), (&"disabled".into(), &Value::Null));
}

#[test]
fn import_that_runs_again_changes_nothing() {
    let instance = Instance::new();
    let rows = format!(
        "username,email,password,created_at,id\n\
         zoe,zoe@keepers.example,{HASH},2024-02-03 04:05:06,1\n\
         eva,,{HASH},2024-02-03 04:05:07,2\n\
         ida,ida@keepers.example,{HASH},,\n"
    );
    let first = import(&instance, &rows, &[]);
    assert!(first.status == 0 && first.stdout.contains("Created 3 accounts"), "{first:?}");
    let before = accounts(&instance);
    let second = import(&instance, &rows, &[]);
    assert!(second.status == 0 && second.stdout.contains("Created 0 accounts"), "{second:?}");
    assert!(second.stdout.contains("3 were here already"), "{}", second.stdout);
    assert_eq!(accounts(&instance), before);
    // The owner has taken another name since.
    let renamed = rows.replace("zoe,zoe@keepers.example", "zoe-castle,castle@keepers.example");
    let third = import(&instance, &renamed, &[]);
    assert!(third.stdout.contains("3 were here already"), "the same id and time of creation: {}", third.stdout);
}

#[test]
fn dry_run_writes_nothing_and_says_what_the_import_would_do() {
    let instance = Instance::new();
    let rows = format!("username,email,password\nzoe,,{HASH}\nZOE,,{HASH}\neva,,{HASH}\n");
    let dry = import(&instance, &rows, &["--dry-run"]);
    assert_eq!(dry.status, 1);
    assert!(dry.stdout.contains("Would create 2 accounts") && dry.stdout.contains("line 3: ZOE: refused"), "{dry:?}");
    assert!(dry.stdout.contains("2  pbkdf2-sha256"), "{}", dry.stdout);
    assert_eq!(instance.files(""), ["rows.csv"], "no database is created");
    let real = import(&instance, &rows, &[]);
    assert_eq!(real.stdout.replace("Created", "Would create"), dry.stdout);
    let again = import(&instance, &rows, &["--dry-run"]);
    assert!(again.stdout.contains("Would create 0 accounts"), "{}", again.stdout);
}

#[test]
fn taken_name_gets_a_number_if_the_operator_says_so() {
    let instance = Instance::new();
    let rows = format!("username,email,password\nzoe,zoe@keepers.example,{HASH}\nZoe,other@keepers.example,{HASH}\n");
    let options = ["--rename", "suffix", "--report", "report.csv"];
    let imported = import(&instance, &rows, &options);
    assert!(imported.status == 0 && imported.stdout.contains("line 3: Zoe: renamed: zoe2"), "{imported:?}");
    assert_eq!(names(&instance), ["zoe", "zoe2"]);
    let report = fs::read_to_string(instance.path("report.csv")).unwrap();
    assert_eq!(report, "line,username,outcome,detail\n3,Zoe,renamed,zoe2\n");
    let again = import(&instance, &rows, &options);
    assert!(again.status == 1 && again.stderr.contains("report.csv"), "an existing report is not replaced");
    let again = import(&instance, &rows, &["--rename", "suffix"]);
    assert!(again.stdout.contains("2 were here already"), "{}", again.stdout);
    assert_eq!(names(&instance), ["zoe", "zoe2"]);
}

#[tokio::test]
async fn plain_digests_are_reset_or_wrapped_on_demand() {
    let site = Site::serve(&[]);
    // printf saltsecret | md5sum
    let rows = "username,password\nzoe,md5$salt$d42a0f742ffc1be4e1cc0845c2429c97\n";
    let (instance, wrap) = (&site.instance, ["--weak", "wrap", "--dialect", "django"]);
    assert_eq!(import(instance, rows, &[]).status, 1);
    assert_eq!(import(instance, rows, &["--weak", "wrap"]).status, 1, "the dialect is not certain");
    assert_eq!(import(instance, rows, &wrap).status, 0);
    assert_eq!(site.show("zoe")["hash_scheme"], "argon2id-md5");
    let reset = import(instance, &rows.replace("zoe", "eva"), &["--weak", "reset"]);
    assert!(reset.status == 0 && reset.stdout.contains("1  without a password"), "{reset:?}");
    assert_eq!(site.show("eva")["hash_scheme"], Value::Null);
    assert_eq!(site.client().sign_in("zoe", PASSWORD).await.status, 422);
    assert_eq!(site.client().sign_in("zoe", "secret").await.status, 303, "also below the length of new passwords");
    assert_eq!(site.show("zoe")["hash_scheme"], "argon2id");
}

#[test]
fn unusable_sources_and_options_are_explained() {
    let instance = Instance::new();
    fs::write(instance.path("notes.txt"), "nothing").unwrap();
    fs::write(instance.path("columns.csv"), "name,mail\nzoe,x\n").unwrap();
    for (arguments, expected) in [
        (&["missing.db", "--from", "flask"][..], "cannot read missing.db"),
        (&["notes.txt", "--from", "flask"], "neither an SQLite database nor named .csv"),
        (&["columns.csv", "--from", "csv"], "no column is the password; pass --map password=COLUMN"),
        (&["columns.csv", "--from", "csv", "--map", "password=pw"], "there is no column “pw”"),
    ] {
        let refused = instance.run(&[&["import"], arguments].concat());
        assert!(refused.status == 1 && refused.stderr.contains(expected), "{arguments:?}: {refused:?}");
    }
    assert_eq!(instance.files(""), ["columns.csv", "notes.txt"], "no database is created");
    for wrong in [&["--map", "nickname=x"][..], &["--role-map", "a=Any Role"], &["--weak", "keep"]] {
        let refused = instance.run(&[&["import", "columns.csv", "--from", "csv"], wrong].concat());
        assert_eq!(refused.status, 2, "{wrong:?}: {refused:?}");
    }
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
         ('zoe', 'zoe@keepers.example', '{HASH}', '2024-02-03 04:05:06.789'), ('Zoë', NULL, '{HASH}', NULL)"
    ));
    let imported = site.instance.run(&["import", &source, "--from", "flask", "--map", "username=login"]);
    assert_eq!(imported.status, 1, "{imported:?}");
    assert!(imported.stdout.contains("line 2: Zoë: refused: the user name is not valid"), "{imported:?}");
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
}
