use std::{collections::BTreeSet, fs, time::Duration};

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use futures_util::future::join_all;
use gatehouse::{
    apps::{App, AppChange, Change, Error, TokenFacts},
    client::Client,
    clock::Timestamp,
    db::schema::apps,
    identity::{AccountId, Username},
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};

use super::{Instance, Outcome};
use crate::support::{TestApp, wait_until};

const SECRET: &str = "5d2f1c0e9b8a7465f3e2d1c0b9a88776";

impl Instance {
    /// Runs `gatehouse app` with these arguments.
    fn app(&self, arguments: &[&str]) -> Outcome {
        self.run(&[&["app"], arguments].concat())
    }

    /// Runs `gatehouse app` with these arguments, and panics if it fails.
    fn app_done(&self, arguments: &[&str]) -> Outcome {
        let outcome = self.app(arguments);
        assert_eq!(outcome.status, 0, "{arguments:?}: {}", outcome.stderr);
        outcome
    }

    fn show_app(&self, id: &str) -> Value {
        serde_json::from_str(&self.app_done(&["show", id, "--json"]).stdout).unwrap()
    }

    /// Writes a file in the folder of the instance and returns its path.
    fn write(&self, name: &str, content: &[u8]) -> String {
        fs::write(self.path(name), content).unwrap();
        self.path(name).display().to_string()
    }
}

/// Whether a token of `app` is valid for `secret`.
fn signs_with(app: &App, secret: &str) -> bool {
    let username = Username::parse("zoe").unwrap();
    let facts = TokenFacts {
        account: AccountId::new(),
        legacy_id: None,
        username: &username,
        roles: &[],
        session: "",
        id: "",
        is_fresh: true,
        now: Timestamp::from_seconds(0),
        lifetime: Duration::from_mins(10),
    };
    let Ok(token) = app.tokens.as_ref().unwrap().sign(&facts) else { return false };
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_exp = false;
    decode::<Value>(&token, &DecodingKey::from_secret(secret.as_bytes()), &validation).is_ok()
}

/// Whether the application `id` signs with `secret`, as the running server has it in memory.
async fn server_signs_with(app: &TestApp, id: &str, secret: &str) -> bool {
    app.reload_apps().await;
    signs_with(&app.state.apps.get(id).unwrap(), secret)
}

#[tokio::test]
async fn application_is_added_listed_shown_and_removed() {
    let app = TestApp::spawn();
    let instance = Instance::of(&app);
    assert_eq!(instance.app_done(&["list", "--json"]).stdout, "");
    instance.app_done(&[
        "add",
        "wiki",
        "--name",
        "The wiki",
        "--url",
        "https://Wiki.example.org/",
        "--role",
        "staff",
        "--role",
        "editor",
        "--role",
        "staff",
        "--cors",
        "https://wiki.example.org",
        "--cors",
        "http://bücher.example:80",
    ]);
    instance.app_done(&["add", "api"]);
    let wiki = json!({
        "id": "wiki", "name": "The wiki", "url": "https://wiki.example.org", "roles": ["editor", "staff"],
        "cors": ["http://xn--bcher-kva.example", "https://wiki.example.org"], "tokens": null,
    });
    let api = json!({ "id": "api", "name": "api", "url": null, "roles": [], "cors": [], "tokens": null });
    assert_eq!(instance.show_app("wiki"), wiki);
    let listed = instance.app_done(&["list", "--json"]).stdout;
    assert_eq!(listed, format!("{api}\n{wiki}\n"));
    assert!(instance.app_done(&["list"]).stdout.starts_with("api "));
    let shown = instance.app_done(&["show", "api"]).stdout;
    assert!(shown.contains("all accounts may enter") && shown.contains("those of Gatehouse"), "{shown}");
    instance.app_done(&["remove", "wiki", "--yes"]);
    assert_eq!(instance.app(&["show", "wiki"]).status, 1);
    for kind in ["app_added", "app_removed"] {
        assert_eq!(app.actors(kind).await.iter().collect::<BTreeSet<_>>(), BTreeSet::from([&"operator".to_owned()]));
    }
    assert_eq!((app.event_count("app_added").await, app.event_count("app_removed").await), (2, 1));
}

#[tokio::test]
async fn change_alters_only_what_it_names() {
    let app = TestApp::spawn();
    let instance = Instance::of(&app);
    let secret = instance.write("secret.txt", SECRET.as_bytes());
    instance.app_done(&["add", "wiki", "--url", "https://wiki.example.org"]);
    let mut expected = instance.show_app("wiki");
    for (flags, key, value) in [
        (&["--name", "Wiki"][..], "name", json!("Wiki")),
        (&["--role", "staff", "--role", "editor"], "roles", json!(["editor", "staff"])),
        (&["--role", "admin"], "roles", json!(["admin"])),
        (&["--cors", "https://a.example"], "cors", json!(["https://a.example"])),
        (&["--tokens", "praetorian", "--hs256-secret-file", &secret], "tokens", json!("praetorian")),
        (&["--url", "https://b.example"], "url", json!("https://b.example")),
        (&["--no-roles"], "roles", json!([])),
        (&["--no-cors"], "cors", json!([])),
        (&["--no-url"], "url", Value::Null),
        (&["--no-tokens"], "tokens", Value::Null),
    ] {
        instance.app_done(&[&["set", "wiki"], flags].concat());
        expected[key] = value;
        assert_eq!(instance.show_app("wiki"), expected, "{flags:?}");
    }
    assert_eq!(app.event_count("app_changed").await, 10);
    instance.app_done(&["set", "wiki", "--name", "Wiki", "--no-url"]);
    assert_eq!(app.event_count("app_changed").await, 10, "a change of nothing is no event");
    assert_eq!(instance.app(&["set", "shop", "--name", "Shop"]).status, 1);
}

#[tokio::test]
async fn id_and_host_belong_to_one_application() {
    let app = TestApp::spawn();
    let instance = Instance::of(&app);
    instance.app_done(&["add", "wiki", "--url", "https://wiki.example.org"]);
    instance.app_done(&["add", "blog", "--url", "https://blog.example.org:8443"]);
    let (of_wiki, own) = ("belongs to the application wiki", "the host of Gatehouse itself");
    for (arguments, reason) in [
        (&["add", "wiki"][..], "already an application with this id"),
        (&["add", "shop", "--url", "https://wiki.example.org"], of_wiki),
        (&["add", "shop", "--url", "https://WIKI.example.org:443/"], of_wiki),
        (&["add", "shop", "--url", "https://wiki.example.org:8443"], of_wiki),
        (&["add", "shop", "--url", "http://wiki.example.org"], of_wiki),
        (&["set", "blog", "--url", "https://wiki.example.org:8443"], of_wiki),
        (&["add", "shop", "--url", "https://login.example.org", "--public-url", "https://login.example.org"], own),
        (&["add", "shop", "--url", "https://login.example.org:8443", "--public-url", "https://login.example.org"], own),
        (&["add", "shop", "--url", "http://127.0.0.1:9000", "--public-url", "http://127.0.0.1:9000"], own),
    ] {
        let refused = instance.app(arguments);
        assert_eq!((refused.status, refused.stderr.contains(reason)), (1, true), "{arguments:?}: {}", refused.stderr);
    }
    instance.app_done(&["set", "wiki", "--url", "https://wiki.example.org:8443"]);
    assert_eq!(instance.app_done(&["list"]).stdout.lines().count(), 2);
    // Where people try Gatehouse with an application on another port.
    instance.app_done(&["add", "shop", "--url", "http://127.0.0.1:3000", "--public-url", "http://127.0.0.1:9000"]);
    let refused = instance.app(&["add", "photos", "--url", "http://127.0.0.1:4000"]);
    assert!(refused.stderr.contains("belongs to the application shop"), "{}", refused.stderr);
    instance.app_done(&["add", "photos", "--url", "http://photos.localhost:3000"]);
}

// Without the lock, the later ones would fail as if the database were defective.
#[tokio::test]
async fn of_concurrent_additions_of_one_id_or_host_one_succeeds_and_the_others_are_refused() {
    let app = TestApp::spawn();
    for round in 0..10 {
        let add = |(port, id): (usize, String)| {
            let change = AppChange {
                url: Change::Set(format!("https://shop{round}.example.org:{}", 8000 + port).parse().unwrap()),
                ..AppChange::default()
            };
            let app = &app;
            async move { app.state.apps.add(id.parse().unwrap(), change, &Client::anonymous()).await }
        };
        // The same id twice, and the same host four times.
        let ids = ["a", "a", "b", "c"].map(|id| format!("{id}{round}"));
        let outcomes = join_all(ids.into_iter().enumerate().map(add)).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
        let refused = outcomes.iter().filter(|outcome| matches!(outcome, Err(Error::Rejected(_))));
        assert_eq!(refused.count(), 3, "{outcomes:?}");
    }
}

#[tokio::test]
async fn malformed_value_is_wrong_usage() {
    let app = TestApp::spawn();
    let instance = Instance::of(&app);
    instance.app_done(&["add", "wiki"]);
    let secret = instance.write("secret.txt", SECRET.as_bytes());
    let (empty, long) = (instance.write("empty.txt", b"\n"), instance.write("long.txt", &[b'a'; 2000]));
    for arguments in [
        &["add", "Shop"][..],
        &["add", "gatehouse"],
        &["add", "shop", "--name", ""],
        &["add", "shop", "--url", "shop.example.org"],
        &["add", "shop", "--url", "https://shop.example.org/shop"],
        &["add", "shop", "--url", "https://zoe@shop.example.org"],
        &["add", "shop", "--url", "ftp://shop.example.org"],
        &["add", "shop", "--cors", "*"],
        &["add", "shop", "--cors", "null"],
        &["add", "shop", "--cors", "https://*.example.org"],
        &["add", "shop", "--role", "any"],
        &["add", "shop", "--tokens", "simplejwt"],
        &["add", "shop", "--hs256-secret-file", &secret],
        &["add", "shop", "--tokens", "other", "--hs256-secret-file", &secret],
        &["add", "shop", "--tokens", "simplejwt", "--hs256-secret-file", &empty],
        &["add", "shop", "--tokens", "simplejwt", "--hs256-secret-file", &long],
        &["add", "shop", "--tokens", "simplejwt", "--hs256-secret-file", "/proc/nowhere"],
        &["set", "wiki"],
        &["set", "wiki", "--role", "staff", "--no-roles"],
        &["set", "wiki", "--url", "https://wiki.example.org", "--no-url"],
        &["set", "wiki", "--cors", "https://wiki.example.org", "--no-cors"],
        &["set", "wiki", "--tokens", "simplejwt", "--hs256-secret-file", &secret, "--no-tokens"],
        &["remove", "wiki"],
    ] {
        let refused = instance.app(arguments);
        assert_eq!(refused.status, 2, "{arguments:?}: {}", refused.stderr);
        assert!(!refused.stderr.is_empty() && refused.stdout.is_empty(), "{arguments:?}");
    }
    assert_eq!(instance.app_done(&["list", "--json"]).stdout.lines().count(), 1);
}

#[tokio::test]
async fn number_of_applications_roles_and_origins_is_bounded() {
    let app = TestApp::spawn();
    let instance = Instance::of(&app);
    let many = |flag: &'static str, value: fn(usize) -> String| (0..31).flat_map(move |i| [flag.to_owned(), value(i)]);
    for flags in [many("--role", |i| format!("role{i}")), many("--cors", |i| format!("https://a{i}.example"))] {
        let flags: Vec<_> = flags.collect();
        let flags: Vec<_> = ["add", "wiki"].into_iter().chain(flags.iter().map(String::as_str)).collect();
        let refused = instance.app(&flags);
        assert_eq!((refused.status, refused.stderr.contains("at most 30")), (1, true), "{}", refused.stderr);
        instance.app_done(&flags[..flags.len() - 2]);
        instance.app_done(&["remove", "wiki", "--yes"]);
    }
    app.query(|conn| {
        for number in 0..1000 {
            let (id, empty) = (format!("app{number}"), "");
            diesel::insert_into(apps::table)
                .values((
                    apps::id.eq(&id),
                    apps::name.eq(&id),
                    apps::roles.eq(empty),
                    apps::cors.eq(empty),
                    apps::created_at.eq(0),
                ))
                .execute(conn)?;
        }
        Ok(())
    })
    .await;
    let refused = instance.app(&["add", "wiki"]);
    assert_eq!((refused.status, refused.stderr.contains("cannot be more")), (1, true), "{}", refused.stderr);
    assert_eq!(instance.app_done(&["list", "--json"]).stdout.lines().count(), 1000);
}

// ASVS 13.3.1
#[tokio::test]
async fn hs256_secret_is_stored_encrypted_and_never_shown() {
    let app = TestApp::spawn();
    let instance = Instance::of(&app);
    let file = instance.write("secret.txt", format!("{SECRET}\n").as_bytes());
    let outcome = instance.app_done(&["add", "wiki", "--tokens", "simplejwt", "--hs256-secret-file", &file]);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.contains("warning")), ("Added.\n", false));
    assert!(server_signs_with(&app, "wiki", SECRET).await);
    assert!(!server_signs_with(&app, "wiki", "another secret").await);
    let stored = app.query(|conn| apps::table.select(apps::hs256_secret).get_result::<Option<Vec<u8>>>(conn)).await;
    let stored = stored.unwrap();
    assert!(!stored.windows(4).any(|part| SECRET.as_bytes().windows(4).any(|other| other == part)));
    for arguments in [&["list"][..], &["list", "--json"], &["show", "wiki"], &["show", "wiki", "--json"]] {
        let outcome = format!("{:?}", instance.app_done(arguments));
        assert!(outcome.contains("wiki") && !outcome.contains(SECRET), "{outcome}");
    }
    let short = instance.write("short.txt", &SECRET.as_bytes()[1..]);
    let outcome = instance.app_done(&["set", "wiki", "--tokens", "praetorian", "--hs256-secret-file", &short]);
    assert!(outcome.stderr.contains("warning: the secret in") && !outcome.stderr.contains(&SECRET[1..]));
    assert!(server_signs_with(&app, "wiki", &SECRET[1..]).await);
}

#[tokio::test]
async fn secret_of_one_application_is_invalid_in_the_row_of_another() {
    let app = TestApp::spawn();
    let instance = Instance::of(&app);
    let other = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
    for (id, secret) in [("wiki", SECRET), ("shop", other)] {
        let file = instance.write(id, secret.as_bytes());
        instance.app_done(&["add", id, "--tokens", "simplejwt", "--hs256-secret-file", &file]);
    }
    app.query(|conn| {
        let wiki = apps::table.find("wiki").select(apps::hs256_secret).get_result::<Option<Vec<u8>>>(conn)?;
        diesel::update(apps::table.find("shop")).set(apps::hs256_secret.eq(wiki)).execute(conn)
    })
    .await;
    assert!(server_signs_with(&app, "wiki", SECRET).await);
    assert!(!server_signs_with(&app, "shop", SECRET).await);
    assert_eq!(instance.show_app("shop")["tokens"], "simplejwt", "the operator sees what is to be set again");
    let file = instance.write("shop", other.as_bytes());
    instance.app_done(&["set", "shop", "--tokens", "simplejwt", "--hs256-secret-file", &file]);
    assert!(server_signs_with(&app, "shop", other).await);
}

#[tokio::test]
async fn start_encrypts_secrets_under_the_current_signing_secret() {
    let app = TestApp::spawn();
    let instance = Instance::of(&app);
    let file = instance.write("secret.txt", SECRET.as_bytes());
    instance.app_done(&["add", "wiki", "--tokens", "simplejwt", "--hs256-secret-file", &file]);
    assert_eq!(instance.run(&["secret", "rotate"]).status, 0);
    let mut app = app.restart(&[]);
    assert!(server_signs_with(&app, "wiki", SECRET).await);
    app.stop();
    fs::remove_file(instance.path("data/secret.key.previous")).unwrap();
    let app = app.second_process(&[]);
    assert!(server_signs_with(&app, "wiki", SECRET).await);
}

#[tokio::test]
async fn running_server_knows_changes_within_a_second() {
    let app = TestApp::spawn();
    let instance = Instance::of(&app);
    instance.app_done(&["add", "wiki", "--role", "staff", "--cors", "https://wiki.example.org"]);
    let limit = Duration::from_secs(5);
    wait_until("the server knows the application", limit, || app.state.apps.get("wiki"));
    assert!(app.state.apps.allows_origin("https://wiki.example.org"));
    for origin in ["https://wiki.example.org/", "https://wiki.example.org:443", "https://a.example", "null", "*", ""] {
        assert!(!app.state.apps.allows_origin(origin), "{origin}");
    }
    instance.app_done(&["set", "wiki", "--no-roles", "--no-cors"]);
    wait_until("the server knows the change", limit, || {
        let wiki = app.state.apps.get("wiki").unwrap();
        (wiki.admits(&[]) && !app.state.apps.allows_origin("https://wiki.example.org")).then_some(())
    });
    instance.app_done(&["remove", "wiki", "--yes"]);
    wait_until("the server knows the removal", limit, || app.state.apps.get("wiki").is_none().then_some(()));
}

#[tokio::test]
async fn failed_reload_keeps_the_applications() {
    use diesel::connection::SimpleConnection;
    let app = TestApp::spawn();
    let instance = Instance::of(&app);
    instance.app_done(&["add", "wiki"]);
    app.reload_apps().await;
    app.query(|conn| conn.batch_execute("ALTER TABLE apps RENAME TO moved")).await;
    assert!(app.state.apps.reload().await.is_err());
    assert!(app.state.apps.get("wiki").is_some());
    app.query(|conn| conn.batch_execute("ALTER TABLE moved RENAME TO apps")).await;
    instance.app_done(&["remove", "wiki", "--yes"]);
    app.reload_apps().await;
    assert!(app.state.apps.get("wiki").is_none());
}
