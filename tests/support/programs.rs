//! Other programs that tests start.

use std::{
    env,
    net::TcpListener,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

/// Returns the path of an installed program. Panics with the package to install if there is none.
pub fn program(names: &[&str], package: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let dirs: Vec<_> = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]).collect();
    names
        .iter()
        .flat_map(|name| dirs.iter().map(move |dir| dir.join(name)))
        .find(|file| file.exists())
        .unwrap_or_else(|| panic!("{} is not installed: run tests/run, or apt-get install {package}", names[0]))
}

/// Returns a port on which nothing listens, for a server that has to know its port before it starts.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Polls until `poll` returns a value. Panics with `condition` after `timeout`.
pub fn wait_until<T>(condition: &str, timeout: Duration, mut poll: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = poll() {
            return value;
        }
        assert!(started.elapsed() < timeout, "timed out after {timeout:?}: {condition}");
        thread::sleep(Duration::from_millis(20));
    }
}
