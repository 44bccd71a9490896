//! The filter of common passwords, words and phrases, built by `tools/common-passwords/build`.
//!
//! A binary fuse filter with fingerprints of 32 bits (`xorf`): 4.7 bytes for an entry, and one false positive in 2³²
//! look-ups of other texts. It stays in the read-only data of the binary, so it takes neither time at the start nor
//! heap.

use std::{collections::BTreeMap, fmt, sync::LazyLock};

use xorf::{BinaryFuse32, BinaryFuse32Ref, DmaSerializable, Filter as _, FilterRef};

use super::canonical::{canonical, is_separator};

/// How common an entry is. The number is part of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// One of the few hundred most common passwords.
    Top = 1,
    /// A common password, word or name.
    Word = 2,
    /// A long password from a breach, or a phrase that many people know. May contain separators.
    Long = 3,
}

/// The length from which an entry counts as long: the default minimum length of a password.
pub const LONG_ENTRY: usize = 15;

/// The filter's file. `xorf` reads the fingerprints in place, as `u32`.
static FILE: &Aligned<[u8]> = &Aligned(*include_bytes!("../../tools/common-passwords/common.filter"));

#[repr(C, align(4))]
struct Aligned<T: ?Sized>(T);

/// The magic number, the numbers of all entries and of long entries, and the descriptor of `xorf`; all little-endian.
const HEADER: usize = 12 + BinaryFuse32::DESCRIPTOR_LEN;

/// "GCP" and the version of the format and of the key.
const MAGIC: [u8; 4] = *b"GCP1";

#[cfg(target_endian = "big")]
compile_error!("xorf reads the fingerprints of tools/common-passwords/common.filter in the byte order of the machine");

/// The filter of common passwords.
pub(super) struct CommonPasswords {
    filter: BinaryFuse32Ref<'static>,
}

/// The filter in the binary.
pub(super) static COMMON: LazyLock<CommonPasswords> =
    LazyLock::new(|| CommonPasswords { filter: BinaryFuse32Ref::from_dma(&FILE.0[12..HEADER], &FILE.0[HEADER..]) });

impl CommonPasswords {
    /// Whether the filter contains the entry with `key`.
    pub(super) fn contains(&self, key: u64) -> bool {
        self.filter.contains(&key)
    }
}

/// The hash of a text to which characters can be added: FNV-1a with 64 bits over UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyHash(u64);

impl KeyHash {
    pub(super) const EMPTY: Self = Self(0xcbf2_9ce4_8422_2325);

    #[must_use]
    pub(super) fn with(self, character: char) -> Self {
        let mut bytes = [0; 4];
        Self(character.encode_utf8(&mut bytes).bytes().fold(self.0, fnv1a))
    }

    /// Returns the key of the text so far in `tier`.
    pub(super) fn key(self, tier: Tier) -> u64 {
        fnv1a(self.0, tier as u8)
    }
}

fn fnv1a(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
}

/// Returns the canonical characters of an entry, without separators.
#[must_use]
pub fn entry_form(text: &str) -> String {
    canonical(text).into_iter().filter(|character| !is_separator(*character)).collect()
}

/// The filter could not be constructed.
#[derive(Debug)]
pub struct BuildFailed(&'static str);

impl fmt::Display for BuildFailed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

impl std::error::Error for BuildFailed {}

/// Returns the bytes of the filter's file for `entries`, each in the form of [`entry_form`]. The same entries give the
/// same bytes.
pub fn encode(entries: &BTreeMap<String, Tier>) -> Result<Vec<u8>, BuildFailed> {
    let mut keys: Vec<u64> =
        entries.iter().map(|(text, tier)| text.chars().fold(KeyHash::EMPTY, KeyHash::with).key(*tier)).collect();
    keys.sort_unstable();
    keys.dedup();
    let filter = BinaryFuse32::try_from(&keys).map_err(BuildFailed)?;
    let long = entries.keys().filter(|text| text.chars().count() >= LONG_ENTRY).count();
    let mut file = MAGIC.to_vec();
    for count in [entries.len(), long] {
        file.extend(u32::try_from(count).map_err(|_| BuildFailed("too many entries"))?.to_le_bytes());
    }
    file.resize(HEADER, 0);
    filter.dma_copy_descriptor_to(&mut file[12..]);
    file.extend(filter.dma_fingerprints());
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str, tier: Tier) -> u64 {
        text.chars().fold(KeyHash::EMPTY, KeyHash::with).key(tier)
    }

    fn header(number: usize) -> usize {
        let bytes = FILE.0[4 * number..][..4].try_into().unwrap();
        u32::from_le_bytes(bytes).try_into().unwrap()
    }

    #[test]
    fn filter_has_100_000_long_entries_in_less_than_a_million_bytes() {
        assert_eq!(FILE.0[..4], MAGIC);
        assert!(FILE.0.len() < 1_000_000);
        let (all, long) = (header(1), header(2));
        assert!(long >= 100_000 && long < all, "{long} of {all}");
        // A binary fuse filter of this size needs at least 1.125 fingerprints for each entry.
        let fingerprints = COMMON.filter.len();
        assert!(8 * fingerprints >= 9 * all && 10 * fingerprints < 12 * all, "{fingerprints} for {all}");
    }

    #[test]
    fn filter_has_no_false_positive_in_a_million_lookups() {
        for number in 0..1_000_000_u32 {
            assert!(!COMMON.contains(key(&format!("not in any list {number}"), Tier::Word)), "{number}");
        }
    }

    #[test]
    fn filter_contains_entries_of_each_tier() {
        for (text, tier) in [
            ("password", Tier::Top),
            ("пароль", Tier::Top),
            ("butterfly", Tier::Word),
            ("matahari", Tier::Word),
            ("correcthorsebatterystaple", Tier::Long),
            ("bunnymenandecho", Tier::Long),
        ] {
            assert!(COMMON.contains(key(text, tier)), "{text}");
        }
    }

    #[test]
    fn encoded_filter_contains_its_entries_and_is_reproducible() {
        let entries: BTreeMap<String, Tier> =
            ["abcd", "почему бы и нет", "a long entry of many words"].map(|text| (entry_form(text), Tier::Long)).into();
        let file = encode(&entries).unwrap();
        assert_eq!(file, encode(&entries).unwrap());
        assert_eq!(file[..12], [*b"GCP1", [3, 0, 0, 0], [1, 0, 0, 0]].concat());
    }
}
