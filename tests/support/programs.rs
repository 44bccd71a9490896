//! Other programs that tests start.

use std::{
    env,
    net::TcpListener,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
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

/// Returns a port that is free and that this process gives out once. Below the ports that the system gives to sockets
/// without one: another test could get such a port before the program is started that is to listen on it.
pub fn free_port() -> u16 {
    const PORTS: std::ops::Range<u32> = 12_000..32_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Other test binaries and clones of the repository begin elsewhere.
    let first = std::process::id().wrapping_mul(997);
    loop {
        let number = first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % (PORTS.end - PORTS.start);
        let port = u16::try_from(PORTS.start + number).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
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
