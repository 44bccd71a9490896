//! The fastest argon2id package for Node, measured alone: the upper bound for sign-ins of a Node application.

use std::{path::Path, process::Command};

const SCRIPT: &str = r"
const { hash } = require('@node-rs/argon2');
const options = { algorithm: 2, memoryCost: 19456, timeCost: 2, parallelism: 1, outputLen: 32 };
const end = Date.now() + Number(process.argv[1]) * 1000;
let hashes = 0;
const worker = async () => {
  while (Date.now() < end) { await hash('a quiet wall with one lit door', options); hashes += 1; }
};
const began = process.hrtime.bigint();
Promise.all(Array.from({ length: 8 }, worker))
  .then(() => console.log(hashes / (Number(process.hrtime.bigint() - began) / 1e9)));
";

/// Measures the hashes per second of `@node-rs/argon2` with the server's parameters, eight at a time.
pub fn hashes_per_second(seconds: u32) -> f64 {
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench-tools/node_modules");
    assert!(modules.join("@node-rs/argon2").exists(), "@node-rs/argon2 is missing; benches/run installs it");
    let output =
        Command::new("node").env("NODE_PATH", modules).args(["-e", SCRIPT, &seconds.to_string()]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().unwrap_or_else(|_| panic!("{output:?}"))
}
