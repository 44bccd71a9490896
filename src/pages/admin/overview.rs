//! `/admin`: what happens on the site, in numbers.

use actix_web::HttpResponse;
use askama::Template;

use super::{accounts, url};
use crate::{
    events::DayCount,
    web::{error::Problem, guard::CurrentUser, layout::Layout},
};

/// The path of the page.
pub(crate) const PATH: &str = "/admin";
/// The height of a chart and the width of one day, in units of its own.
const HEIGHT: i64 = 60;
const DAY_WIDTH: usize = 10;

#[derive(Template)]
#[template(path = "admin/overview.html")]
struct OverviewPage {
    layout: Layout,
    accounts: i64,
    sessions: i64,
    /// What the hashing threads do.
    hashing: String,
    /// What the threads of the database do. If it did not answer, there would be no page.
    database: String,
    /// Schemes of password hashes of other systems, with the accounts that have one.
    imported: Vec<(String, u64)>,
    /// The list of these accounts.
    imported_url: String,
    charts: Vec<Chart>,
}

/// A bar chart of one number a day.
struct Chart {
    title: &'static str,
    total: String,
    width: usize,
    bars: Vec<Bar>,
    /// The days, the newest first.
    days: Vec<DayCount>,
}

struct Bar {
    x: usize,
    y: i64,
    height: i64,
}

impl Chart {
    fn new(user: &CurrentUser, title: &'static str, days: &[DayCount]) -> Self {
        let most = days.iter().map(|day| day.number).max().unwrap_or(0).max(1);
        let bar = |(place, day): (usize, &DayCount)| {
            // At least one unit, so that a single event among thousands is seen.
            let height = if day.number == 0 { 0 } else { (day.number * HEIGHT / most).max(1) };
            Bar { x: place * DAY_WIDTH, y: HEIGHT - height, height }
        };
        Self {
            title,
            total: (user.messages().admin.in_days)(days.iter().map(|day| day.number).sum(), days.len()),
            width: days.len() * DAY_WIDTH,
            bars: days.iter().enumerate().map(bar).collect(),
            days: days.iter().rev().copied().collect(),
        }
    }
}

/// `GET /admin`
pub(crate) async fn get(user: CurrentUser) -> Result<HttpResponse, Problem> {
    let (state, texts) = (&user.state, user.messages().admin);
    let statistics = state.statistics.get(&state.core, &state.accounts, &state.sessions).await?;
    let hashing = state.accounts.hashing_queue();
    let pools = state.core.database.pools();
    let running = pools.iter().map(|pool| pool.jobs.running).sum();
    let waiting = pools.iter().map(|pool| pool.jobs.waiting).sum();
    let charts = [
        (texts.sign_ins, &statistics.sign_ins),
        (texts.failures, &statistics.failures),
        (texts.refusals, &statistics.refusals),
    ];
    user.render(&OverviewPage {
        layout: user.layout(),
        accounts: statistics.accounts,
        sessions: statistics.sessions,
        hashing: (texts.jobs)(hashing.running, hashing.waiting),
        database: (texts.jobs)(running, waiting),
        imported: state.accounts.foreign_hash_schemes(),
        imported_url: url(accounts::PATH, &[("hash", accounts::IMPORTED)]),
        charts: charts.map(|(title, days)| Chart::new(&user, title, days)).into(),
    })
}
