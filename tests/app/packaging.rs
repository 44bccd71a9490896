//! Rules for the packages and the operator's guide. `packaging/test-deb` installs the Debian package.

use std::{
    collections::BTreeSet,
    fs,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram},
    },
    path::Path,
    process::Command,
    time::Duration,
};

use crate::command_line::{Running, gatehouse, temp_dir};

/// Returns the names of settings in a text.
fn settings(text: &str) -> BTreeSet<&str> {
    text.split(|letter: char| !letter.is_ascii_uppercase() && letter != '_')
        .filter(|word| word.starts_with("GATEHOUSE_"))
        .collect()
}

#[test]
fn packages_and_guide_name_only_existing_settings() {
    let help = Command::new(env!("CARGO_BIN_EXE_gatehouse")).args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let existing = settings(&help);
    for file in
        ["packaging/debian/gatehouse.env", "packaging/debian/gatehouse.service", "Dockerfile", "docs/operating.md"]
    {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        let named = settings(&text);
        assert!(!named.is_empty(), "{file}");
        assert_eq!(named.difference(&existing).collect::<Vec<_>>(), Vec::<&&str>::new(), "{file}");
    }
}

#[test]
fn new_installation_starts_with_the_defaults() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/debian/gatehouse.env");
    for line in fs::read_to_string(path).unwrap().lines() {
        let is_setting = line.starts_with("#GATEHOUSE_") && line.contains('=');
        assert!(is_setting || line.is_empty() || line == "#" || line.starts_with("# "), "{line}");
    }
}

// So that the link is in the journal when `systemctl restart` returns.
#[test]
fn server_tells_systemd_that_it_has_started_after_it_has_printed_the_set_up_link() {
    let dir = temp_dir();
    let path = dir.path().join("notify").display().to_string();
    let abstract_name = format!("@{path}");
    for name in [&path, &abstract_name] {
        let address = match name.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name),
            None => SocketAddr::from_pathname(name),
        };
        let socket = UnixDatagram::bind_addr(&address.unwrap()).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let running = Running::start(gatehouse(dir.path()).env("NOTIFY_SOCKET", name));
        let mut message = [0; 64];
        let length = socket.recv(&mut message).unwrap();
        assert_eq!(&message[..length], b"READY=1", "{name}");
        assert!(running.next_line().starts_with("Create the first administrator: "), "{name}");
    }
}
