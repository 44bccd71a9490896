//! The texts of the pages, in all languages.

mod apps;

use std::{collections::BTreeSet, time::Duration};

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use gatehouse::{
    db::schema::{accounts, events, invitations},
    language::Language,
};

use crate::{
    foreign_hashes, forward_auth,
    languages::texts,
    support::{
        PASSWORD, START, TestApp, WRONG_PASSWORD,
        client::{Answer, Client, RegisterForm, assert_redirect, assert_throttled},
    },
};

/// Strings that are the same in both languages: names, addresses, and what was typed.
const SAME: [&str; 23] = [
    ".",
    "Gatehouse",
    "zoe",
    "zoe@keepers.example",
    "ida",
    "ida@keepers.example",
    "eva@keepers.example",
    "staff",
    "argon2id",
    "pbkdf2-sha256",
    "admin",
    "help@keepers.example",
    "eva",
    "!",
    "·",
    ",",
    "Firefox",
    "Bahasa Indonesia",
    "English",
    "wiki",
    "flask-jwt-extended",
    "simplejwt",
    "praetorian",
];
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// Returns the tags of a page with the attributes that a script or a style sheet sees, and all strings that a person
/// reads.
fn parse(page: &str) -> (Vec<String>, Vec<String>) {
    let (mut tags, mut strings) = (Vec::new(), Vec::new());
    for part in page.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap();
        let mut attributes = tag.split('"');
        let mut structure = attributes.next().unwrap().to_owned();
        while let (Some(value), Some(rest)) = (attributes.next(), attributes.next()) {
            let name = structure.rsplit([' ', '\n']).next().unwrap().trim_end_matches('=').to_owned();
            match name.as_str() {
                // An id of a test account, or the language itself, is no structure.
                _ if value.len() >= 36 || matches!(value, "en" | "id") => {}
                "aria-label" | "title" | "alt" => strings.push(value.to_owned()),
                // The last use of a session is written later, so its time differs.
                "datetime" => {}
                "href" | "action" if value.contains("/account/sessions/") || value.contains("/admin/a") => {}
                _ => structure.push_str(value),
            }
            structure.push_str(rest);
        }
        // Which language is selected is no structure either.
        tags.push(structure.trim_end_matches(" selected").to_owned());
        strings.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    strings.retain(|text| !text.is_empty());
    (tags, strings)
}

/// Sends registrations with every kind of error.
async fn rejected_registrations(guest: &Client) -> Vec<(String, Answer)> {
    let mut states = Vec::new();
    let registrations = [
        ("", "", "", ""),
        ("é", "zoe", "a", "b"),
        ("-zoe", &"a".repeat(300), "passwordpassword", "passwordpassword"),
        ("zo", "eva@keepers.example", "zoe zoe zoe zoe zoe", "zoe zoe zoe zoe zoe"),
        ("zoe", "zoe@keepers.example", "abababababababab", "abababababababab"),
        ("admin", "eva@keepers.example", "eva@keepers.example", "eva@keepers.example"),
        ("eva", "eva@keepers.example", &"x".repeat(300), ""),
    ];
    for (username, email, password, password_confirm) in registrations {
        let form = RegisterForm { username, email, password, password_confirm };
        let answer = guest.register_with(form).await;
        assert_eq!(answer.status, 422);
        states.push((format!("registration of {username}"), answer));
    }
    states
}

/// Opens all states of the pages of the admin area.
async fn admin_states(languages: &str) -> Vec<(String, Answer)> {
    let app = TestApp::with(&["--registration-rate", "0", "--sign-in-rate", "0"]);
    let mut states = Vec::new();
    app.administrator("ida").await;
    let zoe = app.administrator("zoe").await.speaking(languages);
    let eva = app.client();
    assert_redirect(&eva.register("eva").await, "/");
    let (path, id) = (app.admin_path("eva").await, eva.account_id().await);
    // Events and last uses are written in the background.
    let open = async |path: &str| {
        app.flush().await;
        zoe.get(path).await
    };
    states.push(("/admin".to_owned(), open("/admin").await));
    app.insert_events(id, 120, app.clock.now()).await;
    for action in ["/reset-link", "/sign-out", "/disable", "/enable"] {
        let answer = zoe.submit(&format!("{path}{action}"), &[]).await;
        if answer.status == 200 {
            states.push((format!("POST {action}"), answer));
        }
        states.push((format!("after POST {action}"), open(&path).await));
    }
    zoe.submit(&format!("{path}/add-role"), &[("role", "staff")]).await;
    states.push(("malformed role".to_owned(), zoe.submit(&format!("{path}/add-role"), &[("role", "?")]).await));
    assert_redirect(&eva.sign_in("eva", PASSWORD).await, "/");
    states.push(("ended by an operator".to_owned(), eva.speaking(languages).get("/account/activity").await));
    let row = || accounts::table.filter(accounts::username.eq("eva"));
    app.query(move |conn| diesel::update(row()).set(accounts::locked.eq(true)).execute(conn)).await;
    states.push(("locked".to_owned(), open(&path).await));
    states.push(("imported hashes".to_owned(), foreign_hashes::overview_with_a_hash_of(&app, "eva", &zoe).await));
    let nothing = || (accounts::password_hash.eq(""), accounts::last_sign_in_at.eq(None::<i64>));
    app.query(move |conn| diesel::update(row()).set(nothing()).execute(conn)).await;
    for path in [
        &path,
        "/admin/accounts",
        "/admin/accounts?role=none",
        "/admin/activity",
        "/admin/activity?kind=signed_in",
        "/admin/activity?kind=role_added",
        "/admin/activity?until=2020-01-01",
        &format!("{path}/delete"),
    ] {
        states.push((path.replace(&id.to_string(), "{id}"), open(path).await));
    }
    states.push(("not confirmed".to_owned(), zoe.submit(&format!("{path}/delete"), &[]).await));
    app.clock.advance(Duration::from_mins(11));
    for (action, fields) in [
        ("disable", vec![]),
        ("enable", vec![]),
        ("unlock", vec![]),
        ("sign-out", vec![]),
        ("reset-link", vec![]),
        ("add-role", vec![("role", "staff")]),
        ("remove-role", vec![("role", "staff"), ("current_password", WRONG_PASSWORD)]),
        ("delete", vec![("confirm", "eva")]),
    ] {
        states.push((format!("password for {action}"), zoe.submit(&format!("{path}/{action}"), &fields).await));
    }
    states
        .push(("password for an invitation".to_owned(), zoe.submit("/admin/invitations", &[("expires", "7d")]).await));
    let fields = [("confirm", "eva"), ("current_password", PASSWORD)];
    assert_redirect(&zoe.submit(&format!("{path}/delete"), &fields).await, "/admin/accounts");
    states.push(("account deleted by an administrator".to_owned(), open("/admin/accounts").await));
    states.push(("activity of a deleted account".to_owned(), open("/admin/activity").await));
    for number in 0..30 {
        assert_redirect(&app.client().register(&format!("ida-{number}")).await, "/");
    }
    states.push(("more accounts".to_owned(), open("/admin/accounts").await));
    states.push(("no invitations".to_owned(), open("/admin/invitations").await));
    for expires in ["1d", "2d"] {
        let fields = [("role", ""), ("expires", expires)];
        states.push((format!("invitation for {expires}"), zoe.submit("/admin/invitations", &fields).await));
    }
    app.query(|conn| {
        let longer = invitations::table.filter(invitations::expires_at.gt(START.plus(Duration::from_hours(40))));
        diesel::update(longer).set(invitations::used_at.eq(START)).execute(conn)
    })
    .await;
    states.push(("invitations".to_owned(), open("/admin/invitations").await));
    app.query(|conn| diesel::update(invitations::table).set(invitations::expires_at.eq(START)).execute(conn)).await;
    for _ in 0..51 {
        zoe.submit("/admin/invitations", &[("expires", "7d")]).await;
    }
    states.push(("older invitations".to_owned(), open("/admin/invitations").await));
    app.query(|conn| {
        let unused = invitations::table.filter(invitations::used_at.is_null());
        diesel::update(unused).set(invitations::expires_at.eq(START)).execute(conn)
    })
    .await;
    states.push(("expired invitations".to_owned(), open("/admin/invitations").await));
    states.extend(apps::admin_states(&zoe).await);
    states
}

/// Sends changes that are rejected, and requests that get an error page.
async fn rejected_changes(app: &TestApp, firefox: &Client) -> Vec<(String, Answer)> {
    let mut states = Vec::new();
    for (path, fields) in [
        ("/account", vec![("username", ""), ("email", "")]),
        ("/account", vec![("username", "eva"), ("email", "zoe@keepers.example")]),
        ("/account/password", vec![]),
        ("/account/password", vec![("current_password", WRONG_PASSWORD), ("password", PASSWORD)]),
        ("/account/sessions/forget-browsers", vec![]),
        ("/account/delete", vec![("confirm", "eva"), ("current_password", WRONG_PASSWORD)]),
    ] {
        app.flush().await;
        let answer = firefox.submit(path, &fields).await;
        assert_eq!(answer.status, 422, "{path}");
        states.push((format!("POST {path} {fields:?}"), answer));
    }
    let form = |kind: &str, body: String| {
        firefox.request("POST", "/account").header("origin", &firefox.base).header("content-type", kind).body(body)
    };
    states.push(("400".to_owned(), firefox.submit("/account", &[("role", "admin")]).await));
    states.push(("403, other site".to_owned(), firefox.send(firefox.request("POST", "/account")).await));
    states.push(("403, no token".to_owned(), firefox.post("/account", &[]).await));
    states.push(("413".to_owned(), firefox.send(form("application/x-www-form-urlencoded", "x".repeat(20_000))).await));
    states.push(("415".to_owned(), firefox.send(form("text/plain", "x".to_owned())).await));
    let other_host = firefox.request("GET", "/login").header("host", "other.example");
    states.push(("421".to_owned(), firefox.send(other_host).await));
    states
}

/// Opens all states of all pages in one language.
#[expect(clippy::too_many_lines, reason = "a list of pages")]
async fn states(languages: &str) -> Vec<(String, Answer)> {
    let app = TestApp::with(&["--trusted-proxies", "127.0.0.0/8", "--contact", "help@keepers.example"]);
    let mut states = Vec::new();
    let guest = app.client().speaking(languages);
    let mut user = app.client().speaking(languages);
    let mut firefox = app.client().speaking(languages);
    firefox.headers.push(("user-agent", FIREFOX.to_owned()));

    assert_redirect(&user.register("zoe").await, "/");
    states.push(("first sign-in".to_owned(), user.get("/").await));
    states.push(("no other session".to_owned(), user.get("/account/sessions").await));
    for _ in 0..2 {
        states.push(("wrong password".to_owned(), guest.sign_in("zoe", WRONG_PASSWORD).await));
    }
    app.flush().await;
    // Sessions are listed by their last use, which is written in the background.
    app.clock.advance(Duration::from_mins(1));
    assert_redirect(&firefox.sign_in("zoe", PASSWORD).await, "/");
    app.clock.advance(Duration::from_mins(20));
    for path in ["/", "/account", "/account/password", "/account/sessions", "/account/activity", "/account/delete"] {
        app.flush().await;
        states.push((path.to_owned(), firefox.get(path).await));
    }
    let account = user.account_id().await;
    // Sessions that were last used at the same time are in the order of their random ids.
    app.clock.advance(Duration::from_mins(1));
    app.insert_events(account, 80, app.clock.now()).await;
    app.insert_sessions(account, 60).await;
    app.query(|conn| {
        diesel::update(events::table.filter(events::kind.eq("signed_in"))).set(events::kind.eq("later")).execute(conn)
    })
    .await;
    let none = "00000000-0000-0000-0000-000000000000";
    let all = "ffffffff-ffff-ffff-ffff-ffffffffffff";
    for path in [
        "/account/sessions".to_owned(),
        "/account/activity".to_owned(),
        format!("/account/activity?before={none}"),
        format!("/account/activity?attempts_before={all}"),
        "/test/panic".to_owned(),
    ] {
        firefox.get("/").await;
        app.flush().await;
        states.push((format!("{path}, many rows"), firefox.get(&path).await));
    }
    for path in ["/login", "/login?next=/account", "/register", "/nowhere", "/logout", "/readyz/"] {
        states.push((path.to_owned(), guest.get(path).await));
    }
    states.push(("signed out".to_owned(), {
        let other = app.client().speaking(languages);
        other.sign_in("zoe", PASSWORD).await;
        other.sign_out().await;
        other.get("/login").await
    }));

    states.extend(rejected_registrations(&guest).await);
    states.extend(rejected_changes(&app, &firefox).await);
    for (fields, path) in [
        (vec![("username", "zoe"), ("email", "zoe@keepers.example"), ("current_password", PASSWORD)], "/account"),
        (
            vec![
                ("current_password", PASSWORD),
                ("password", "another quiet wall"),
                ("password_confirm", "another quiet wall"),
            ],
            "/account/password",
        ),
    ] {
        assert_redirect(&firefox.submit(path, &fields).await, "/account");
        states.push((format!("after POST {path}"), firefox.get("/account").await));
    }
    for path in ["/account/sessions/forget-browsers", "/account/sessions/end-others"] {
        app.flush().await;
        assert_redirect(&firefox.submit(path, &[]).await, "/account/sessions");
        app.flush().await;
        states.push((format!("after POST {path}"), firefox.get("/account/sessions").await));
    }
    states.push(("session ended".to_owned(), {
        app.clock.advance(Duration::from_hours(24));
        firefox.get("/").await;
        firefox.get("/login").await
    }));
    for _ in 0..6 {
        guest.sign_in("eva", WRONG_PASSWORD).await;
    }
    let throttled = guest.sign_in("eva", WRONG_PASSWORD).await;
    assert_throttled(&throttled, 1);
    states.push(("throttled".to_owned(), throttled));
    user = app.client().speaking(languages);
    user.sign_in("zoe", "another quiet wall").await;
    user.submit("/account/delete", &[("confirm", "zoe"), ("current_password", "another quiet wall")]).await;
    states.push(("account deleted".to_owned(), user.get("/login").await));
    states.push(("/forgot".to_owned(), user.get("/forgot").await));
    user.register("eva").await;
    let link = format!("/reset?token={}", app.reset_token("eva").await);
    states.push(("/reset".to_owned(), guest.get(&link).await));
    states.push(("/reset of a signed-in person".to_owned(), user.get(&link).await));
    app.remove_email("eva").await;
    app.clock.advance(Duration::from_secs(2));
    states.push(("/account without an address".to_owned(), user.get("/account").await));
    let setup = format!("/setup?token={}", app.state.setup_token.expose());
    states.push(("/setup".to_owned(), guest.get(&setup).await));
    states.push(("/reset without a token".to_owned(), guest.get("/reset").await));
    states.extend(apps::states_of_person(&app, &user).await);
    states
}

/// Whether a string names the same in both languages: a time, a number, an id or a link.
fn is_data(text: &str) -> bool {
    let is_exact = text.starts_with("2026-1") && (text.ends_with('Z') || text.len() == 10);
    let is_time = is_exact || text.ends_with(" November 2026");
    let is_id = text.len() == 36 && text.matches('-').count() == 4;
    let is_app = text.starts_with("shop") || text.starts_with("https://shop");
    is_time
        || is_id
        || is_app
        || text.parse::<u64>().is_ok()
        || text.starts_with("http://127.0.0.1")
        || text.starts_with("ida-")
}

#[tokio::test]
async fn every_page_has_the_same_structure_in_both_languages_and_no_english_text_in_indonesian() {
    let (mut english, mut indonesian) = (states("en").await, states("id").await);
    for (states, code) in [(&mut english, "en"), (&mut indonesian, "id")] {
        states.extend(admin_states(code).await);
        states.extend(forward_auth::pages::states(code).await);
    }
    assert_eq!(english.len(), indonesian.len());
    assert!(english.len() > 40);
    let (catalogue, translated) = (texts(Language::English), texts(Language::Indonesian));
    let (mut shown, mut same) = (BTreeSet::new(), BTreeSet::new());
    for ((name, page), (other_name, translation)) in english.iter().zip(&indonesian) {
        assert_eq!((name, page.status), (other_name, translation.status));
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{name}");
        for (answer, code) in [(page, "en"), (translation, "id")] {
            assert!(answer.body.contains(&format!("<html lang=\"{code}\">")), "{name}");
            assert_eq!((answer.header("content-language"), answer.header("vary")), (code, "Accept-Language"), "{name}");
        }
        let ((tags, strings), (other_tags, other_strings)) = (parse(&page.body), parse(&translation.body));
        for (tag, other) in tags.iter().zip(&other_tags) {
            assert_eq!(tag, other, "{name}");
        }
        assert_eq!(tags.len(), other_tags.len(), "{name}");
        assert_eq!(strings.len(), other_strings.len(), "{name}");
        for (text, translation) in strings.iter().zip(&other_strings) {
            let may_be_same = SAME.contains(&text.as_str()) || is_data(text);
            if text == translation && !may_be_same {
                same.insert(format!("{name}: {text}"));
            }
        }
        for (field, text) in &catalogue {
            let is_left = other_strings.iter().any(|string| string.contains(text.as_str()));
            assert!(!is_left || field == "language_name", "{name}: {text}");
            if strings.iter().any(|string| string.contains(text.as_str())) {
                shown.insert(field);
            }
        }
    }
    assert!(same.is_empty(), "the same in both languages: {same:#?}");
    let not_shown: Vec<_> = catalogue.keys().filter(|field| !shown.contains(field)).collect();
    assert_eq!(not_shown, ["fields_rejected", "form_rejected"], "no state of a page shows these texts");
    let untranslated: Vec<_> = catalogue.iter().filter(|(field, text)| translated[*field] == **text).collect();
    assert!(untranslated.is_empty(), "{untranslated:?}");
}
