//! Migrations are built into the binary; cargo cannot see that by itself.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
