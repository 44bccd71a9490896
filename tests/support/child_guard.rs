//! A program that lives no longer than the test process, however that ends: a shell waits for the end of its standard
//! input, which is a pipe that only the test process holds, then stops the program.

use std::{
    ffi::OsStr,
    fs::File,
    path::Path,
    process::{Child, Command, Stdio},
};

const RUN: &str = r#"
trap '' INT TERM HUP
(trap - INT TERM HUP; exec "$@" </dev/null) &
read -r _
kill $! 2>/dev/null
wait $!
"#;
const SWEEP: &str = r#"
trap '' INT TERM HUP
read -r _
for try in 1 2 3 4 5 6 7 8 9 10; do rm -rf "$1" && break; sleep 0.2; done
"#;

/// A running program.
pub struct ChildGuard(Child);

impl ChildGuard {
    /// Removes `folder` when the test process is gone.
    pub fn cleanup(folder: &Path) -> Self {
        let child = Command::new("sh")
            .args(["-c", SWEEP, "sh"])
            .arg(folder)
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// Starts `program`; what it says goes to `log`.
    pub fn start(program: &Path, arguments: &[impl AsRef<OsStr>], log: File) -> Self {
        let child = Command::new("sh")
            .args(["-c", RUN, "sh"])
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Self(child)
    }

    /// Stops the program and waits until it is gone.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for ChildGuard {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
