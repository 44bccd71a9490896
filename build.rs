//! Rebuilds the crate when a migration changes: the migrations are compiled in, and cargo does not track them.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=static");
}
