//! What Gatehouse costs, beside the floor: the same bytes from a bare actix handler, the same hash without a server around
//! it. One command, one table; `benches/run` installs what it needs. Ratios are within one run, in interleaved rounds,
//! because machines are noisy and the load shares their cores.

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
    reason = "a program for a developer's terminal, which gives up with what is wrong"
)]

mod flood;
mod floor;
mod footprint;
mod growth;
mod house;
mod instructions;
mod pages;
mod past;
mod peer;
mod processes;
mod raw;
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

/// Measures Gatehouse beside the floor and prints one table.
#[derive(Parser)]
struct Line {
    /// A minute instead of most of an hour: fewer rounds, and nothing that takes minutes to prepare
    #[arg(long)]
    short: bool,

    /// What to measure [default: everything]
    sections: Vec<Section>,

    /// Grow only this database
    #[arg(long, value_parser = ["SQLite", "MariaDB"])]
    database: Option<String>,

    /// Serve as the floor: the answers of this file from a bare handler
    #[arg(long, hide = true)]
    floor: Option<PathBuf>,

    /// Make requests without a socket, to be counted
    #[arg(long, hide = true)]
    subject: Option<String>,

    /// How many
    #[arg(long, hide = true, default_value_t = 0)]
    requests: u32,

    /// What cargo says to every benchmark
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
    Past,
    Growth,
}

/// How much time there is.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Interleaved rounds.
    pub rounds: usize,
    /// Of load, for each contestant in each round.
    pub seconds: u32,
    /// Whether to leave out what takes minutes to prepare.
    pub short: bool,
}

/// Both, each by its name and the URL of an empty one. MariaDB as one would run it: what it says is written is on disk.
pub fn databases() -> impl Iterator<Item = (&'static str, String)> {
    static MARIADB: OnceLock<Mariadb> = OnceLock::new();
    let options = ["--innodb-buffer-pool-size=8G", "--innodb-log-file-size=2G"];
    let mariadb = move || MARIADB.get_or_init(|| Mariadb::with(&options)).database();
    [false, true].into_iter().map(move |server| if server { ("MariaDB", mariadb()) } else { ("SQLite", String::new()) })
}

fn main() {
    let line = Line::parse();
    if let Some(answers) = &line.floor {
        return floor::serve(answers);
    }
    if let Some(subject) = &line.subject {
        return instructions::run(subject, line.requests);
    }
    let effort = if line.short {
        Effort { rounds: 2, seconds: 1, short: true }
    } else {
        Effort { rounds: 5, seconds: 3, short: false }
    };
    let quick = [Section::Pages, Section::SignIn, Section::Flood, Section::Footprint];
    let wanted = |section| {
        line.sections.contains(&section) || line.sections.is_empty() && (!line.short || quick.contains(&section))
    };
    let mut table = Table::default();
    if wanted(Section::Pages) {
        pages::measure(effort, &mut table);
    }
    if wanted(Section::SignIn) {
        sign_in::measure(effort, &mut table);
    }
    if wanted(Section::Flood) {
        flood::measure(effort, &mut table);
    }
    if wanted(Section::Footprint) {
        footprint::measure(effort, &mut table);
    }
    if wanted(Section::Instructions) {
        instructions::measure(&mut table);
    }
    if wanted(Section::Processes) {
        processes::measure(effort, &mut table);
    }
    if wanted(Section::Past) {
        past::measure(effort, &mut table);
    }
    if wanted(Section::Growth) {
        growth::measure(effort, line.database.as_deref(), &mut table);
    }
    println!("\n{table}");
    if !table.holds() {
        eprintln!("Some goals are not met in this run.");
    }
}
