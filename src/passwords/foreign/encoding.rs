//! The encodings of numbers and bytes in hash strings. Strict: each value has one spelling.

use base64::{
    Engine as _,
    alphabet::{self, Alphabet},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};

const UNPADDED: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_encode_padding(false).with_decode_padding_mode(DecodePaddingMode::RequireNone);

/// The base64 of PHC strings: the usual alphabet without padding.
const PHC: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, UNPADDED);

/// The base64 of passlib: a dot for the plus sign, without padding.
const PASSLIB: GeneralPurpose = GeneralPurpose::new(&PASSLIB_ALPHABET, UNPADDED);
const PASSLIB_ALPHABET: Alphabet =
    match Alphabet::new("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./") {
        Ok(alphabet) => alphabet,
        Err(_) => unreachable!(),
    };

/// The base64 of bcrypt. The last character of a salt has four unused bits, which some implementations fill.
const BCRYPT: GeneralPurpose = GeneralPurpose::new(&alphabet::BCRYPT, UNPADDED.with_decode_allow_trailing_bits(true));

/// The alphabet of SHA-crypt.
const CRYPT_ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Parses a decimal number without sign and leading zeros.
pub(super) fn number(text: &str) -> Option<u32> {
    let is_canonical = text == "0" || !text.starts_with('0');
    (is_canonical && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Parses lower-case hexadecimal digits.
pub(super) fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// Returns `bytes` as lower-case hexadecimal digits.
pub(super) fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    digits.map(char::from).collect()
}

/// Parses base64 with padding.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Returns `bytes` as base64 with padding.
pub(super) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Parses the base64 of a PHC string.
pub(super) fn phc_base64(text: &str) -> Option<Vec<u8>> {
    PHC.decode(text).ok()
}

/// Parses the base64 of passlib.
pub(super) fn passlib_base64(text: &str) -> Option<Vec<u8>> {
    PASSLIB.decode(text).ok()
}

/// Parses the base64 of bcrypt.
pub(super) fn bcrypt_base64(text: &str) -> Option<Vec<u8>> {
    BCRYPT.decode(text).ok()
}

/// Parses the output of SHA-crypt with 32 or 64 bytes: three bytes from distant places are four characters, the least
/// significant six bits first (<https://www.akkadia.org/drepper/SHA-crypt.txt>, step 22).
pub(super) fn sha_crypt_output(text: &str, length: usize) -> Option<Vec<u8>> {
    let mut output = vec![0; length];
    let third = length / 3;
    let mut places = [0, third, 2 * third];
    let full_groups = third;
    let (groups, last) = text.as_bytes().split_at_checked(full_groups * 4)?;
    for group in groups.chunks(4) {
        let [.., high, middle, low] = sextets(group)?.to_be_bytes();
        for (place, byte) in places.iter().zip([high, middle, low]) {
            *output.get_mut(*place)? = byte;
        }
        let [first, second, third] = places;
        places = if length == 64 { [second + 1, third + 1, first + 1] } else { [third + 1, first + 1, second + 1] };
    }
    let [high, middle, second, first] = sextets(last)?.to_be_bytes();
    let (is_complete, tail) = if length == 64 {
        (last.len() == 2 && (high, middle, second) == (0, 0, 0), &[first][..])
    } else {
        (last.len() == 3 && (high, middle) == (0, 0), &[first, second][..])
    };
    output[full_groups * 3..].copy_from_slice(tail);
    is_complete.then_some(output)
}

/// Returns the number that at most five characters encode, the least significant six bits first.
fn sextets(text: &[u8]) -> Option<u32> {
    let value = |byte: &u8| CRYPT_ALPHABET.iter().position(|known| known == byte);
    text.iter().rev().try_fold(0_u32, |sum, byte| Some(sum << 6 | u32::try_from(value(byte)?).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_bytes_have_one_spelling() {
        assert_eq!((number("0"), number("4294967295")), (Some(0), Some(u32::MAX)));
        for text in ["", "+1", "-1", "01", " 1", "1 ", "1_0", "4294967296", "٣"] {
            assert_eq!(number(text), None, "{text:?}");
        }
        assert_eq!(hex("00ff10"), Some(vec![0, 255, 16]));
        assert_eq!(to_hex(&[0, 255, 16]), "00ff10");
        for text in ["0", "0F", "0g", "é"] {
            assert_eq!(hex(text), None, "{text:?}");
        }
        assert_eq!(base64("AA"), None, "padding is missing");
        assert_eq!(phc_base64("AA=="), None, "padding is not allowed");
        assert_eq!(passlib_base64("..8"), phc_base64("++8"));
    }

    #[test]
    fn sha_crypt_output_has_all_its_characters() {
        for (length, characters) in [(32, 43), (64, 86)] {
            let text = ".".repeat(characters);
            assert_eq!(sha_crypt_output(&text, length), Some(vec![0; length]));
            for cut in [1, 2, 40] {
                assert_eq!(sha_crypt_output(&text[cut..], length), None, "{length} bytes without {cut} characters");
            }
            assert_eq!(sha_crypt_output(&format!("{text}."), length), None);
        }
    }
}
