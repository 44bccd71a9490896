//! Forward authentication: the question of a reverse proxy for a person whose session was read a moment ago, compared
//! with the baseline, and how long it takes when the machine has nothing else to do.

use std::time::Duration;

use gatehouse::{
    apps::{AppChange, Change},
    client::Client,
    sessions::{Browser, TokenStatus},
};

use crate::{
    Rounds,
    fixture::Fixture,
    pages::compare,
    table::{Goal, Table, median},
    wrk::{self, Request},
};

/// Questions at once when there is little to do.
const CALM: u32 = 2;
const GOAL_P99: Duration = Duration::from_millis(1);

pub fn measure(rounds: Rounds, table: &mut Table) {
    let fixture = Fixture::empty("");
    fixture.fill(1);
    let session = fixture.create_sessions(1..=1).remove(0);
    let cookie = session_at_app(&fixture, &session);
    let gatehouse = fixture.serve(&[]);
    for (name, path, goal) in
        [("`/verify`", "/verify/wiki/any/page", 0.80), ("`/subrequest`", "/subrequest/wiki/any", 0.80)]
    {
        let request = Request::get(path, Some(&cookie));
        compare(name, (&fixture, &gatehouse), &[request], goal, rounds, table);
    }
    let request = [Request::get("/verify/wiki/any/page", Some(&cookie))];
    let results: Vec<_> =
        (0..rounds.count).map(|_| wrk::run(&gatehouse.address, &request, CALM, rounds.seconds)).collect();
    assert!(results.iter().all(|result| result.failures == 0), "failed requests");
    let millis = |times: Vec<Duration>| median(times.iter().map(|time| time.as_secs_f64() * 1e3).collect());
    let p50 = millis(results.iter().map(|result| result.p50).collect());
    let p99 = millis(results.iter().map(|result| result.p99).collect());
    table.add(
        format!("p99 of `/verify`, {CALM} at once; p50"),
        format!("{p99:.2} ms"),
        format!("{p50:.2} ms"),
        (p99, " ms"),
        Goal::AtMost(GOAL_P99.as_secs_f64() * 1e3),
    );
}

/// Adds the application `wiki` and returns the `Cookie` header there of the owner of a session.
fn session_at_app(fixture: &Fixture, session: &str) -> String {
    let token = session.split_once('=').unwrap().1.to_owned();
    fixture.with_app(async move |state| {
        let (wiki, client) = ("wiki".parse::<gatehouse::apps::AppId>().unwrap(), Client::local());
        let url = Change::Set("http://wiki.localhost".parse().unwrap());
        let change = AppChange { url, ..AppChange::default() };
        state.apps.add(wiki.clone(), change, &client).await.unwrap();
        let TokenStatus::Active(session) = state.sessions.check(token.as_bytes(), &client).await.unwrap() else {
            panic!("the session is active");
        };
        let browser = Browser::of_cookie(b"a browser");
        let code = state.sessions.make_code(&session, wiki.clone(), browser, &client).await.unwrap();
        let cookie = state.sessions.redeem_code(&code, wiki, browser, &client).await.unwrap();
        format!("gate={}", cookie.expect("the code is good"))
    })
}
