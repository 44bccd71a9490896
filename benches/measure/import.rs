//! Imports of accounts: rows a second, and whether the memory grows with the rows.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    Rounds, databases,
    server::memory_of,
    table::{Goal, Table},
};

/// How often the memory of the process is read. Its peak only rises, so only the last interval is missed.
const INTERVAL: Duration = Duration::from_millis(20);

pub fn measure(rounds: Rounds, table: &mut Table) {
    let (few, many) = if rounds.short { (100_000, 300_000) } else { (200_000, 1_000_000) };
    let folder = tempfile::tempdir().unwrap();
    let [small, large] = [few, many].map(|rows| folder.path().join(format!("{rows}.csv")));
    write_rows(&small, few);
    write_rows(&large, many);
    for (place, rate_goal) in [(0, 20_000.0), (1, 5_000.0)] {
        // An empty database for each import.
        let database = || databases().nth(place).unwrap();
        let (name, url) = database();
        let (_, small_peak) = import(&small, &url);
        let (time, peak) = import(&large, &database().1);
        let rate = f64::from(many) / time.as_secs_f64();
        table.add(
            format!("import of {many} accounts into {name} from a CSV file"),
            format!("{:.1} s", time.as_secs_f64()),
            "",
            (rate, " /s"),
            Goal::AtLeast(rate_goal),
        );
        table.add(
            format!("peak memory of an import of {many} accounts into {name}; of {few}"),
            format!("{peak:.1} MiB"),
            format!("{small_peak:.1} MiB"),
            (peak / small_peak, ""),
            Goal::AtMost(1.15),
        );
    }
}

/// Writes accounts with hashes of Werkzeug, whose default makes the longest strings of all.
fn write_rows(file: &Path, rows: u32) {
    let mut file = BufWriter::new(File::create(file).unwrap());
    let hash = format!("scrypt:32768:8:1$saltsaltsaltsalt${}", "0".repeat(128));
    writeln!(file, "id,username,email,password,created_at").unwrap();
    for number in 0..rows {
        // Scattered, because the order of a real table is not that of the names.
        let name = number.wrapping_mul(2_654_435_761);
        let row = format!("{number},user{name},user{name}@keepers.example,{hash},2024-02-03 04:05:06");
        writeln!(file, "{row}").unwrap();
    }
    file.flush().unwrap();
}

/// Runs `gatehouse import`. Returns how long it took, and its peak memory in MiB.
fn import(rows: &Path, database_url: &str) -> (Duration, f64) {
    let data = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatehouse"));
    command.arg("import").arg(rows).args(["--from", "csv", "--data-dir"]).arg(data.path());
    if !database_url.is_empty() {
        command.env("GATEHOUSE_DATABASE_URL", database_url);
    }
    let began = Instant::now();
    let mut running = command.stdout(Stdio::null()).spawn().unwrap();
    let mut peak = 0.0;
    let status = loop {
        peak = memory_of(running.id(), "VmHWM").unwrap_or(peak);
        if let Some(status) = running.try_wait().unwrap() {
            break status;
        }
        thread::sleep(INTERVAL);
    };
    assert!(status.success(), "{status}");
    (began.elapsed(), peak)
}
