//! Rules for `Cargo.toml`.

use std::{fs, path::Path};

// Diesel's third-party-backend feature may change in any minor release (its name says so), and argon2-rust is reviewed
// before each update.
#[test]
fn dependencies_outside_semver_are_pinned() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let requirement = |name: &str| {
        let (_, rest) = manifest
            .split_once(&format!("\n{name} = "))
            .or_else(|| manifest.split_once(&format!("\n[dependencies.{name}]\n")))
            .unwrap_or_else(|| panic!("{name} is no dependency"));
        rest.split_once("version = \"").unwrap().1.split('"').next().unwrap().to_owned()
    };
    assert!(manifest.contains("i-implement-a-third-party-backend-and-opt-into-breaking-changes"));
    assert!(requirement("diesel").starts_with('~'), "{}", requirement("diesel"));
    assert!(requirement("argon2-rust").starts_with('='), "{}", requirement("argon2-rust"));
}
