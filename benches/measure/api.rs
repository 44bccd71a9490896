//! The JSON API: a request with a token compared with the baseline, and refreshes compared with sign-ins.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    Rounds, databases,
    fixture::Fixture,
    pages::compare,
    seed, sign_in,
    support::client::Client,
    table::{Goal, Table, median},
    wrk::{self, Request},
};

/// Programs that refresh, each with its own session.
const CLIENTS: u32 = 8;
/// Accounts that sign in, in turn.
const ACCOUNTS: u64 = 2000;

pub fn measure(rounds: Rounds, table: &mut Table) {
    let fixture = Fixture::empty("");
    fixture.fill(ACCOUNTS);
    let gatehouse = fixture.serve(&[]);
    let (token, _) = block_on(Client::new(&gatehouse.address).tokens(&seed::name(1)));
    let headers = vec![("authorization", format!("Bearer {token}"))];
    let user = Request { method: "GET", path: "/api/user".to_owned(), headers, body: String::new() };
    compare("`/api/user` with a token", (&fixture, &gatehouse), &[user], 0.75, rounds, table);

    for (database, url) in databases() {
        let fixture = Fixture::empty(&url);
        fixture.fill(ACCOUNTS);
        let server = fixture.serve(&["--trusted-proxies", "127.0.0.1"]);
        let requests = sign_in::requests(ACCOUNTS);
        let (mut refreshes, mut sign_ins, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds.count {
            let rate = block_on(refreshes_per_second(&server.address, rounds.seconds));
            let signed_in = wrk::run(&server.address, &requests, CLIENTS, rounds.seconds);
            assert_eq!(signed_in.failures, 0, "failed sign-ins");
            ratios.push(rate / signed_in.per_second);
            refreshes.push(rate);
            sign_ins.push(signed_in.per_second);
        }
        let per_second = |rates| format!("{:.0} /s", median(rates));
        table.add(
            format!("refreshes on {database}, {CLIENTS} programs; sign-ins"),
            per_second(refreshes),
            per_second(sign_ins),
            (median(ratios), ""),
            Goal::None,
        );
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Lets each program refresh again and again.
async fn refreshes_per_second(address: &str, seconds: u32) -> f64 {
    let client = Client::new(address);
    let mut tokens = Vec::new();
    for number in 0..CLIENTS {
        tokens.push(client.tokens(&seed::name(u64::from(number) + 1)).await.1);
    }
    let began = Instant::now();
    let end = began + Duration::from_secs(seconds.into());
    let refresh = async |mut token: String| {
        let mut count = 0_u32;
        while Instant::now() < end {
            let body: Value = json!({ "refresh_token": token });
            let answer = client.call("POST", "/api/refresh", "", body).await;
            token = answer.tokens().1;
            count += 1;
        }
        count
    };
    let counts = join_all(tokens.into_iter().map(refresh)).await;
    f64::from(counts.into_iter().sum::<u32>()) / began.elapsed().as_secs_f64()
}
