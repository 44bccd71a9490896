//! What `gatehouse proxy-config` prints and refuses. That the proxies do as they should with it, `tests/proxies` shows.

use super::Instance;

const PROXIES: [&str; 5] = ["nginx", "caddy", "haproxy", "envoy", "traefik"];
const UPSTREAM: [&str; 2] = ["--upstream", "127.0.0.1:8000"];
const FILES: [&str; 4] = ["--certificate", "/etc/ssl/wiki.pem", "--key", "/etc/ssl/wiki.pem.key"];

/// Returns an instance with an application for https, one for http on this machine, and one for programs.
fn instance() -> Instance {
    let instance = Instance::new();
    assert_eq!(instance.run(&["migrate"]).status, 0);
    // Creates the secret.
    drop(instance.serve());
    for arguments in [
        &["wiki", "--url", "https://wiki.example.org:8443"][..],
        &["local", "--url", "http://local.localhost:8090"],
        &["programs"],
    ] {
        assert_eq!(instance.run(&[&["app", "add"], arguments].concat()).status, 0);
    }
    instance
}

/// Runs `proxy-config` of a server at 0.0.0.0:8080. Returns its exit status, what it prints, and the error.
fn print(instance: &Instance, arguments: &[&str]) -> (i32, String, String) {
    let mut command = instance.command(&[&["proxy-config"], arguments].concat());
    command.env("GATEHOUSE_LISTEN", "0.0.0.0:8080").env("GATEHOUSE_LOG", "error");
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn configuration_names_the_application_its_origin_and_the_address_of_gatehouse() {
    let instance = instance();
    for proxy in PROXIES {
        let (status, printed, _) = print(&instance, &[&[proxy, "wiki"], &UPSTREAM[..], &FILES].concat());
        assert_eq!(status, 0, "{proxy}");
        for part in ["wiki.example.org", "8443", "8000", "8080", "127.0.0.1", "/etc/ssl/wiki.pem", "doctor --app wiki"]
        {
            assert!(printed.contains(part), "{proxy} lacks {part}: {printed}");
        }
        assert!(!printed.contains("0.0.0.0"), "{proxy}: {printed}");
        let lines: Vec<_> =
            printed.lines().map(str::trim).filter(|line| line.starts_with("# --- for an existing")).collect();
        let begins = lines.iter().step_by(2).all(|line| line.ends_with(": begin ---"));
        let ends = lines.iter().skip(1).step_by(2).all(|line| line.ends_with(": end ---"));
        assert!(begins && ends && !lines.is_empty() && lines.len() % 2 == 0, "{proxy}: {lines:?}");
    }
    let (status, printed, _) = print(&instance, &["haproxy", "wiki", "--lua"]);
    assert_eq!((status, printed.contains("http://127.0.0.1:8080/verify/wiki/")), (0, true), "{printed}");
}

#[test]
fn origin_that_only_this_machine_can_reach_is_served_only_there() {
    let instance = instance();
    for (proxy, listen) in [
        ("nginx", "listen 127.0.0.1:8090;"),
        ("caddy", "bind 127.0.0.1"),
        ("haproxy", "bind 127.0.0.1:8090"),
        ("envoy", "address: \"127.0.0.1\", port_value: 8090"),
        ("traefik", ".address=127.0.0.1:8090"),
    ] {
        let (_, printed, _) = print(&instance, &[&[proxy, "local"], &UPSTREAM[..]].concat());
        assert!(printed.contains(listen), "{printed}");
    }
}

#[test]
fn certificate_is_required_for_https_except_by_proxies_that_obtain_one() {
    let instance = instance();
    for proxy in PROXIES {
        let obtains = ["caddy", "traefik"].contains(&proxy);
        let (status, _, error) = print(&instance, &[&[proxy, "wiki"], &UPSTREAM[..]].concat());
        assert_eq!(status, if obtains { 0 } else { 2 }, "{proxy}: {error}");
        assert!(obtains || error.contains("is needed, with --key"), "{error}");
        let (status, _, error) = print(&instance, &[&[proxy, "local"], &UPSTREAM[..], &FILES].concat());
        assert!(status == 2 && error.contains("has no use"), "{proxy}: {error}");
    }
    let elsewhere = ["--certificate", "/etc/ssl/wiki.pem", "--key", "/etc/ssl/private/wiki.key"];
    let (status, _, error) = print(&instance, &[&["haproxy", "wiki"], &UPSTREAM[..], &elsewhere].concat());
    assert!(status == 2 && error.contains("HAProxy looks for the key nowhere else"), "{error}");
}

#[test]
fn wrong_usage_exits_with_2() {
    let instance = instance();
    for arguments in [
        &["apache", "wiki", "--upstream", "127.0.0.1:80"][..],
        &["caddy", "wiki"],
        &["caddy", "wiki", "--upstream", "127.0.0.1"],
        &["caddy", "wiki", "--upstream", "127.0.0.1:80;}"],
        &["caddy", "wiki", "--upstream", "http://127.0.0.1:80"],
        &["caddy", "wiki", "--upstream", "127.0.0.1:80", "--certificate", "/a.pem"],
        &["caddy", "wiki", "--upstream", "127.0.0.1:80", "--certificate", "a.pem", "--key", "/a.key"],
        &["caddy", "wiki", "--upstream", "127.0.0.1:80", "--certificate", "/a;b.pem", "--key", "/a.key"],
        &["caddy", "wiki", "--upstream", "127.0.0.1:80", "--certificate", "/a.pem", "--key", "/a\nb.key"],
        &["caddy", "wiki", "--lua"],
        &["caddy", "Wiki", "--upstream", "127.0.0.1:80"],
    ] {
        let (status, printed, error) = print(&instance, arguments);
        assert_eq!((status, printed.as_str()), (2, ""), "{arguments:?}: {error}");
    }
    let outcome = instance.run(&["proxy-config", "caddy", "local", "--upstream", "127.0.0.1:80"]);
    assert!(outcome.status == 2 && outcome.stderr.contains("GATEHOUSE_LISTEN"), "the port is picked: {outcome:?}");
}

#[test]
fn application_without_an_origin_and_unknown_application_exit_with_1() {
    let instance = instance();
    for (id, expected) in [("programs", "gatehouse app set programs --url"), ("nowhere", "no application")] {
        let (status, printed, error) = print(&instance, &[&["caddy", id], &UPSTREAM[..]].concat());
        assert_eq!((status, printed.as_str()), (1, ""), "{id}");
        assert!(error.to_lowercase().contains(expected), "{error}");
    }
}
