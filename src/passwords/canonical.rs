//! The canonical form of a password for the search in dictionaries and on keyboards: spellings that a person sees as
//! the same text become equal.

use unicode_normalization::{UnicodeNormalization, char::decompose_canonical};

use super::MAX_LENGTH;

/// Returns `text` in Unicode normalization form KC and lower case, without invisible characters and without the
/// diacritics of Latin and Greek letters. At most [`MAX_LENGTH`] characters: form KC expands one character into up to
/// 18 (UAX #15), and the search takes time for each.
pub(super) fn canonical(text: &str) -> Vec<char> {
    text.nfkc()
        .flat_map(char::to_lowercase)
        .filter(|character| !is_ignored(*character))
        .map(base_letter)
        .take(MAX_LENGTH)
        .collect()
}

/// Whether `character` separates words: a space or punctuation.
pub(super) fn is_separator(character: char) -> bool {
    character.is_whitespace()
        || character.is_ascii_punctuation()
        || matches!(character, '\u{a1}'..='\u{bf}' | '\u{2010}'..='\u{205e}' | '\u{3000}'..='\u{303f}')
}

/// The letters that `character` stands for in a substitution such as `p@ssw0rd`, most usual first. The Cyrillic letters
/// are those that look like Latin ones.
pub(super) fn substituted(character: char) -> Option<[char; 2]> {
    Some(match character {
        '0' | 'о' => ['o', 'o'],
        '1' | '|' => ['i', 'l'],
        '!' | 'і' => ['i', 'i'],
        '2' => ['z', 'z'],
        '3' | '€' | 'е' => ['e', 'e'],
        '4' | '@' | 'а' => ['a', 'a'],
        '5' | '$' => ['s', 's'],
        '6' => ['g', 'b'],
        '7' | '+' => ['t', 't'],
        '8' => ['b', 'b'],
        '9' => ['g', 'g'],
        '(' | 'с' => ['c', 'c'],
        'р' => ['p', 'p'],
        'х' => ['x', 'x'],
        'у' => ['y', 'y'],
        _ => return None,
    })
}

/// Zero-width characters, variation selectors, combining diacritics, and the vowel signs of Arabic.
fn is_ignored(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{300}'..='\u{36f}'
            | '\u{64b}'..='\u{65f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2060}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
    )
}

/// Returns a Latin or Greek letter without its diacritics, and a final sigma as a sigma. Other scripts keep theirs:
/// `й` is not `и`, and has a key of its own.
fn base_letter(character: char) -> char {
    let mut base = character;
    let mut first = true;
    decompose_canonical(character, |part| {
        if first && (part.is_ascii_alphabetic() || matches!(part, 'α'..='ω')) {
            base = part;
        }
        first = false;
    });
    if base == 'ς' { 'σ' } else { base }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> String {
        canonical(text).into_iter().collect()
    }

    #[test]
    fn canonical_form_ignores_case_width_diacritics_and_invisible_characters() {
        assert_eq!(form("ＰａssWÖRD"), "password");
        assert_eq!(form("pa\u{200b}ss\u{ad}word\u{fe0f}"), "password");
        assert_eq!(form("Σοφός"), "σοφοσ");
        assert_eq!(form("Йод"), "йод");
        assert_eq!(form("ﬃ"), "ffi");
    }

    #[test]
    fn canonical_form_is_bounded() {
        assert_eq!(canonical(&"\u{fdfa}".repeat(256)).len(), MAX_LENGTH);
    }
}
