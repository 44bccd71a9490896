//! Rules that only the source shows: where SQL, random bytes and HTML come from, and how secrets are compared.

use std::{collections::BTreeSet, fs, path::Path};

use crate::layers::modules;

/// Returns the modules that call `function`, and the start of each argument that is no string literal.
fn non_literal_arguments(function: &str) -> Vec<(String, String)> {
    let call = format!("{function}(");
    let mut found = Vec::new();
    for module in modules() {
        for (start, _) in module.code.match_indices(&call) {
            let argument = module.code[start + call.len()..].trim_start();
            if !argument.starts_with('"') && !module.code[..start].ends_with("fn ") {
                let end = argument.find(['(', ')', ',']).unwrap();
                found.push((module.path.clone(), argument[..end].to_owned()));
            }
        }
    }
    found.sort();
    found
}

/// Returns the modules that call a method.
fn callers(method: &str) -> BTreeSet<String> {
    let call = format!(".{method}(");
    modules().into_iter().filter(|module| module.code.contains(&call)).map(|module| module.path).collect()
}

// ASVS 1.2.4. Diesel binds every value of its queries; these functions take SQL as text. Here they get constants, and
// the SQL that Diesel wrote.
#[test]
fn no_query_is_built_from_text() {
    for (function, expected) in [
        // Names of tables and columns cannot be bound; they are quoted, and exist.
        ("sql_query", &[("db/foreign_table", "query"), ("db/foreign_table", "query"), ("db/migrate", "format!")][..]),
        ("batch_execute", &[("db/connection", "&format!"), ("db/connection", "&setting"), ("db/mysql", "query")]),
        (
            "push_sql",
            &[
                ("db/cached", "&sql.finish"),
                ("db/cached", "suffix"),
                ("db/insert_rows", "&sql"),
                ("db/insert_rows", "row"),
            ],
        ),
    ] {
        let found = non_literal_arguments(function);
        let found: Vec<_> = found.iter().map(|(path, argument)| (path.as_str(), argument.as_str())).collect();
        assert_eq!(found, expected, "{function}: a value must be bound, not written into the SQL");
    }
    for module in modules() {
        for untyped in ["dsl::sql", " sql::<", "(sql::<", "SqlLiteral", "raw_sql"] {
            assert!(!module.code.contains(untyped), "src/{}.rs uses {untyped}", module.path);
        }
    }
}

// ASVS 1.2.1. askama escapes the values of a template by the ending of its name.
#[test]
fn no_template_disables_escaping() {
    let mut dirs = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("templates")];
    let mut templates = 0;
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
                continue;
            }
            let name = path.display().to_string();
            let text: String = fs::read_to_string(&path).unwrap().split_whitespace().collect();
            // Configurations of proxies are no HTML. Their values are plain when they are parsed.
            let ending = if dir.ends_with("proxy") { "txt" } else { "html" };
            assert_eq!(path.extension().unwrap(), ending, "{name}: only names that end in .html are escaped as HTML");
            for filter in ["|safe", "|escape", "|e(", "autoescape", "{%filter"] {
                assert!(!text.contains(filter), "{name} uses {filter}");
            }
            templates += 1;
        }
    }
    assert!(templates >= 10, "only {templates} templates were found");
    for module in modules() {
        for (start, attribute) in module.code.match_indices("#[template(") {
            let arguments = module.code[start + attribute.len()..].split(")]").next().unwrap();
            let is_config = module.path == "cli/proxy_config/templates" && arguments.starts_with("path = \"proxy/");
            let ending = if is_config { ".txt\"" } else { ".html\"" };
            assert!(
                arguments.starts_with("path = \"") && arguments.ends_with(ending) && !arguments.contains(','),
                "src/{}.rs: {arguments}",
                module.path
            );
        }
        for escape in ["filters::Safe", "HtmlSafe", "MarkupDisplay"] {
            assert!(!module.code.contains(escape), "src/{}.rs uses {escape}", module.path);
        }
    }
}

// ASVS 11.5.1
#[test]
fn random_bytes_come_only_from_the_cryptographic_generator() {
    for module in modules() {
        let is_source = module.path == "random";
        assert_eq!(module.code.contains("aws_lc_rs::rand"), is_source, "src/{}.rs", module.path);
        for other in ["new_v4", "thread_rng", "rand::rng", "fastrand", "getrandom", "RandomState", "SmallRng"] {
            assert!(!module.code.contains(other), "src/{}.rs uses {other}", module.path);
        }
    }
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let dependencies = manifest.split("\n[dependencies]\n").nth(1).unwrap().split("\n[").next().unwrap();
    for line in dependencies.lines() {
        let name = line.split([' ', '.']).next().unwrap();
        assert!(!["rand", "fastrand", "getrandom", "oorandom", "nanoid"].contains(&name), "{line}");
        assert!(name != "uuid" || !line.contains("\"v4\"") && !line.contains("fast-rng"), "{line}");
    }
}

// ASVS 11.2.4. The comparisons that are left compare nothing secret: a token's header and purpose, names of algorithms,
// and the result of the self-test.
#[test]
fn secrets_are_compared_in_constant_time() {
    let public = [
        ("keys/mod", &["verifier.header.as_bytes() == header", "*byte == b'.'"][..]),
        ("sessions/token", &["claims.typ != TYPE"]),
        ("web/csrf/token", &[]),
        ("web/device_cookie", &["known.account == account", "known.account != account"]),
        ("web/flash", &[]),
        // Two forms of what was typed.
        ("passwords/mod", &["normalized != typed"]),
        (
            "passwords/foreign/mod",
            &["self.preparation == Preparation::None", "output.len() != length", "typed != decomposed.expose_secret()"],
        ),
        (
            "passwords/argon2id",
            &[
                "output == KNOWN_ANSWER",
                "algorithm == Algorithm::Argon2id",
                "version == Version::V0x13",
                "*params == current_params()",
            ],
        ),
    ];
    let modules = modules();
    let code = |path: &str| &modules.iter().find(|module| module.path == path).unwrap().code;
    for (path, comparisons) in public {
        let rest = comparisons.iter().fold(code(path).clone(), |code, comparison| code.replace(comparison, ""));
        for operator in ["==", "!=", ".eq(", ".ne(", ".cmp("] {
            let place = rest.find(operator).map(|start| &rest[start.saturating_sub(40)..]);
            assert_eq!(place.map(|code| code.chars().take(80).collect::<String>()), None, "src/{path}.rs");
        }
    }
    for (path, comparison, times) in
        [("keys/mod", "hmac::verify(", 2), ("passwords/mod", ".ct_eq(", 1), ("passwords/foreign/mod", ".ct_eq(", 1)]
    {
        assert_eq!(code(path).matches(comparison).count(), times, "src/{path}.rs: {comparison}");
    }
}

// ASVS 6.3.4. Each of these functions counts failures; a path around them would have no limits.
#[test]
fn only_listed_use_cases_verify_a_password() {
    let list = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(callers("verify_password"), list(&["accounts/authenticate", "accounts/verify_password"]));
    assert_eq!(
        callers("reauthenticate"),
        list(&["accounts/change_password", "accounts/delete", "accounts/verify_password"])
    );
    assert_eq!(callers("confirm"), list(&["accounts/admin/mod", "accounts/change_profile", "accounts/forget_devices"]));
    // `HashPermit::verify`, `Engine::verify` inside of it, and the signature of a session token.
    assert_eq!(callers("verify"), list(&["accounts/verify_password", "passwords/hasher", "sessions/check"]));
}
