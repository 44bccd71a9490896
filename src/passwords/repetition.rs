//! Passwords that are one unit repeated, in any script.

use super::canonical::is_separator;

/// The number of texts of the same length and number of different characters, as a power of ten, below which a text is
/// repetitive. The same threshold as that of zxcvbn.
const MIN_TEXTS_LOG10: f64 = 8.0;

/// Whether the canonical `text`, with or without separators, is a unit that occurs at least twice (the last time may be
/// cut off), or has so few different characters that all such texts can be tried.
pub(super) fn is_repetitive(text: &[char]) -> bool {
    let letters: Vec<char> = text.iter().copied().filter(|character| !is_separator(*character)).collect();
    [text, &letters].into_iter().any(|text| repeats_unit(text) || has_few_characters(text))
}

fn repeats_unit(text: &[char]) -> bool {
    text.len() > 1 && 2 * (text.len() - longest_border(text)) <= text.len()
}

/// Returns the length of the longest proper prefix that is also a suffix: the failure function of Knuth, Morris and
/// Pratt. A text of length `n` whose longest border has length `b` has the smallest period `n - b`.
fn longest_border(text: &[char]) -> usize {
    let mut borders = vec![0; text.len()];
    let mut border = 0;
    for (position, character) in text.iter().enumerate().skip(1) {
        while border > 0 && text[border] != *character {
            border = borders[border - 1];
        }
        if text[border] == *character {
            border += 1;
        }
        borders[position] = border;
    }
    border
}

#[allow(clippy::cast_precision_loss, reason = "lengths of at most 256")]
fn has_few_characters(text: &[char]) -> bool {
    let mut characters = text.to_vec();
    characters.sort_unstable();
    characters.dedup();
    // Four characters and fewer, because a short minimum length must not reject random text.
    characters.len() <= 4
        && !text.is_empty()
        && (characters.len() as f64).log10() * (text.len() as f64) < MIN_TEXTS_LOG10
}

#[cfg(test)]
mod tests {

    fn is_repetitive(text: &str) -> bool {
        super::is_repetitive(&text.chars().collect::<Vec<_>>())
    }

    #[test]
    fn repeated_units_are_found_in_any_script_with_separators_and_cut_off() {
        for text in [
            "aa",
            "abab",
            "abcabcab",
            "密码密码密码密",
            "🦀🐙🦀🐙🦀",
            "ab-ab ab_ab",
            "парольпароль",
            "--------",
            "aabbaabb",
        ] {
            assert!(is_repetitive(text), "{text}");
        }
        assert!(!is_repetitive("abcdeabcd"));
        assert!(!is_repetitive("abcdefgh"));
        assert!(!is_repetitive(""));
    }

    #[test]
    fn text_of_few_different_characters_is_repetitive() {
        assert!(is_repetitive("abaabbbabaabbab"));
        assert!(is_repetitive("🦀🐙🦀🦀🐙🐙🦀🐙🐙🐙🦀🦀🐙🦀🦀"));
        assert!(!is_repetitive("abcdeabcadcbead"));
    }
}
