//! Unguessable values, straight from the operating system.

/// `N` random bytes.
///
/// # Panics
/// When the operating system has no random numbers to give; then nothing here could be done safely.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random numbers");
    bytes
}
