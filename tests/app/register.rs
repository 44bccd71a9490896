use diesel::{QueryDsl, RunQueryDsl};
use gatehouse::db::schema::{accounts, sessions};

use crate::support::{
    PASSWORD, TestApp,
    client::{RegisterForm, assert_field_errors, assert_redirect, assert_throttled},
};

/// Returns the numbers of accounts and sessions.
async fn count(app: &TestApp) -> (i64, i64) {
    app.query(|conn| {
        let accounts = accounts::table.count().get_result(conn)?;
        Ok((accounts, sessions::table.count().get_result(conn)?))
    })
    .await
}

#[tokio::test]
async fn registration_signs_in_and_shows_welcome_message() {
    let app = TestApp::spawn();
    let client = app.client();
    assert_eq!(client.get("/register").await.status, 200);

    let answer = client.register("zoe").await;

    assert_redirect(&answer, "/");
    let home = client.get("/").await;
    assert_eq!(home.status, 200);
    assert!(home.body.contains("Hello, zoe") && home.body.contains("zoe@keepers.example"), "{}", home.body);
    assert!(home.body.contains("Your account is ready"));
    assert!(!client.get("/").await.body.contains("Your account is ready"), "a message is shown once");
    assert_eq!(app.events().await, [("registered".to_owned(), 1)]);
}

#[tokio::test]
async fn registration_redirects_to_requested_page() {
    let app = TestApp::spawn();
    let client = app.client();
    let page = client.get("/register?next=/test/added").await;
    assert_eq!(page.hidden_field("next").as_deref(), Some("/test/added"));
    let fields = RegisterForm::default().fields_and("next", "/test/added");
    assert_redirect(&client.post("/register", &fields).await, "/test/added");
}

#[tokio::test]
async fn registration_reports_all_errors_and_keeps_values_except_passwords() {
    let app = TestApp::spawn();
    let client = app.client();
    let form = RegisterForm {
        username: "zo<e",
        email: "zoe@\"><script>",
        password: "passwordpassword",
        password_confirm: "passwordpassw0rd",
    };

    let answer = client.register_with(form).await;

    assert_field_errors(&answer, &["username", "email", "password", "password_confirm"]);
    assert!(answer.body.contains("There is a problem") && answer.body.contains("<title>Error: "));
    for field in answer.error_fields() {
        assert!(answer.body.contains(&format!("<a href=\"#{field}\">")), "the summary links to {field}");
        assert!(
            answer.body.contains(&format!("{field}-error\" aria-invalid=\"true\"")),
            "the input {field} refers to its error"
        );
    }
    assert!(answer.body.contains("value=\"zo&#60;e\""), "{}", answer.body);
    assert!(!answer.body.contains("<script>"));
    assert!(!answer.body.contains("passwordpassw"), "a response never contains a password");
    assert_eq!(count(&app).await, (0, 0));
}

#[tokio::test]
async fn empty_registration_form_returns_field_errors() {
    let app = TestApp::spawn();
    let answer = app.client().post("/register", &[]).await;
    assert_field_errors(&answer, &["username", "email", "password"]);
}

#[tokio::test]
async fn taken_username_or_email_is_rejected_in_any_spelling() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    for (username, email) in [
        ("zoe", "zoe@keepers.example"),
        ("ZOE", "ZOE@Keepers.Example"),
        (" Zoe ", " zoe@KEEPERS.example "),
        ("ｚｏｅ", "Zoe@keepers.example"),
    ] {
        let form = RegisterForm { username, email, ..RegisterForm::default() };
        assert_field_errors(&app.client().register_with(form).await, &["username", "email"]);
    }
    assert_eq!(count(&app).await.0, 1);
}

// ASVS 2.3.4, 15.4.2: the default collation of MariaDB treats most of these names as equal, and SQLite none of them.
// Gatehouse gives the same answers on both.
#[tokio::test]
async fn username_uniqueness_is_the_same_on_every_database() {
    let app = TestApp::with(&["--registration-rate", "0"]);
    app.signed_in_client("arnold").await;
    for (username, status) in [
        ("arnold ", 422),
        ("Arnold", 422),
        ("árnold", 422),
        ("аrnold", 422),
        ("arnold\u{200b}", 422),
        ("arn.old", 303),
        ("mike", 303),
        ("mıke", 422),
        ("arnold'--", 422),
        ("arnold\0", 422),
        ("\u{202e}dlonra", 422),
        ("🏰🏰🏰", 422),
        ("a\u{308}rnold", 422),
    ] {
        let email = format!("n{}@keepers.example", uuid::Uuid::now_v7().simple());
        let form = RegisterForm { username, email: &email, ..RegisterForm::default() };
        assert_eq!(app.client().register_with(form).await.status, status, "{username:?}");
    }
}

#[tokio::test]
async fn concurrent_registrations_of_one_username_succeed_exactly_once() {
    let app = TestApp::with(&["--registration-rate", "0"]);
    let attempts = (0..64).map(|number| {
        let client = app.client();
        async move {
            let email = format!("zoe{number}@keepers.example");
            client.register_with(RegisterForm { email: &email, ..RegisterForm::default() }).await
        }
    });
    let answers = futures_util::future::join_all(attempts).await;

    let statuses = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((statuses(303), statuses(422)), (1, 63));
    for rejected in answers.iter().filter(|answer| answer.status == 422) {
        assert_field_errors(rejected, &["username"]);
    }
    assert_eq!(count(&app).await, (1, 1));
}

#[tokio::test]
async fn registration_creates_account_and_session_in_one_transaction() {
    use diesel::connection::SimpleConnection;
    let app = TestApp::spawn();
    app.query(|conn| conn.batch_execute("ALTER TABLE sessions RENAME TO hidden_sessions")).await;
    assert_eq!(app.client().register("zoe").await.status, 500);
    app.query(|conn| conn.batch_execute("ALTER TABLE hidden_sessions RENAME TO sessions")).await;
    assert_eq!(count(&app).await, (0, 0));
    assert_eq!(app.client().register("zoe").await.status, 303);
}

/// Returns `count` emoji in no order.
fn emoji(count: u32) -> String {
    (0..count).filter_map(|number| char::from_u32(0x1_f300 + number * 37 % 251)).collect()
}

// NIST SP 800-63B-4, 3.1.1.2; ASVS 6.2.1, 6.2.4, 6.2.5, 6.2.9, 6.2.11
#[tokio::test]
async fn registration_accepts_any_long_uncommon_password() {
    let app = TestApp::with(&["--registration-rate", "0"]);
    for (number, (password, accepted)) in [
        ("mvkq hztw lrpb", false),
        ("mvkq hztw lrpbx", true),
        ("passwordpassword", false),
        ("qwertyuiopasdfgh", false),
        ("gatehousegatehouse", false),
        ("835104729461053", true),
        ("correct horse battery staple", false),
        ("парольпарольпароль", false),
        ("1q2w3e4r5t6y7u8i9o", false),
        (&emoji(64), true),
        (&emoji(256), true),
        (&emoji(257), false),
        (&"🦀".repeat(64), false),
        ("               \t ", false),
    ]
    .into_iter()
    .enumerate()
    {
        let (username, email) = (format!("zoe{number}"), format!("zoe{number}@keepers.example"));
        let form = RegisterForm { username: &username, email: &email, ..RegisterForm::with_password(password) };
        let answer = app.client().register_with(form).await;
        assert_eq!(answer.status, if accepted { 303 } else { 422 }, "{password}: {:?}", answer.errors());
        if accepted {
            assert_eq!(app.client().sign_in(&username, password).await.status, 303, "{password}");
        } else {
            assert_eq!(answer.error_fields()[0], "password");
        }
    }
}

#[tokio::test]
async fn minimum_password_length_is_configurable() {
    let app = TestApp::with(&["--password-min-length", "8"]);
    assert!(app.client().get("/register").await.body.contains("At least 8 characters"));
    assert_field_errors(&app.client().register_with(RegisterForm::with_password("xv9#mq!")).await, &["password"]);
    assert_redirect(&app.client().register_with(RegisterForm::with_password("xv9#mq!kz2%t")).await, "/");
}

#[tokio::test]
async fn closed_registration_returns_403_with_explanation() {
    let app = TestApp::with(&["--registration", "closed"]);
    let page = app.client().get("/register").await;
    assert_eq!(page.status, 403);
    assert!(page.body.contains("Registration is closed") && !page.body.contains("action=\"/register\""));
    assert_eq!(app.client().register("zoe").await.status, 403);
    assert!(!app.client().get("/login").await.body.contains("/register"));
    assert_eq!(count(&app).await, (0, 0));
}

#[tokio::test]
async fn unknown_form_fields_are_rejected() {
    let app = TestApp::spawn();
    for extra in ["id", "is_admin", "role", "password_hash", "created_at"] {
        let fields = RegisterForm::default().fields_and(extra, "1");
        assert_eq!(app.client().post("/register", &fields).await.status, 400, "{extra}");
    }
    assert_eq!(count(&app).await, (0, 0));
}

#[tokio::test]
async fn hostile_text_in_any_field_never_causes_a_server_error() {
    let app = TestApp::with(&["--registration-rate", "0", "--failure-rate", "0"]);
    let corpus = [
        "' OR '1'='1",
        "\"; DROP TABLE accounts; --",
        "\0",
        "a\0b",
        "\u{202e}evil",
        "🏰".repeat(200).as_str(),
        "e\u{301}".repeat(200).as_str(),
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "{{7*7}}",
        "${7*7}",
        "%00%0a",
        "\r\nSet-Cookie: a=b",
        "\u{feff}",
        "../../etc/passwd",
        "\u{fdfa}".repeat(300).as_str(),
        "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}",
        "ﷺ",
        "\\",
        "'",
        "`",
        "\u{85}",
        "a".repeat(5000).as_str(),
    ]
    .map(str::to_owned);
    for text in &corpus {
        for field in ["username", "email", "password", "password_confirm", "next"] {
            // The address is invalid, so that the form is rejected whatever the other fields contain.
            let mut fields = RegisterForm { email: "zoe", ..RegisterForm::default() }.fields_and("next", "/");
            fields.iter_mut().find(|(name, _)| *name == field).unwrap().1 = text;
            let answer = app.client().post("/register", &fields).await;
            assert_eq!(answer.status, 422, "{field}: {text:?}");
            assert!(!answer.body.contains("<script>") && !answer.body.contains("<img src=x"), "{field}: {text}");
            assert_eq!(answer.set_cookie("a"), None);
        }
        for field in ["login", "password", "next"] {
            let mut fields = vec![("login", "unknown"), ("password", PASSWORD), ("next", "/")];
            fields.iter_mut().find(|(name, _)| *name == field).unwrap().1 = text;
            let status = app.client().post("/login", &fields).await.status;
            assert!(status == 422 || status == 429, "{field}: {text:?}: {status}");
        }
    }
}

#[tokio::test]
async fn reserved_usernames_cannot_be_taken() {
    let app = TestApp::with(&["--reserved-names", "keeper,duty-officer", "--site-name", "North Tower"]);
    let client = app.signed_in_client("zoe").await;
    for name in ["admin", "Root", "support", "ad.min", "keeper", "dutyofficer", "northtower", "north-tower"] {
        let rejected = app.client().register(name).await;
        assert_field_errors(&rejected, &["username"]);
        assert!(rejected.body.contains("This user name is reserved."), "{name}");
        let renamed = client.submit("/account", &[("username", name), ("email", "zoe@keepers.example")]).await;
        assert_field_errors(&renamed, &["username"]);
    }
    assert_eq!(app.client().register("keepers").await.status, 303);
}

// ASVS 2.4.1
#[tokio::test]
async fn form_that_is_wrong_in_name_or_address_occupies_no_hashing_thread() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    let before = app.state.accounts.hashing_jobs();
    for form in [
        RegisterForm { username: "!", ..RegisterForm::default() },
        RegisterForm { username: "eva", email: "!", ..RegisterForm::default() },
        RegisterForm { username: "zoe", email: "eva@keepers.example", ..RegisterForm::default() },
        RegisterForm {
            username: "eva",
            email: "eva@keepers.example",
            password_confirm: "x",
            ..RegisterForm::default()
        },
    ] {
        assert_eq!(app.client().register_with(form).await.status, 422, "{form:?}");
    }
    let passwords = [("current_password", ""), ("password", "a quiet wall"), ("password_confirm", "a")];
    assert_eq!(client.submit("/account/password", &passwords).await.status, 422);
    assert_eq!(app.state.accounts.hashing_jobs(), before);
}

#[tokio::test]
async fn refused_registrations_are_limited_per_network() {
    let app = TestApp::with(&["--failure-rate", "5/1h", "--trusted-proxies", "127.0.0.0/8"]);
    let client = app.client().from_ip("198.51.100.7");
    for number in 0..5 {
        let form = RegisterForm { username: "!", ..RegisterForm::default() };
        assert_eq!(client.register_with(form).await.status, 422, "{number}");
    }
    let before = app.state.accounts.hashing_jobs();
    assert_throttled(&client.register("zoe").await, 3600);
    assert_eq!(app.state.accounts.hashing_jobs(), before);
    // Nor does a network whose registrations are used up make the server check more passwords.
    let app = TestApp::with(&["--registration-rate", "1/1h", "--trusted-proxies", "127.0.0.0/8"]);
    assert_eq!(app.client().from_ip("198.51.100.7").register("ida").await.status, 303);
    let before = app.state.accounts.hashing_jobs();
    assert_throttled(&app.client().from_ip("198.51.100.7").register("zoe").await, 3600);
    assert_eq!(app.state.accounts.hashing_jobs(), before);
    assert_eq!(app.client().from_ip("198.51.100.8").register("zoe").await.status, 303);
}
