//! Sign-ins while accounts have password hashes of other systems.

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use gatehouse::{
    accounts::AccountId,
    db::schema::{accounts, foreign_hashes},
    maintenance,
    passwords::foreign::PasswordHash,
};

use crate::support::{
    TestApp,
    client::{Answer, Client},
};

/// A password that is not normalized, so a hash of another system is compared with two forms of it.
const DECOMPOSED: &str = "cafe\u{301} at the harbor";

/// A hash by Werkzeug, of no known password.
fn werkzeug() -> String {
    format!("pbkdf2:sha256:1000$salt${}", "0".repeat(64))
}

/// Gives accounts this hash, as an import does.
async fn set_hash(app: &TestApp, names: &[&'static str], hash: String) {
    let class = PasswordHash::parse(&hash).unwrap().class();
    for name in names {
        let (name, hash, class) = (*name, hash.clone(), class.clone());
        app.query(move |conn| {
            let account = accounts::table.filter(accounts::username.eq(name));
            diesel::update(account).set(accounts::password_hash.eq(&hash)).execute(conn)?;
            let id: AccountId = account.select(accounts::id).get_result(conn)?;
            diesel::insert_into(foreign_hashes::table)
                .values((foreign_hashes::account_id.eq(id), foreign_hashes::class.eq(&class)))
                .execute(conn)
        })
        .await;
    }
}

/// Returns the page that counts imported hashes, when an account has one.
pub async fn overview_with_a_hash_of(app: &TestApp, name: &'static str, administrator: &Client) -> Answer {
    set_hash(app, &[name], werkzeug()).await;
    maintenance::renew_foreign_hashes(&app.state).await;
    administrator.get("/admin").await
}

/// Returns how many hashes a failed sign-in computes.
async fn cost(app: &TestApp, login: &str) -> u64 {
    let before = app.hashes_computed();
    assert_eq!(app.client().sign_in(login, DECOMPOSED).await.status, 422);
    app.hashes_computed() - before
}

// Forms of a password are counted, because times cannot be compared on a busy machine.
#[tokio::test]
async fn unknown_name_takes_the_same_work_as_an_imported_account() {
    let app = TestApp::with(&["--failure-rate", "0"]);
    for name in ["zoe", "eva"] {
        app.signed_in_client(name).await;
    }
    assert_eq!((cost(&app, "zoe").await, cost(&app, "unknown1").await), (1, 1));
    set_hash(&app, &["zoe", "eva"], werkzeug()).await;
    maintenance::renew_foreign_hashes(&app.state).await;
    for login in ["zoe", "eva@keepers.example", "unknown2", "unknown@keepers.example", "not a name"] {
        assert_eq!(cost(&app, login).await, 2, "{login}");
    }
}

#[tokio::test]
async fn unknown_names_share_the_mix_of_hashes_and_each_keeps_its_own() {
    let app = TestApp::with(&["--failure-rate", "0"]);
    for name in ["zoe", "eva"] {
        app.signed_in_client(name).await;
    }
    set_hash(&app, &["zoe"], werkzeug()).await;
    maintenance::renew_foreign_hashes(&app.state).await;
    let mut costs = Vec::new();
    for number in 0..16 {
        let login = format!("unknown{number}");
        let first = cost(&app, &login).await;
        assert_eq!(cost(&app, &login).await, first, "{login}");
        costs.push(first);
    }
    // The chance that all of them are equal is one in 32,768.
    assert!(costs.contains(&1) && costs.contains(&2), "{costs:?}");
}

#[tokio::test]
async fn new_password_is_no_foreign_hash_any_more() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    set_hash(&app, &["zoe"], werkzeug()).await;
    maintenance::renew_foreign_hashes(&app.state).await;
    assert_eq!(app.state.accounts.foreign_hash_schemes(), [("pbkdf2-sha256".to_owned(), 1)]);
    let token = app.reset_token("zoe").await;
    let password = "thirteen geese over a lighthouse";
    let fields = [("token", token.as_str()), ("password", password), ("password_confirm", password)];
    assert_eq!(app.client().post("/reset", &fields).await.status, 303);
    maintenance::renew_foreign_hashes(&app.state).await;
    assert!(app.state.accounts.foreign_hash_schemes().is_empty());
}

#[tokio::test]
async fn overview_counts_imported_hashes_by_scheme_and_links_to_their_accounts() {
    let app = TestApp::spawn();
    let zoe = app.administrator("zoe").await;
    for name in ["eva", "ida", "bob"] {
        app.signed_in_client(name).await;
    }
    assert!(!zoe.get("/admin").await.body.contains("Imported passwords"), "nothing was imported");
    set_hash(&app, &["eva"], werkzeug()).await;
    set_hash(&app, &["ida"], werkzeug().replace("1000", "2000")).await;
    maintenance::renew_foreign_hashes(&app.state).await;
    let page = zoe.get("/admin").await.body;
    assert!(page.contains("<code>pbkdf2-sha256</code></th><td>2</td>"), "{page}");
    let list = "/admin/accounts?hash=imported";
    assert!(page.contains(&format!("href=\"{list}\"")), "{page}");
    let listed = zoe.get(list).await.body;
    let names = ["zoe", "eva", "ida", "bob"].map(|name| listed.contains(&format!(">{name}</a></h2>")));
    assert_eq!(names, [false, true, true, false], "{listed}");
}
