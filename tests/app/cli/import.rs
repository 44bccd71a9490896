use std::{
    fs::{self, File},
    io::Write,
    process::{Command, Stdio},
    time::Duration,
};

use diesel::{Connection, SqliteConnection, connection::SimpleConnection};
use gatehouse::accounts::import::BATCH;
use serde_json::Value;

use super::{Instance, Outcome, Site};
use crate::support::{PASSWORD, wait_until};

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

#[test]
fn row_that_is_not_utf8_is_refused_alone() {
    let instance = Instance::new();
    let rows = [format!("username,email,password\nzoe,,{HASH}\n").as_bytes(), b"e\xffa,,x\n", b"ida,,!\n"].concat();
    fs::write(instance.path("rows.csv"), rows).unwrap();
    let path = instance.path("app.db");
    SqliteConnection::establish(path.to_str().unwrap())
        .unwrap()
        .batch_execute(&format!(
            "CREATE TABLE accounts (username TEXT, email TEXT, password TEXT);
             INSERT INTO accounts VALUES ('bob', NULL, '{HASH}'), ('amy', CAST(x'61ff4078' AS TEXT), '{HASH}'),
                 ('tom', NULL, '{HASH}')"
        ))
        .unwrap();
    for (source, preset, refused) in [
        ("rows.csv", "csv", "line 3: : refused: the line is not UTF-8"),
        ("app.db", "flask", "line 2: : refused: a text is not UTF-8"),
    ] {
        let imported = instance.run(&["import", source, "--from", preset]);
        assert!(imported.status == 1 && imported.stdout.contains(refused), "{imported:?}");
        assert!(imported.stdout.contains("1 rows were refused"), "{imported:?}");
    }
    assert_eq!(names(&instance), ["bob", "ida", "tom", "zoe"]);
}

/// A table with many rows, which take several batches.
fn many_rows(count: usize) -> String {
    let row = |number: usize| format!("person{number},person{number}@keepers.example,{HASH},{number}\n");
    "username,email,password,id\n".to_owned() + &(0..count).map(row).collect::<String>()
}

#[test]
fn dry_run_finds_what_is_taken_by_rows_far_before() {
    let instance = Instance::new();
    let rows = many_rows(BATCH + 100)
        + &format!("person7,new@keepers.example,{HASH},5001\nnew,person7@KEEPERS.example,{HASH},5002\n");
    let dry = import(&instance, &rows, &["--dry-run"]);
    for (line, refused) in
        [(BATCH + 102, "person7: refused: another account has this user"), (BATCH + 103, "new: refused: another")]
    {
        assert!(dry.stdout.contains(&format!("line {line}: {refused}")), "{}", dry.stdout);
    }
    assert_eq!(import(&instance, &rows, &[]).stdout.replace("Created", "Would create"), dry.stdout);
}

#[test]
fn import_that_was_interrupted_has_whole_batches_and_continues_when_it_runs_again() {
    let instance = Instance::new();
    let (rows, pipe) = (many_rows(3 * BATCH), instance.path("pipe.csv"));
    fs::write(instance.path("rows.csv"), &rows).unwrap();
    instance.run(&["migrate"]);
    // From a pipe that gives no more than two and a half batches, so that the import is surely not at its end.
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut running = instance.command(&["import", "pipe.csv", "--from", "csv"]).spawn().unwrap();
    let mut pipe = File::options().write(true).open(&pipe).unwrap();
    // The first 16 bytes of a file tell its kind, and are read once more from its start.
    pipe.write_all(&rows.as_bytes()[..16]).unwrap();
    let part: String = rows.split_inclusive('\n').take(1 + 2 * BATCH + BATCH / 2).collect();
    pipe.write_all(part.as_bytes()).unwrap();
    let is_known = |name: &str| instance.run(&["account", "show", name]).status == 0;
    wait_until("a batch is imported", Duration::from_mins(1), || is_known("person1").then_some(()));
    running.kill().unwrap();
    running.wait().unwrap();
    let count = || accounts(&instance).len();
    assert_eq!(count(), BATCH);
    let again = instance.run(&["import", "rows.csv", "--from", "csv"]);
    assert!(again.status == 0 && again.stdout.contains(&format!("{BATCH} were here already")), "{again:?}");
    assert_eq!(count(), 3 * BATCH);
}

#[test]
fn rows_before_an_error_of_the_source_come_in() {
    let instance = Instance::new();
    let path = instance.path("app.db");
    // The database cannot compute a row of the second batch.
    SqliteConnection::establish(path.to_str().unwrap())
        .unwrap()
        .batch_execute(&format!(
            "CREATE VIEW accounts AS
             WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT {BATCH} + 500)
             SELECT 'person' || n AS username, CASE WHEN n > {BATCH} + 100 THEN json('no JSON') ELSE '!' END AS password
             FROM numbers"
        ))
        .unwrap();
    let imported = instance.run(&["import", "app.db", "--from", "flask"]);
    assert!(imported.status == 1 && imported.stderr.contains("cannot read the database"), "{imported:?}");
    assert_eq!(accounts(&instance).len(), BATCH);
}

#[test]
fn import_works_with_many_previous_secrets() {
    let instance = Instance::new();
    let secrets: Vec<_> = (0..6).map(|number| format!("previous secret of this site with number {number}")).collect();
    let imported = import(&instance, &many_rows(BATCH), &["--previous-secrets", &secrets.join(",")]);
    assert!(imported.status == 0, "{imported:?}");
}

#[test]
fn two_imports_at_the_same_time_create_each_account_once() {
    let instance = Instance::new();
    fs::write(instance.path("rows.csv"), many_rows(6000)).unwrap();
    instance.run(&["migrate"]);
    let start = || {
        let mut command = instance.command(&["import", "rows.csv", "--from", "csv"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let outcomes = [start(), start()].map(|running| Outcome::from(running.wait_with_output().unwrap()));
    assert!(outcomes.iter().all(|outcome| outcome.status == 0), "{outcomes:?}");
    let created = outcomes.each_ref().map(|outcome| {
        let (_, rest) = outcome.stdout.split_once("Created ").unwrap();
        rest.split(' ').next().unwrap().parse::<usize>().unwrap()
    });
    assert_eq!(created.iter().sum::<usize>(), 6000, "{outcomes:?}");
    assert_eq!(accounts(&instance).len(), 6000);
}
