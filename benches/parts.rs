//! The steps of a request measured separately, and the two implementations of argon2id: `cargo bench --bench parts`.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a program for a developer's terminal"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::{hint::black_box, time::Duration};

use actix_web::{
    http::header::{self, HeaderMap, HeaderValue},
    test::{self, TestRequest},
    web::Data,
};
use criterion::{Criterion, criterion_group, criterion_main};
use gatehouse::{
    client::Client,
    server::build_app,
    sessions::TokenStatus,
    web::{
        cookies::{CookieName, Cookies},
        state::AppState,
    },
};
use tokio::runtime::{Builder, Runtime};

use support::TestApp;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Signs an account in and returns the session token.
fn session_token(app: &TestApp) -> String {
    runtime().block_on(async { app.signed_in_client("zoe").await.cookie("session").unwrap() })
}

async fn check(state: &Data<AppState>, token: &str) -> TokenStatus {
    state.sessions.check(token.as_bytes(), &Client::local()).await.unwrap()
}

fn tokens_and_cookies(bench: &mut Criterion) {
    let app = TestApp::with_database(String::new(), &[]);
    let token = session_token(&app);
    app.clock.advance(Duration::from_hours(13));
    // The server verifies and decodes an expired token each time, but never reads its row.
    bench.bench_function("token: verify and decode", |bench| {
        let check = async || assert!(matches!(check(&app.state, &token).await, TokenStatus::Expired));
        bench.to_async(runtime()).iter(check);
    });
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let forged = format!("{signed}.{first}{}", &signature[1..]);
    bench.bench_function("token: reject a forged token", |bench| {
        let check = async || assert!(matches!(check(&app.state, &forged).await, TokenStatus::Invalid));
        bench.to_async(runtime()).iter(check);
    });
    let mut headers = HeaderMap::new();
    let cookies = format!("theme=dark; device=abcdefghijklmnopqrstuvwxyz; session={token}; other=1");
    headers.insert(header::COOKIE, HeaderValue::from_str(&cookies).unwrap());
    bench.bench_function("cookie: find the session among four", |bench| {
        bench.iter(|| Cookies::new(false).get(black_box(&headers), CookieName::Session).unwrap().len());
    });
}

fn sessions(bench: &mut Criterion) {
    for (name, cache) in [("session: check, row in the cache", "1h"), ("session: check, row from SQLite", "0s")] {
        let app = TestApp::with_database(String::new(), &["--session-cache", cache]);
        let token = session_token(&app);
        bench.bench_function(name, |bench| {
            let check = async || assert!(matches!(check(&app.state, &token).await, TokenStatus::Active(_)));
            bench.to_async(runtime()).iter(check);
        });
    }
}

fn pages(bench: &mut Criterion) {
    let app = TestApp::with_database(String::new(), &["--session-cache", "1m"]);
    let token = session_token(&app);
    let runtime = runtime();
    let service = runtime.block_on(test::init_service(build_app(&app.state, |_| {})));
    for (name, path, cookie) in [
        ("whole request: / signed in", "/", format!("session={token}")),
        ("whole request: /login", "/login", String::new()),
    ] {
        bench.bench_function(name, |bench| {
            bench.to_async(&runtime).iter(async || {
                let request = TestRequest::get().uri(path).insert_header((header::COOKIE, cookie.as_str()));
                let response = test::call_service(&service, request.to_request()).await;
                assert_eq!(response.status(), 200);
            });
        });
    }
}

fn hashes(bench: &mut Criterion) {
    const PASSWORD: &[u8] = b"a quiet wall with one lit door";
    const SALT: &[u8] = b"salt of 16 bytes";
    let params = argon2::Params::new(19_456, 2, 1, Some(32)).unwrap();
    let mut memory = vec![argon2::Block::default(); params.block_count()];
    let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    bench.bench_function("argon2id: crate argon2", |bench| {
        bench.iter(|| {
            let mut output = [0; 32];
            argon2.hash_password_into_with_memory(black_box(PASSWORD), SALT, &mut output, &mut memory[..]).unwrap();
            output
        });
    });
    let params = argon2_rust::Params::builder()
        .memory(argon2_rust::params::Memory::kib(19_456))
        .passes(2)
        .lanes(1)
        .threads(1)
        .tag_len(argon2_rust::params::TagLen::bytes(32));
    let argon2 = argon2_rust::Argon2::new(
        argon2_rust::Algorithm::Argon2id,
        argon2_rust::Version::V0x13,
        params.build().unwrap(),
    );
    let mut hasher = argon2.hasher();
    bench.bench_function("argon2id: crate argon2-rust", |bench| {
        bench.iter(|| {
            let mut output = [0; 32];
            hasher.hash_into(black_box(PASSWORD), SALT, &mut output).unwrap();
            output
        });
    });
}

criterion_group! {
    name = parts;
    config = Criterion::default().measurement_time(Duration::from_secs(3)).warm_up_time(Duration::from_secs(1));
    targets = tokens_and_cookies, sessions, pages, hashes
}
criterion_main!(parts);
