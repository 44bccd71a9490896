use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use gatehouse::{accounts::AdminAction, db::schema::accounts};

use crate::support::{
    PASSWORD, TestApp, WRONG_PASSWORD,
    client::{Answer, RegisterForm, assert_field_errors, assert_redirect},
    on_mariadb,
};

#[tokio::test]
async fn login_accepts_username_or_email_in_any_spelling() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    for login in ["zoe", "ZOE", " zoe ", "ｚｏｅ", "zoe@keepers.example", "Zoe@KEEPERS.example"] {
        let client = app.client();
        let answer = client.sign_in(login, PASSWORD).await;
        assert_eq!((answer.status, answer.location()), (303, "/"), "{login}");
        assert!(client.is_signed_in().await);
    }
    assert_eq!(app.event_count("signed_in").await, 6);
}

// ASVS 6.2.8
#[tokio::test]
async fn password_comparison_is_exact_after_normalization() {
    let app = TestApp::with(&["--failure-rate", "0"]);
    let password = "caf\u{e9} on the corner of the square";
    assert_redirect(&app.client().register_with(RegisterForm::with_password(password)).await, "/");
    assert_eq!(app.client().sign_in("zoe", "cafe\u{301} on the corner of the square").await.status, 303);
    for wrong in
        [password.to_uppercase(), format!("{password} "), format!(" {password}"), password.replace('\u{e9}', "e")]
    {
        assert_eq!(app.client().sign_in("zoe", &wrong).await.status, 422, "{wrong}");
    }
}

// ASVS 6.2.8. bcrypt ignores everything after 72 bytes.
#[tokio::test]
async fn password_is_compared_to_its_last_character() {
    let app = TestApp::with(&["--failure-rate", "0", "--registration-rate", "0"]);
    let mut seed = 1_u32;
    let ascii: String = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'a' + (seed >> 24) as u8 % 26)
    })
    .take(256)
    .collect();
    let beyond_ascii = ascii.replace('a', "\u{e5}");
    for (username, password) in [("zoe", ascii), ("eva", beyond_ascii)] {
        let email = format!("{username}@keepers.example");
        let form = RegisterForm { username, email: &email, ..RegisterForm::with_password(&password) };
        assert_redirect(&app.client().register_with(form).await, "/");
        let letters: Vec<char> = password.chars().collect();
        // Counted from 1: the 65th, the 73rd, and others up to the last.
        for place in [55, 56, 64, 65, 72, 73, 100, 128, 129, 255, 256] {
            let mut changed = letters.clone();
            changed[place - 1] = if changed[place - 1] == 'x' { 'y' } else { 'x' };
            let changed: String = changed.into_iter().collect();
            assert_eq!(app.client().sign_in(username, &changed).await.status, 422, "{place}");
            assert_eq!(app.client().sign_in(username, &password).await.status, 303, "a success resets the failures");
        }
        for length in [64, 65, 72, 73, 128, 255] {
            let cut: String = letters[..length].iter().collect();
            assert_eq!(app.client().sign_in(username, &cut).await.status, 422, "{length}");
            assert_eq!(app.client().sign_in(username, &password).await.status, 303);
        }
    }
}

// ASVS 6.3.8: status, headers and text are equal. So is the time, because both cost one hash; see the next test.
#[tokio::test]
async fn wrong_password_and_unknown_username_get_identical_responses() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    let wrong = app.client().sign_in("zoe", WRONG_PASSWORD).await;
    let unknown = app.client().sign_in("eva", WRONG_PASSWORD).await;

    assert_eq!(wrong.status, 422);
    assert_eq!(unknown.status, 422);
    assert_eq!(wrong.body.replace("zoe", "eva"), unknown.body);
    assert_eq!(
        wrong.errors(),
        [("login".to_owned(), "The user name, e-mail address or password is not right.".to_owned())]
    );
    let headers = |answer: &Answer| {
        let mut headers: Vec<_> = answer
            .headers
            .iter()
            .filter(|(name, _)| *name != "date")
            .map(|(name, value)| format!("{name}: {value:?}"))
            .collect();
        headers.sort();
        headers
    };
    assert_eq!(headers(&wrong), headers(&unknown));
    assert!(
        wrong.body.contains("value=\"zoe\"") && !wrong.body.contains("not the password"),
        "the page keeps the username but not the password"
    );
}

#[tokio::test]
async fn unknown_username_costs_one_hash_like_a_known_one() {
    let app = TestApp::with(&["--failure-rate", "0"]);
    app.signed_in_client("zoe").await;
    for (login, password) in [("zoe", WRONG_PASSWORD), ("eva", WRONG_PASSWORD), ("no such name!", "x")] {
        let before = app.hashes_computed();
        app.client().sign_in(login, password).await;
        assert_eq!(app.hashes_computed() - before, 1, "{login}");
    }
}

#[tokio::test]
async fn incomplete_login_form_returns_field_errors_and_records_no_event() {
    let app = TestApp::spawn();
    let client = app.client();
    assert_field_errors(&client.post("/login", &[]).await, &["login", "password"]);
    assert_field_errors(&client.post("/login", &[("login", "zoe")]).await, &["password"]);
    assert_field_errors(&client.post("/login", &[("password", "x")]).await, &["login"]);
    assert_field_errors(&client.sign_in("zoe", &"x".repeat(257)).await, &["password"]);
    assert_eq!(app.events().await, []);
}

#[tokio::test]
async fn login_redirects_to_requested_page() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    let client = app.client();
    let redirect = client.get("/test/added?a=1&b=%26").await;
    assert_eq!(redirect.status, 303);
    let page = client.get(redirect.location()).await;
    assert_eq!(page.hidden_field("next").as_deref(), Some("/test/added?a=1&#38;b=%26"));
    let fields = [("login", "zoe"), ("password", PASSWORD), ("next", "/test/added?a=1&b=%26")];
    assert_redirect(&client.post("/login", &fields).await, "/test/added?a=1&b=%26");
}

// ASVS 3.7.2. The unit tests of src/web/return_to.rs cover all known attacks.
#[tokio::test]
async fn login_never_redirects_to_another_origin() {
    let app = TestApp::with(&["--failure-rate", "0"]);
    app.signed_in_client("zoe").await;
    for next in [
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "https://evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "/..//evil.example",
        "/\r\nLocation: https://evil.example",
        "\\\\evil.example",
        "http://127.0.0.1@evil.example",
        "////evil.example",
    ] {
        let fields = [("login", "zoe"), ("password", PASSWORD), ("next", next)];
        let answer = app.client().post("/login", &fields).await;
        assert_eq!((answer.status, answer.location()), (303, "/"), "{next:?}");
    }
}

#[tokio::test]
async fn remember_me_sets_a_persistent_session_cookie() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    let session_only = app.client().sign_in("zoe", PASSWORD).await;
    assert!(!session_only.set_cookie("session").unwrap().contains("Max-Age"));
    let remembered = app.client().sign_in_remembered("zoe", PASSWORD).await;
    assert!(remembered.set_cookie("session").unwrap().contains("Max-Age=2592000"), "30 days");
}

#[tokio::test]
async fn signed_in_user_is_redirected_home_from_guest_pages() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    for page in ["/login", "/register", "/login?next=/test/added"] {
        let answer = client.get(page).await;
        assert_eq!((answer.status, answer.location()), (303, "/"), "{page}");
    }
}

// ASVS 11.4.2
#[tokio::test]
async fn weaker_hash_is_replaced_at_next_sign_in() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    let weak = {
        use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(4096, 1, 1, None).unwrap());
        argon2.hash_password_with_salt(PASSWORD.as_bytes(), &[7; 16]).unwrap().to_string()
    };
    let stored = async || app.query(|conn| accounts::table.select(accounts::password_hash).first::<String>(conn)).await;
    app.query(move |conn| diesel::update(accounts::table).set(accounts::password_hash.eq(&weak)).execute(conn)).await;

    assert_eq!(app.client().sign_in("zoe", WRONG_PASSWORD).await.status, 422);
    assert!(stored().await.contains("m=4096,t=1"), "a wrong password does not upgrade the hash");
    assert_eq!(app.client().sign_in("zoe", PASSWORD).await.status, 303);

    assert!(stored().await.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert_eq!(app.client().sign_in("zoe", PASSWORD).await.status, 303);
}

/// Signs `zoe` in, and calls `change` after the account was read and before the password is verified.
async fn sign_in_during(change: impl AsyncFnOnce(&TestApp)) -> Answer {
    use gatehouse::db::schema::throttles;
    let app = TestApp::with(&["--hash-threads", "1"]);
    app.signed_in_client("zoe").await;
    let wait_for_counters = async |expected: i64| {
        for _ in 0..2000 {
            if app.query(|conn| throttles::table.count().get_result::<i64>(conn)).await == expected {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("there are not {expected} counters");
    };
    // Thirty other sign-ins keep the only hashing thread busy, so that the sign-in of zoe waits in the queue.
    let others: Vec<_> = (0..30)
        .map(|number| {
            let client = app.client();
            tokio::spawn(async move { client.sign_in(&format!("name{number}"), PASSWORD).await.status })
        })
        .collect();
    // One counter for the registration rate, one for the failures of the network, and two for each attempt: for the
    // account, and for the account and the network.
    wait_for_counters(1 + 1 + 2 * 30).await;
    let client = app.client();
    let sign_in = tokio::spawn({
        let client = client.clone();
        async move { client.sign_in("zoe", PASSWORD).await }
    });
    wait_for_counters(1 + 1 + 2 * 31).await;
    change(&app).await;
    let answer = sign_in.await.unwrap();
    for other in others {
        assert_eq!(other.await.unwrap(), 422);
    }
    assert_eq!(client.get("/").await.location(), "/login?next=/", "{answer:?}");
    answer
}

// In CVE-2026-43911, Vaultwarden kept accepting an old password.
#[tokio::test]
async fn password_changed_during_verification_does_not_sign_in() {
    let answer = sign_in_during(async |app| {
        let changed = accounts::password_hash.eq("$changed");
        app.query(move |conn| diesel::update(accounts::table).set(changed).execute(conn)).await;
    })
    .await;
    assert_eq!(answer.status, 422);
    // Not "wrong password", because it was right; and not "a lot of people are signing in", which is not true.
    assert!(answer.body.contains("change was made at the same moment"), "{}", answer.body);
}

#[tokio::test]
async fn account_disabled_during_verification_does_not_sign_in() {
    let answer = sign_in_during(async |app| {
        app.operate("zoe", AdminAction::Disable).await;
    })
    .await;
    assert_eq!(answer.status, 422);
}

// ASVS 6.2.10
#[tokio::test]
async fn password_does_not_expire() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    app.clock.advance(std::time::Duration::from_hours(5 * 365 * 24));
    let client = app.client();
    assert_eq!((client.sign_in("zoe", PASSWORD).await.status, client.get("/").await.status), (303, 200));
}

// ASVS 6.3.2
#[tokio::test]
async fn no_default_accounts_exist() {
    let app = TestApp::with(&["--failure-rate", "0"]);
    assert_eq!(app.query(|conn| accounts::table.count().get_result::<i64>(conn)).await, 0);
    for (login, password) in [("admin", "admin"), ("root", "root"), ("admin", "password"), ("gatehouse", "gatehouse")] {
        assert_eq!(app.client().sign_in(login, password).await.status, 422);
    }
}

// ASVS 4.1.3. A client that is no trusted proxy cannot choose the scheme and the host of what a sign-in sets.
#[tokio::test]
async fn forwarded_headers_change_no_cookie_of_a_sign_in() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    let attributes = |answer: &Answer| {
        assert_redirect(answer, "/");
        let cookies = answer.set_cookies().into_iter().map(|cookie| {
            let (name, rest) = cookie.split_once('=').unwrap();
            (name.to_owned(), rest.split_once(';').unwrap().1.to_owned())
        });
        cookies.collect::<Vec<_>>()
    };
    let plain = attributes(&app.client().sign_in("zoe", PASSWORD).await);
    assert_eq!(plain.len(), 2);
    assert!(plain.iter().all(|(_, attributes)| !attributes.contains("Secure") && !attributes.contains("Domain")));
    for (name, value) in [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-port", "8443"),
        ("x-forwarded-prefix", "/evil"),
        ("x-original-url", "/evil"),
        ("forwarded", "host=evil.example;proto=https;for=9.9.9.9"),
    ] {
        let client = app.client();
        let request = client.request("POST", "/login").header("origin", &app.address).header(name, value);
        let answer = client.send(request.form(&[("login", "zoe"), ("password", PASSWORD)])).await;
        assert_eq!(attributes(&answer), plain, "{name}");
        assert_eq!(answer.header("strict-transport-security"), "", "{name}");
        assert!(client.is_signed_in().await, "{name}");
    }
}

/// Asserts that `zoe` cannot sign in, and that no password was hashed.
async fn assert_sign_in_fails_closed(app: &TestApp, case: &str) {
    let hashes = app.hashes_computed();
    for password in [PASSWORD, WRONG_PASSWORD] {
        let client = app.client();
        let answer = client.sign_in("zoe", password).await;
        assert_eq!((answer.status, answer.set_cookies().len()), (500, 0), "{case}: {password}");
        assert!(!client.is_signed_in().await);
    }
    assert_eq!(app.hashes_computed(), hashes, "{case}: a password is not verified unless its failure is counted");
}

// ASVS 16.5.3
#[tokio::test]
async fn sign_in_is_refused_when_its_limits_cannot_be_read_or_counted() {
    use diesel::connection::SimpleConnection;
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    let run = async |sql: &'static str| app.query(move |conn| conn.batch_execute(sql)).await;

    run("ALTER TABLE throttles RENAME TO hidden_throttles").await;
    assert_sign_in_fails_closed(&app, "unreadable").await;
    assert_eq!(app.client().register("eva").await.status, 500);
    run("ALTER TABLE hidden_throttles RENAME TO throttles").await;

    for event in ["INSERT", "UPDATE"] {
        let refuse = if on_mariadb() {
            format!("CREATE TRIGGER refuse BEFORE {event} ON throttles FOR EACH ROW SIGNAL SQLSTATE '45000'")
        } else {
            format!("CREATE TRIGGER refuse BEFORE {event} ON throttles BEGIN SELECT RAISE(ABORT, 'no'); END")
        };
        app.query(move |conn| conn.batch_execute(&refuse)).await;
        assert_sign_in_fails_closed(&app, event).await;
        if event == "UPDATE" {
            assert_eq!(app.client().register("eva").await.status, 500, "there is a counter of registrations");
        }
        run("DROP TRIGGER refuse").await;
        // The next round has rows to update.
        assert_eq!(app.client().sign_in("zoe", WRONG_PASSWORD).await.status, 422);
    }
    assert_eq!(app.client().sign_in("zoe", PASSWORD).await.status, 303);
    let accounts = app.query(|conn| accounts::table.count().get_result::<i64>(conn)).await;
    assert_eq!(accounts, 1, "no registration without its limit either");
}

#[tokio::test]
async fn login_and_registration_forms_support_password_managers() {
    let app = TestApp::spawn();
    let login = app.client().get("/login").await.body;
    assert!(
        login.contains("autocomplete=\"username\"")
            && login.contains("type=\"password\" autocomplete=\"current-password\"")
    );
    let register = app.client().get("/register").await.body;
    assert_eq!(register.matches("autocomplete=\"new-password\"").count(), 2);
    assert!(
        register.contains("autocomplete=\"username\"") && register.contains("type=\"email\" autocomplete=\"email\"")
    );
    for page in [login, register] {
        assert!(!page.contains("maxlength"), "a browser must not silently cut a pasted password");
    }
}

#[tokio::test]
async fn json_client_gets_problem_json_instead_of_redirect() {
    let app = TestApp::spawn();
    let client = app.client();
    let json = |method: &str, path: &str| {
        client.request(method, path).header("accept", "application/json").header("origin", &app.address)
    };
    let answer = client.send(json("GET", "/")).await;
    assert_eq!((answer.status, answer.header("content-type")), (401, "application/problem+json"));
    let answer = client.send(json("POST", "/login").form(&[("login", "zoe")])).await;
    assert_eq!((answer.status, answer.header("content-type")), (422, "application/problem+json"));
    let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(problem["status"], 422);
    assert_eq!(problem["errors"][0]["field"], "password");
    assert_eq!(client.send(json("GET", "/nowhere")).await.header("content-type"), "application/problem+json");
}
