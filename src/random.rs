//! Cryptographically secure random bytes.

/// Returns `N` random bytes from the generator of AWS-LC, which the operating system seeds.
///
/// # Panics
/// Panics if the generator fails. No secret, salt or session id can be made then.
#[must_use]
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the random generator works");
    bytes
}
