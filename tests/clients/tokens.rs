//! A server with applications, and the tokens of its accounts.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use gatehouse::{
    accounts::AdminAction,
    apps::{AppChange, Change, Hs256Secret, TokenFormat},
    client::Client,
    db::schema::accounts,
};
use serde_json::{Value, json};

use crate::support::{PASSWORD, TestApp};

/// The secret that the application has had before Gatehouse.
pub const SECRET: &str = "5d2f1c0e9b8a7465f3e2d1c0b9a88776";
/// How long the accounts of [`Issuer::start`] can have had tokens that are expired.
const HOUR: Duration = Duration::from_hours(1);

/// A server whose clock stands at the time of this machine, because the libraries look at that.
pub struct Issuer {
    pub app: TestApp,
    /// An access token of `zoe` that has expired.
    pub expired: String,
}

/// Access token and refresh token.
pub struct Pair {
    pub access: String,
    pub refresh: String,
}

impl Issuer {
    /// Starts a server with the application `shop`, and the account `zoe` with the role `staff`, which had the key 7 in
    /// the table of that application. With a format, its tokens are signed with [`SECRET`].
    pub async fn start(format: Option<TokenFormat>) -> Self {
        let app = TestApp::at_real_time(HOUR);
        let secret = Hs256Secret::parse(SECRET.as_bytes()).unwrap();
        let tokens = format.map_or(Change::Keep, |format| Change::Set((format, Some(secret))));
        let change = AppChange { tokens, ..AppChange::default() };
        app.state.apps.add("shop".parse().unwrap(), change, &Client::anonymous()).await.unwrap();
        app.reload_apps().await;
        for name in ["zoe", "eva"] {
            assert_eq!(app.client().register_program(name).await.status, 201);
        }
        app.operate("zoe", AdminAction::AddRole("staff".parse().unwrap())).await;
        app.query(|conn| {
            let zoe = accounts::table.filter(accounts::username.eq("zoe"));
            diesel::update(zoe).set(accounts::legacy_id.eq("7")).execute(conn)
        })
        .await;
        let mut issuer = Self { app, expired: String::new() };
        issuer.expired = issuer.sign_in("zoe").await.access;
        issuer.app.clock.advance(HOUR);
        issuer
    }

    /// Signs in for the application.
    pub async fn sign_in(&self, login: &str) -> Pair {
        let body = json!({"login": login, "password": PASSWORD, "app": "shop"});
        let answer = self.app.client().call("POST", "/api/login", "", body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let (access, refresh) = answer.tokens();
        Pair { access, refresh }
    }

    /// Returns the tokens that replace a pair.
    pub async fn refresh(&self, pair: &Pair) -> Pair {
        let body = json!({"refresh_token": pair.refresh});
        let answer = self.app.client().call("POST", "/api/refresh", "", body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let (access, refresh) = answer.tokens();
        Pair { access, refresh }
    }

    /// Returns the id of an account.
    pub async fn id_of(&self, login: &str) -> String {
        self.app.state.accounts.find(login).await.unwrap().unwrap().id.to_string()
    }

    /// Returns the URL of the public keys.
    pub fn keys_url(&self) -> String {
        format!("{}/.well-known/jwks.json", self.app.address)
    }

    /// Whether the JSON API of Gatehouse accepts a token.
    pub async fn accepts(&self, token: &str) -> bool {
        self.app.client().call("GET", "/api/user", token, Value::Null).await.status == 200
    }
}

/// Returns a token with another value of a claim, and the old signature.
fn with_claim(token: &str, name: &str, value: Value) -> String {
    let [header, claims, signature]: [&str; 3] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let mut claims: Value = serde_json::from_slice(&BASE64.decode(claims).unwrap()).unwrap();
    claims[name] = value;
    format!("{header}.{}.{signature}", BASE64.encode(claims.to_string()))
}

/// Returns forgeries of a token that an application must refuse.
pub fn forgeries(token: &str) -> Vec<String> {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let claims = signed.split_once('.').unwrap().1;
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let unsigned = BASE64.encode(json!({"alg": "none", "typ": "JWT"}).to_string());
    vec![
        with_claim(token, "exp", json!(4_000_000_000_i64)),
        with_claim(token, "roles", json!(["admin"])),
        format!("{signed}.{first}{}", &signature[1..]),
        format!("{signed}."),
        format!("{unsigned}.{claims}."),
        format!("{unsigned}.{claims}.{signature}"),
    ]
}
