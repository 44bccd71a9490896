//! Sign-ins while accounts have password hashes of other systems.

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use gatehouse::{
    accounts::AccountId,
    db::schema::{accounts, foreign_hashes},
    maintenance,
    passwords::foreign::PasswordHash,
};

use crate::support::TestApp;

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
    assert_eq!((cost(&app, "zoe").await, cost(&app, "nobody1").await), (1, 1));
    set_hash(&app, &["zoe", "eva"], werkzeug()).await;
    maintenance::renew_foreign_hashes(&app.state).await;
    for login in ["zoe", "eva@keepers.example", "nobody2", "nobody@keepers.example", "not a name"] {
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
        let login = format!("nobody{number}");
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
    let classes = app.state.accounts.foreign_hash_classes();
    assert_eq!((classes[0].name.as_str(), classes[0].accounts), ("pbkdf2-sha256 1000", 1));
    let token = app.reset_token("zoe").await;
    let password = "thirteen geese over a lighthouse";
    let fields = [("token", token.as_str()), ("password", password), ("password_confirm", password)];
    assert_eq!(app.client().post("/reset", &fields).await.status, 303);
    maintenance::renew_foreign_hashes(&app.state).await;
    assert!(app.state.accounts.foreign_hash_classes().is_empty());
}
