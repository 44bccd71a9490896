//! Estimates how many guesses find a password, from its cheapest description as a row of pieces: common passwords and
//! words, walks on keyboards, copies of an earlier part, years, and other characters.
//!
//! Rules generate at the check what a list need not store: pairs of common passwords, years and digits before and after
//! them, substitutions, separators. The costs are tuned so that four words are always accepted and two common ones are
//! not; `tests/app/password_policy.rs` checks both.

use super::{
    canonical::{is_separator, substituted},
    common::{KeyHash, Tier},
    keyboards::{Keyboards, Walk},
};

/// Costs are logarithms: ten times as many guesses cost ten more.
type Cost = usize;

/// A password whose cheapest description costs no more is rejected: two common words with a year, three of the most
/// common passwords, or one with eight random characters; but not four short words.
const MAX_COST: Cost = 94;

/// One of about 10,000 or 100,000 common words and passwords.
const WORD: Cost = 40;
/// One of about 1,000 of the most common passwords.
const TOP: Cost = 30;
/// One of the filter's long entries.
const LONG: Cost = 55;
/// A character that belongs to no piece. Ten digits would be 10; less, so that a common password with eight random
/// letters of another script is rejected.
const CHARACTER: Cost = 8;
/// A digit at the end, with separators in between.
const SUFFIX: Cost = 5;
const MAX_SUFFIX: usize = 3;
/// A separator, and one that occurred before.
const SEPARATOR: Cost = 4;
const SEPARATOR_AGAIN: Cost = 2;
/// A copy of an earlier part: where it begins and how long it is. Words often have three letters in common.
const COPY: Cost = 10;
const MIN_COPY: usize = 4;
/// A year of the last or this century.
const YEAR: Cost = 10;
/// A walk down or up a column of three keys. Cheap enough for `qazwsxedcrfvtgb`.
const COLUMN: Cost = 14;
/// A longer walk, and each change of its direction. Walks that many words contain, such as `were`, are too short.
const WALK: Cost = 12;
const TURN: Cost = 8;
const MIN_STRAIGHT_WALK: usize = 4;
const MIN_WALK: usize = 5;

/// The longest entries that are looked up, in characters.
const MAX_WORD: usize = 16;
const MAX_LONG: usize = 64;
/// The shortest entry of [`Tier::Long`] that is looked up.
const MIN_LONG: usize = 10;

/// The result of the estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guesses {
    /// No description is cheap enough.
    Many,
    /// A few common words and passwords.
    FewWords,
    /// Copies and walks only.
    FewPatterns,
}

/// The cheapest description of the text before a position.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Description {
    cost: Cost,
    /// The characters that belong to no piece.
    unknown: usize,
    /// The characters in words, and those in other pieces.
    words: usize,
    patterns: usize,
}

/// Estimates the guesses for the canonical `text`. `contains` looks a key up in the filter; it is called at most
/// `MAX_LOOKUPS` times for each character of `text`.
pub(super) fn estimate(text: &[char], contains: impl Fn(u64) -> bool) -> Guesses {
    // A text that is spelled out, `p-a-s-s-w-o-r-d`, is read without its separators.
    let separators = text.iter().filter(|character| is_separator(**character)).count();
    let spelled: Vec<char>;
    let text = if 3 * separators > text.len() {
        spelled = text.iter().copied().filter(|character| !is_separator(*character)).collect();
        &spelled
    } else {
        text
    };
    let keyboards = Keyboards::new(text);
    let copies = longest_copies(text);
    let ending = text.iter().rev().take(MAX_SUFFIX);
    let suffix = text.len() - ending.take_while(|last| last.is_ascii_digit() || is_separator(**last)).count();
    let mut best: Vec<Option<Description>> = vec![None; text.len() + 1];
    best[0] = Some(Description::default());
    for start in 0..text.len() {
        // No description of a prefix is cheap: those of the whole text that pass here are not either.
        let Some(before) = best[start].filter(|before| before.cost <= MAX_COST) else { continue };
        let mut offer = |length: usize, cost: Cost, change: fn(&mut Description, usize)| {
            let mut after = Description { cost: before.cost + cost, ..before };
            change(&mut after, length);
            let known = &mut best[start + length];
            *known = Some(known.map_or(after, |known| known.min(after)));
        };
        let character = text[start];
        if is_separator(character) {
            let cost = if text[..start].contains(&character) { SEPARATOR_AGAIN } else { SEPARATOR };
            offer(1, cost, |_, _| {});
        } else if start >= suffix {
            offer(1, SUFFIX, |after, length| after.unknown += length);
        } else {
            offer(1, CHARACTER, |after, length| after.unknown += length);
        }
        for length in MIN_COPY..=copies[start] {
            offer(length, COPY, |after, length| after.patterns += length);
        }
        if is_year(&text[start..]) {
            offer(4, YEAR, |after, length| after.patterns += length);
        }
        for walk in keyboards.walks(start) {
            let cost = match walk {
                Walk { is_column: true, length: 3, turns: 0 } => COLUMN,
                Walk { length: MIN_STRAIGHT_WALK.., turns: 0, .. } => WALK,
                Walk { length: MIN_WALK.., turns, .. } => WALK + TURN * turns,
                _ => continue,
            };
            offer(walk.length, cost, |after, length| after.patterns += length);
        }
        for_each_word(&text[start..], &contains, |length, cost| {
            offer(length, cost, |after, length| after.words += length);
        });
    }
    match best[text.len()] {
        // Random text may contain a short word by chance.
        Some(whole) if whole.cost <= MAX_COST && whole.words + whole.patterns >= whole.unknown => {
            if whole.words > 0 {
                Guesses::FewWords
            } else {
                Guesses::FewPatterns
            }
        }
        _ => Guesses::Many,
    }
}

/// The most look-ups that begin at one character: three readings, in each tier.
#[cfg(test)]
const MAX_LOOKUPS: usize = 3 * (2 * MAX_WORD + MAX_LONG);

/// Calls `found` with the length and the cost of each entry that `text` begins with: as it is, or with substitutions. A
/// separator may be within a long entry only: the words of a passphrase must not join to other words.
fn for_each_word(text: &[char], contains: &impl Fn(u64) -> bool, mut found: impl FnMut(usize, Cost)) {
    // For each reading: the hash, the number of characters in it, and whether it has passed a separator.
    let mut readings = [(KeyHash::EMPTY, 0, false); 3];
    if text.first().is_some_and(|first| is_separator(*first) && substituted(*first).is_none()) {
        return;
    }
    for (position, character) in text.iter().enumerate() {
        let substitutes = substituted(*character);
        let letters = [None, substitutes.map(|[first, _]| first), substitutes.map(|[_, second]| second)];
        for (reading, letter) in readings.iter_mut().zip(letters) {
            if let Some(letter) = letter.or_else(|| (!is_separator(*character)).then_some(*character)) {
                *reading = (reading.0.with(letter), reading.1 + 1, reading.2);
            } else {
                reading.2 = true;
            }
        }
        if readings.iter().all(|reading| reading.1 > MAX_LONG) {
            return;
        }
        for (index, reading) in readings.iter().enumerate() {
            let (hash, length, separated) = *reading;
            let ends_here = !is_separator(*character) || (index > 0 && substitutes.is_some());
            if !ends_here || length == 0 || readings[..index].contains(reading) {
                continue;
            }
            let cost = if !separated && length <= MAX_WORD && contains(hash.key(Tier::Top)) {
                TOP
            } else if !separated && length <= MAX_WORD && contains(hash.key(Tier::Word)) {
                WORD
            } else if (MIN_LONG..=MAX_LONG).contains(&length) && contains(hash.key(Tier::Long)) {
                LONG
            } else {
                continue;
            };
            found(position + 1, cost.min(CHARACTER * length));
        }
    }
}

/// Returns for each position the longest text that begins there and also earlier; both may overlap.
fn longest_copies(text: &[char]) -> Vec<usize> {
    let mut longest = vec![0; text.len()];
    for distance in 1..text.len() {
        let mut length = 0;
        for start in (distance..text.len()).rev() {
            length = if text[start] == text[start - distance] { length + 1 } else { 0 };
            longest[start] = longest[start].max(length);
        }
    }
    longest
}

fn is_year(text: &[char]) -> bool {
    matches!(text, ['1', '9', third, fourth, ..] | ['2', '0', third, fourth, ..]
        if third.is_ascii_digit() && fourth.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::*;
    use crate::passwords::{MAX_LENGTH, canonical::canonical, common::COMMON};

    /// Returns the estimate and the number of look-ups.
    fn estimate(text: &str, contains: impl Fn(u64) -> bool) -> (Guesses, usize) {
        let lookups = Cell::new(0);
        let guesses = super::estimate(&canonical(text), |key| {
            lookups.set(lookups.get() + 1);
            contains(key)
        });
        (guesses, lookups.get())
    }

    fn guesses(text: &str) -> Guesses {
        estimate(text, |key| COMMON.contains(key)).0
    }

    #[test]
    fn years_digits_and_separators_do_not_hide_a_pair_of_words() {
        for text in [
            "sunshinebutterfly",
            "sunshinebutterfly1",
            "Sunshine Butterfly 7",
            "butterfly2024sunflower",
            "1987butterflysunflower",
            "butterfly!sunflower!",
            "8utt3rfly5unfl0w3r",
            "Disco Facebook25",
        ] {
            assert_eq!(guesses(text), Guesses::FewWords, "{text}");
        }
        assert_eq!(guesses("sunshine butterfly chimney"), Guesses::Many);
    }

    #[test]
    fn only_long_entries_may_contain_a_separator() {
        assert_eq!(guesses("pass word sun shine"), Guesses::Many);
        assert_eq!(guesses("passwordsunshine"), Guesses::FewWords);
        assert_eq!(guesses("correct horse battery staple"), Guesses::FewWords);
    }

    #[test]
    fn copies_and_walks_take_few_guesses() {
        for text in ["xkqz9 xkqz9 xkqz9!", "zxkqw1zxkqw2zxkqw3", "qwertyuiop asdfghjkl zxcvbnm", "111222333444555"] {
            assert_eq!(guesses(text), Guesses::FewPatterns, "{text}");
        }
        assert_eq!(guesses("xkqwvzjtrpmb xkqwvzjt"), Guesses::Many);
    }

    #[test]
    fn random_text_with_a_short_word_is_not_common() {
        assert_eq!(guesses("kqzvlove"), Guesses::FewWords);
        assert_eq!(guesses("xkqzvlove"), Guesses::Many);
    }

    // The digits of a description that stays cheap, so that the search goes on to the end.
    #[test]
    fn lookups_are_bounded_for_the_longest_cheap_text() {
        for unit in ["4", "abcdefgh1!", "0o1l"] {
            let text: String = unit.chars().cycle().take(MAX_LENGTH).collect();
            let (_, lookups) = estimate(&text, |_| false);
            assert!(lookups <= MAX_LOOKUPS * MAX_LENGTH, "{lookups}");
        }
    }

    // A description of 13 characters that belong to no piece is too expensive, and nothing begins after it.
    #[test]
    fn search_ends_where_no_description_is_cheap() {
        let (guesses, lookups) =
            estimate(&"xkqzwvjtrpmbnhd".chars().rev().chain('㐀'..'㒀').collect::<String>(), |_| false);
        assert_eq!(guesses, Guesses::Many);
        assert!(lookups <= MAX_LOOKUPS * (MAX_COST / CHARACTER + 1), "{lookups}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn estimate_never_panics_and_its_lookups_are_bounded(text in "[a-c0-4!@ а-вς\\PC]{0,300}", found: bool) {
            let length = canonical(&text).len();
            prop_assert!(estimate(&text, |_| found).1 <= MAX_LOOKUPS * length);
        }
    }
}
