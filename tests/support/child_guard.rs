//! Child processes that stop when the test process ends, even if it is killed: a shell waits for the end of its
//! standard input, a pipe that only the test process holds open, and then stops the child.

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
const CLEAN_UP: &str = r#"
trap '' INT TERM HUP
read -r _
for attempt in 1 2 3 4 5 6 7 8 9 10; do rm -rf "$1" && break; sleep 0.2; done
"#;

/// A running child process. Dropping it stops the process and waits for its end.
pub struct ChildGuard(Child);

impl ChildGuard {
    /// Removes `dir` when this guard is dropped or the test process ends.
    pub fn cleanup(dir: &Path) -> Self {
        let child = Command::new("sh")
            .args(["-c", CLEAN_UP, "sh"])
            .arg(dir)
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// Starts `program` with its output redirected to `log`.
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

    /// Stops the program and waits for its end.
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
