//! The baseline for sign-ins: argon2id alone, with the crate and the parameters of the server.

use std::hint::black_box;

use argon2_rust::{
    Algorithm, Argon2, Params, Version,
    params::{Memory, TagLen},
};

/// Returns a function that computes one hash per call and reuses its memory.
pub fn hasher() -> impl FnMut() {
    let params = Params::builder().memory(Memory::kib(19_456)).passes(2).lanes(1).threads(1).tag_len(TagLen::bytes(32));
    let mut argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.build().unwrap()).hasher();
    move || {
        let mut output = [0; 32];
        let password = black_box(b"a quiet wall with one lit door");
        argon2.hash_into(password, b"salt of 16 bytes", &mut output).unwrap();
        black_box(output);
    }
}
