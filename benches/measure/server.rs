//! Processes under load: the release binary of Gatehouse and the baseline.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

/// A running server, stopped when dropped.
pub struct Server {
    child: Child,
    /// `http://127.0.0.1:…`
    pub address: String,
}

impl Server {
    /// Starts Gatehouse with the data of `folder`.
    pub fn gatehouse(folder: &Path, flags: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gatehouse"));
        command.arg("serve").arg("--data-dir").arg(folder).args(flags);
        command.args(["--listen", "127.0.0.1:0"]);
        // Several processes may append to it.
        let log = fs::File::options().create(true).append(true).open(folder.join("log")).unwrap();
        Self::start(command.stderr(log))
    }

    /// Starts the baseline with the responses recorded in a file.
    pub fn baseline(responses: &Path) -> Self {
        Self::start(Command::new(env::current_exe().unwrap()).arg("--baseline").arg(responses))
    }

    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("Listening on ").unwrap_or_else(|| panic!("did not start: {line:?}"));
        Self { address: address.to_owned(), child }
    }

    /// Reads a field of `/proc/…/status` in MiB: `VmRSS` is the resident memory, `VmHWM` its peak.
    pub fn memory(&self, line: &str) -> f64 {
        memory_of(self.child.id(), line).unwrap()
    }
}

/// Reads a field of `/proc/…/status` of a process in MiB. `None` if the process has ended.
pub fn memory_of(process: u32, line: &str) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let found = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'))?;
    Some(found.trim().trim_end_matches(" kB").parse::<f64>().ok()? / 1024.0)
}

impl Drop for Server {
    fn drop(&mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        self.child.wait().unwrap();
    }
}
