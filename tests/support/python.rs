//! Python with the libraries of applications, which `tests/run` installs.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Returns the path of an installed program; `python` has the libraries.
pub fn installed(name: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-tools/python/bin").join(name);
    assert!(file.exists(), "{name} is not installed: run tests/run");
    file
}

/// Runs a script of `tests/fixtures` with these arguments and returns what it prints.
pub fn run_fixture(script: &str, arguments: &[&str], input: &str) -> String {
    let mut child = Command::new(installed("python"))
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(script))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{script} {arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}
