//! Load from `wrk`: a number of connections, each of which sends its next request when it has the response to the last.

use std::{
    fmt::Write as _,
    fs,
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use crate::support::program;

/// A request. `wrk` adds `Host`.
#[derive(Debug, Clone, Default)]
pub struct Request {
    pub method: &'static str,
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Request {
    pub fn get(path: &str, cookie: Option<&str>) -> Self {
        let headers = cookie.map(|cookie| ("cookie", cookie.to_owned())).into_iter().collect();
        Self { method: "GET", path: path.to_owned(), headers, body: String::new() }
    }
}

/// The result of one run.
#[derive(Debug, Clone, Copy)]
pub struct LoadResult {
    pub per_second: f64,
    pub p50: Duration,
    pub p99: Duration,
    /// Average size of a response with its headers.
    pub bytes: f64,
    /// Responses with status 400 and above, and failed connections.
    pub failures: u64,
}

const SCRIPT: &str = r#"
local requests, index = {}, 0
local threads = 0
function setup(thread) thread:set("number", threads) threads = threads + 1 end
function init()
  for line in io.lines("LIST") do
    local method, path, headers, body = line:match("^([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)$")
    local map = {}
    for name, value in headers:gmatch("([^\1]*)\1([^\1]*)\1") do map[name] = value end
    requests[#requests + 1] = wrk.format(method, path, map, body)
  end
  index = FIRST + math.floor(#requests * number / THREADS)
end
function request()
  index = index % #requests + 1
  return requests[index]
end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d %d\n", summary.requests, summary.duration, summary.bytes,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"#;

/// Sends `requests` in turn over `connections`. Each call starts at another request: `wrk` aborts the requests in
/// flight at the end, an aborted sign-in counts as a failure, and these failures should not hit the same accounts each
/// time.
pub fn run(address: &str, requests: &[Request], connections: u32, seconds: u32) -> LoadResult {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let offset = CALLS.fetch_add(1, Ordering::Relaxed) as f64 * 0.618_034;
    let first = (offset.fract() * requests.len() as f64) as usize;
    let threads = 2.min(connections);
    let folder = tempfile::tempdir().unwrap();
    let (list, script) = (folder.path().join("list"), folder.path().join("script.lua"));
    let mut lines = String::new();
    for Request { method, path, headers, body } in requests {
        let headers: String = headers.iter().fold(String::new(), |mut all, (name, value)| {
            write!(all, "{name}\u{1}{value}\u{1}").unwrap();
            all
        });
        writeln!(lines, "{method}\t{path}\t{headers}\t{body}").unwrap();
    }
    fs::write(&list, lines).unwrap();
    fs::write(
        &script,
        SCRIPT
            .replace("LIST", &list.display().to_string())
            .replace("FIRST", &first.to_string())
            .replace("THREADS", &threads.to_string()),
    )
    .unwrap();
    let output = Command::new(program(&["wrk"], "wrk"))
        .args([format!("-t{threads}"), format!("-c{connections}"), format!("-d{seconds}s"), "--timeout=30s".to_owned()])
        .arg("-s")
        .arg(&script)
        .arg(address)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let result = text.lines().find_map(|line| line.strip_prefix("RESULT ")).unwrap_or_else(|| panic!("{output:?}"));
    let figures: Vec<f64> = result.split(' ').map(|figure| figure.parse().unwrap()).collect();
    let [responses, duration, bytes, failures, p50, p99] = figures[..] else { panic!("{result}") };
    LoadResult {
        per_second: responses / duration * 1e6,
        p50: Duration::from_micros(p50 as u64),
        p99: Duration::from_micros(p99 as u64),
        bytes: bytes / responses,
        failures: failures as u64,
    }
}
