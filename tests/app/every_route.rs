//! Rules that hold for every route of the table.

use std::{collections::BTreeMap, time::Duration};

use diesel::{ExpressionMethods, QueryResult, QueryableByName, RunQueryDsl, sql_query, sql_types::Text};
use gatehouse::{
    accounts::AdminAction,
    apps::{AppChange, Change},
    db::{
        AnyConnection,
        schema::{foreign_hashes, sessions},
    },
    passwords::foreign::FlaskSecurityKey,
    routes,
};

use crate::support::{
    PASSWORD, TestApp, WRONG_PASSWORD,
    client::{Answer, Client},
};

/// The columns that a safe request may change.
const LAST_USE: [(&str, &str); 1] = [("sessions", "last_seen_at")];

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// Runs a query whose only column is the text `line`.
fn lines(conn: &mut AnyConnection, query: String) -> QueryResult<Vec<String>> {
    let rows: Vec<Line> = match conn {
        AnyConnection::Sqlite(conn) => sql_query(query).load(conn)?,
        AnyConnection::Mysql(conn) => sql_query(query).load(conn)?,
    };
    Ok(rows.into_iter().map(|row| row.line).collect())
}

/// Returns all rows of all tables, as the database lists them, without the times of last use.
fn dump(conn: &mut AnyConnection) -> QueryResult<BTreeMap<String, Vec<String>>> {
    let on_sqlite = matches!(conn, AnyConnection::Sqlite(_));
    let tables = if on_sqlite {
        "SELECT name AS line FROM sqlite_master WHERE type = 'table'"
    } else {
        "SELECT table_name AS line FROM information_schema.tables WHERE table_schema = DATABASE()"
    };
    let mut dump = BTreeMap::new();
    for table in lines(conn, tables.to_owned())? {
        let columns = if on_sqlite {
            format!("SELECT name AS line FROM pragma_table_info('{table}')")
        } else {
            format!(
                "SELECT column_name AS line FROM information_schema.columns \
                 WHERE table_schema = DATABASE() AND table_name = '{table}'"
            )
        };
        let mut columns = lines(conn, columns)?;
        columns.retain(|column| !LAST_USE.contains(&(table.as_str(), column.as_str())));
        let values: Vec<_> = columns.iter().map(|column| format!("IFNULL(HEX(`{column}`), 'NULL')")).collect();
        let mut rows = lines(conn, format!("SELECT CONCAT_WS('|', {}) AS line FROM `{table}`", values.join(", ")))?;
        rows.sort();
        dump.insert(table, rows);
    }
    Ok(dump)
}

/// Returns the path of every route, with the id of another session or of the account of `client`, and two paths without
/// a route.
async fn every_path(client: &Client) -> Vec<String> {
    let page = client.get("/account/sessions").await.body;
    let other = page.split("action=\"/account/sessions/").find_map(|part| part.split_once("/end\"")).unwrap().0;
    let table = routes::table();
    let account = client.account_id().await.to_string();
    let fill_in = |path: &str| {
        let id = match path {
            _ if path.starts_with("/admin/apps") => "wiki",
            _ if path.starts_with("/admin") => account.as_str(),
            _ => other,
        };
        let path = path.replace("{id}", id).replace("{action}", "disable").replace("{app}", "wiki");
        path.replace("{role}", "any").replace("{tail:.*}", "/page").replace("{name:.*}", "style.css")
    };
    let mut paths: Vec<_> = table.iter().map(|route| fill_in(route.path)).collect();
    assert!(paths.iter().all(|path| !path.contains('{')), "fill in the new parameter: {paths:?}");
    paths.extend(["/static/style.css", "/nowhere"].map(str::to_owned));
    paths
}

/// Returns an application with a row in every table that is not empty at rest, and the client of an administrator with
/// two sessions.
async fn populated() -> (TestApp, Client) {
    // Longer than a test moves the clock.
    let app = TestApp::with(&["--session-idle", "10h"]);
    let client = app.administrator("zoe").await;
    app.client().sign_in("zoe", PASSWORD).await;
    app.client().sign_in("zoe", WRONG_PASSWORD).await;
    let eva = app.signed_in_client("eva").await;
    assert_eq!(eva.submit("/account/delete", &[("confirm", "eva"), ("current_password", PASSWORD)]).await.status, 303);
    app.operate("zoe", AdminAction::AddRole("staff".parse().unwrap())).await;
    app.operate("zoe", AdminAction::CreateResetLink).await;
    let (lifetime, operator) = (Duration::from_hours(1), gatehouse::client::Client::anonymous());
    app.state.accounts.invite(Vec::new(), lifetime, &operator).await.unwrap();
    app.state.access_tokens.maintain_keys().await.unwrap();
    let url = Change::Set("http://wiki.localhost".parse().unwrap());
    let change = AppChange { url, ..AppChange::default() };
    app.state.apps.add("wiki".parse().unwrap(), change, &operator).await.unwrap();
    app.reload_apps().await;
    let at_wiki = app.client_of("wiki.localhost");
    let start = at_wiki.get("/handover/wiki/start").await;
    let way = client.get(start.location().strip_prefix(&app.address).unwrap()).await;
    let callback = way.location().replace("http://wiki.localhost/.gatehouse", "/handover/wiki");
    assert_eq!(at_wiki.get(&callback).await.status, 303);
    let key = FlaskSecurityKey::new(b"a key of Flask-Security".to_vec());
    app.state.accounts.add_flask_security_key(&key).await.unwrap();
    let account = client.account_id().await;
    app.query(move |conn| {
        let class = (foreign_hashes::account_id.eq(account), foreign_hashes::class.eq("bcrypt 12"));
        diesel::insert_into(foreign_hashes::table).values(class).execute(conn)
    })
    .await;
    (app, client)
}

// ASVS 3.5.3
#[tokio::test]
async fn get_and_head_change_nothing_but_times_of_last_use() {
    let (app, zoe) = populated().await;
    app.flush().await;
    let before = app.query(dump).await;
    for (table, rows) in &before {
        let is_empty = matches!(table.as_str(), "account_cleanups" | "round_trips");
        assert!(is_empty || !rows.is_empty(), "{table} has no row that a request could change");
    }
    for (who, client) in [("guest", app.client()), ("zoe", zoe.clone())] {
        for path in every_path(&zoe).await {
            for method in ["GET", "HEAD"] {
                client.send(client.request(method, &path)).await;
                // A write of the last use is due, so the dump would differ if it were not left out.
                app.clock.advance(Duration::from_mins(1));
                app.flush().await;
                assert_eq!(app.query(dump).await, before, "{who}: {method} {path}");
            }
        }
    }
    assert!(zoe.is_signed_in().await);
}

fn assert_content_type(answer: &Answer, path: &str) {
    let kind = match path {
        "/account/export" | "/api" | "/api/openapi.json" if answer.status == 200 => "application/json",
        "/.well-known/jwks.json" => "application/json",
        path if path.starts_with("/verify") && answer.status == 401 => "application/problem+json",
        path if path.starts_with("/api") => "application/problem+json",
        "/healthz" | "/readyz" => "text/plain; charset=utf-8",
        "/static/style.css" | "/handover/wiki/static/style.css" => "text/css; charset=utf-8",
        "/static/mark.svg" => "image/svg+xml; charset=utf-8",
        _ => "text/html; charset=utf-8",
    };
    assert_eq!(answer.header("content-type"), kind, "{path}");
}

// ASVS 4.1.1
#[tokio::test]
async fn every_response_with_a_body_names_content_type_and_charset() {
    let (app, zoe) = populated().await;
    let mut statuses = BTreeMap::new();
    let clients = [app.client(), zoe.clone()];
    for (client, language) in clients.iter().flat_map(|client| ["en", "id"].map(|code| (client.speaking(code), code))) {
        let mut paths = every_path(&zoe).await;
        paths.push("/static/mark.svg".to_owned());
        for path in paths {
            let answer = client.get(&path).await;
            if answer.header("content-type").starts_with("text/html") {
                let headers = (answer.header("content-language"), answer.header("vary"));
                assert_eq!(headers, (language, "Accept-Language"), "{path}");
            }
            if !answer.body.is_empty() {
                assert_content_type(&answer, &path);
                *statuses.entry(answer.status).or_insert(0) += 1;
            }
        }
    }
    assert!(statuses[&200] >= 17 && statuses.contains_key(&404) && statuses.contains_key(&405), "{statuses:?}");
    let folder = TestApp::with(&["--static-dir", concat!(env!("CARGO_MANIFEST_DIR"), "/static")]);
    for path in ["/static/style.css", "/static/mark.svg"] {
        assert_content_type(&folder.client().get(path).await, path);
    }
}

// ASVS 8.2.1, 8.3.1
#[tokio::test]
async fn admin_area_does_not_exist_for_guests_and_members() {
    let (app, zoe) = populated().await;
    let member = app.signed_in_client("ida").await;
    app.operate("ida", AdminAction::AddRole("staff".parse().unwrap())).await;
    let paths: Vec<_> = every_path(&zoe).await.into_iter().filter(|path| path.starts_with("/admin")).collect();
    assert!(paths.len() >= 5, "{paths:?}");
    for (who, client) in [("guest", app.client()), ("member", member.clone())] {
        let nowhere = client.get("/nowhere").await;
        let token = if who == "member" { client.csrf_token().await } else { String::new() };
        for path in &paths {
            let page = client.get(path).await;
            // But for the path that the language form returns to.
            let expected = nowhere.body.replace("\"/nowhere\"", &format!("\"{path}\""));
            assert_eq!(page.status, 404, "{who}: GET {path}");
            assert!(who == "member" || page.body == expected, "{who}: GET {path}: {}", page.body);
            for token in ["", &token] {
                let fields = [("csrf_token", token), ("confirm", "zoe"), ("role", "admin")];
                assert_eq!(client.post(path, &fields).await.status, 404, "{who}: POST {path}");
            }
            for method in ["GET", "POST", "PUT"] {
                let request = client.request(method, path).header("origin", &app.address);
                let json = client.send(request.header("accept", "application/json")).await;
                let answer = (json.status, json.header("content-type"));
                assert_eq!(answer, (404, "application/problem+json"), "{who}: {method} {path}");
            }
        }
        assert!(!client.get("/").await.body.contains("/admin"), "{who}");
    }
    for path in &paths {
        let page = zoe.get(path).await;
        let is_form_only = path.ends_with("/disable") || path.ends_with("/revoke");
        assert_eq!(page.status, if is_form_only { 405 } else { 200 }, "{path}");
        assert!(is_form_only || page.body.contains("/static/admin.css?v="), "{path}");
    }
    assert!(zoe.get("/").await.body.contains("<a href=\"/admin"));
    assert!(zoe.is_signed_in().await, "nothing was done");
}

#[track_caller]
fn assert_sign_out_button(answer: &Answer, case: &str) {
    let (_, form) = answer
        .body
        .split_once("<form class=\"account-bar\" method=\"post\" action=\"/logout\">")
        .unwrap_or_else(|| panic!("{case}: {}", answer.body));
    let form = form.split("</form>").next().unwrap();
    assert!(form.contains("Sign out</button>") && form.contains("<b>zoe</b>"), "{case}: {form}");
}

// ASVS 7.4.4
#[tokio::test]
async fn every_page_of_a_signed_in_person_has_a_sign_out_button() {
    let (_app, zoe) = populated().await;
    let mut pages = 0;
    for path in every_path(&zoe).await {
        // A page on the host of an application has a form of its own.
        if path.starts_with("/handover") {
            continue;
        }
        let answer = zoe.get(&path).await;
        if answer.status == 200 && answer.header("content-type").starts_with("text/html") {
            assert_sign_out_button(&answer, &path);
            pages += 1;
        }
    }
    assert!(pages >= 6, "only {pages} pages were found");
}

// ASVS 7.4.4
#[tokio::test]
async fn error_pages_of_a_signed_in_person_have_a_sign_out_button() {
    use diesel::connection::SimpleConnection;
    let app = TestApp::with(&["--session-cache", "1m"]);
    let zoe = app.signed_in_client("zoe").await;
    let post = |kind: &str, body: String| {
        zoe.request("POST", "/account").header("origin", &app.address).header("content-type", kind).body(body)
    };
    let form = "application/x-www-form-urlencoded";
    let token = zoe.csrf_token().await;
    let put = zoe.request("PUT", "/account").header("origin", &app.address).form(&[("csrf_token", &token)]);
    let mut answers = vec![
        (400, zoe.submit("/account", &[("role", "admin")]).await),
        (403, zoe.post("/account", &[]).await),
        (404, zoe.submit("/account/sessions/none/end", &[]).await),
        (405, zoe.send(put).await),
        (413, zoe.send(post(form, "x".repeat(20_000))).await),
        (415, zoe.send(post("text/plain", "x".to_owned())).await),
    ];
    app.query(|conn| conn.batch_execute("ALTER TABLE sessions RENAME TO hidden_sessions")).await;
    answers.push((500, zoe.get("/account/sessions").await));
    app.query(|conn| conn.batch_execute("ALTER TABLE hidden_sessions RENAME TO sessions")).await;
    for (status, answer) in &answers {
        assert_eq!(answer.status, *status, "{}", answer.body);
        assert_sign_out_button(answer, &status.to_string());
    }
    let token = answers[1].1.hidden_field("csrf_token").unwrap();
    assert_eq!(zoe.post("/logout", &[("csrf_token", &token)]).await.location(), "/login");
}

#[tokio::test]
async fn error_page_shows_no_account_without_an_active_session() {
    let app = TestApp::spawn();
    let zoe = app.signed_in_client("zoe").await;
    let ended = zoe.fork();
    zoe.sign_out().await;
    for client in [app.client(), ended] {
        let answer = client.post("/login", &[("login", "a"), ("login", "b")]).await;
        assert_eq!(answer.status, 400);
        assert!(!answer.body.contains("zoe") && !answer.body.contains("/logout"), "{}", answer.body);
    }
}

// ASVS 14.2.1. Addresses end up in histories and in the logs of proxies.
#[tokio::test]
async fn no_url_of_a_page_contains_a_secret_or_personal_data() {
    let (app, zoe) = populated().await;
    let mut secrets = vec!["zoe".to_owned(), "keepers".to_owned(), "127.0.0.1".to_owned(), zoe.csrf_token().await];
    secrets.extend(["session", "device"].map(|name| zoe.cookie(name).unwrap()));
    let mut urls = 0;
    for path in every_path(&zoe).await {
        let answer = zoe.get(&path).await;
        let attributes = ["href=\"", "action=\"", "src=\""];
        let in_body = attributes.iter().flat_map(|attribute| answer.body.split(attribute).skip(1));
        for url in in_body.map(|rest| rest.split('"').next().unwrap()).chain([answer.location()]) {
            let url = url.strip_prefix(&app.address).unwrap_or(url);
            assert!(!secrets.iter().any(|secret| url.contains(secret)), "{path}: {url}");
            urls += 1;
        }
        for form in answer.body.split("<form").skip(1).map(|form| form.split("</form>").next().unwrap()) {
            // What administrators search for stands in the URL, so that they can page through the results.
            let is_search = path.starts_with("/admin") && form.contains("role=\"search\"");
            let is_post = form.contains("method=\"post\"");
            assert!(is_post || is_search, "{path}: the fields of this form are sent in the URL: {form}");
        }
    }
    assert!(urls > 50, "only {urls} URLs were found");
}

// ASVS 9.2.1. The row and the token usually expire at the same moment; here the row does not.
#[tokio::test]
async fn expired_token_is_rejected_although_its_row_is_active() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    let never = i64::MAX / 2;
    app.query(move |conn| {
        diesel::update(sessions::table)
            .set((sessions::expires_at.eq(never), sessions::last_seen_at.eq(never)))
            .execute(conn)
    })
    .await;
    app.clock.advance(Duration::from_hours(12) - Duration::from_secs(1));
    assert!(client.is_signed_in().await);
    app.clock.advance(Duration::from_secs(1));
    assert!(!client.is_signed_in().await, "the token is 12 hours old");
}
