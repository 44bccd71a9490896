//! The cost of Gatehouse compared with a baseline: the same bytes from a bare actix handler, the same hash without a
//! server. One command prints one table; `benches/run` installs the dependencies. Ratios come from interleaved rounds
//! of one run, because machines are noisy and the load generator shares their cores.

#![allow(
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a program for a developer's terminal, which panics with the cause"
)]

mod admin;
mod api;
mod argon2_baseline;
mod baseline;
mod fixture;
mod flood;
mod footprint;
mod forward_auth;
mod growth;
mod import;
mod instructions;
mod long_history;
mod node_argon2;
mod pages;
mod processes;
mod seed;
mod server;
mod sign_in;
#[path = "../../tests/support/mod.rs"]
mod support;
mod table;
mod wrk;

use std::{path::PathBuf, sync::OnceLock};

use clap::{Parser, ValueEnum};

use self::{support::mariadb::Mariadb, table::Table};

/// Measures Gatehouse and its baselines and prints one table.
#[derive(Parser)]
struct Args {
    /// Take a minute instead of most of an hour: fewer rounds, no sections with large databases
    #[arg(long)]
    short: bool,

    /// Sections to measure [default: all]
    sections: Vec<Section>,

    /// In the section `growth`, measure only this database
    #[arg(long, value_parser = ["SQLite", "MariaDB"])]
    database: Option<String>,

    /// Serve the recorded responses in this file (internal: the baseline process)
    #[arg(long, hide = true)]
    baseline: Option<PathBuf>,

    /// Make requests of this kind without a socket (internal: runs in callgrind)
    #[arg(long, hide = true)]
    subject: Option<String>,

    /// Number of requests (internal)
    #[arg(long, hide = true, default_value_t = 0)]
    requests: u32,

    /// Accepted and ignored: `cargo bench` passes it
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Section {
    Pages,
    SignIn,
    Flood,
    Footprint,
    Instructions,
    Processes,
    History,
    Admin,
    Api,
    ForwardAuth,
    Import,
    Growth,
}

/// Number and length of the measurements.
#[derive(Debug, Clone, Copy)]
pub struct Rounds {
    /// Number of interleaved rounds.
    pub count: usize,
    /// Seconds of load for each server in each round.
    pub seconds: u32,
    /// Whether to leave out data that takes minutes to prepare.
    pub short: bool,
}

/// Returns the name and the URL of an empty SQLite database (its URL is empty) and of an empty MariaDB database.
/// MariaDB flushes a commit to disk before it acknowledges it.
pub fn databases() -> impl Iterator<Item = (&'static str, String)> {
    static MARIADB: OnceLock<Mariadb> = OnceLock::new();
    let options = ["--innodb-buffer-pool-size=8G", "--innodb-log-file-size=2G"];
    let mariadb = move || MARIADB.get_or_init(|| Mariadb::with(&options)).database();
    [false, true].into_iter().map(move |server| if server { ("MariaDB", mariadb()) } else { ("SQLite", String::new()) })
}

fn main() {
    let args = Args::parse();
    if let Some(responses) = &args.baseline {
        return baseline::serve(responses);
    }
    if let Some(subject) = &args.subject {
        return instructions::run(subject, args.requests);
    }
    let rounds = if args.short {
        Rounds { count: 2, seconds: 1, short: true }
    } else {
        Rounds { count: 5, seconds: 3, short: false }
    };
    let quick = [Section::Pages, Section::SignIn, Section::Flood, Section::Footprint];
    let selected = |section| {
        args.sections.contains(&section) || args.sections.is_empty() && (!args.short || quick.contains(&section))
    };
    let mut table = Table::default();
    if selected(Section::Pages) {
        pages::measure(rounds, &mut table);
    }
    if selected(Section::SignIn) {
        sign_in::measure(rounds, &mut table);
    }
    if selected(Section::Api) {
        api::measure(rounds, &mut table);
    }
    if selected(Section::ForwardAuth) {
        forward_auth::measure(rounds, &mut table);
    }
    if selected(Section::Flood) {
        flood::measure(rounds, &mut table);
    }
    if selected(Section::Footprint) {
        footprint::measure(rounds, &mut table);
    }
    if selected(Section::Instructions) {
        instructions::measure(&mut table);
    }
    if selected(Section::Processes) {
        processes::measure(rounds, &mut table);
    }
    if selected(Section::History) {
        long_history::measure(rounds, &mut table);
    }
    if selected(Section::Admin) {
        admin::measure(rounds, &mut table);
    }
    if selected(Section::Import) {
        import::measure(rounds, &mut table);
    }
    if selected(Section::Growth) {
        growth::measure(rounds, args.database.as_deref(), &mut table);
    }
    println!("\n{table}");
    if !table.meets_all_goals() {
        eprintln!("Some goals are not met in this run.");
    }
}
