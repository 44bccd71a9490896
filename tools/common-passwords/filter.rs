//! Writes the filter of common passwords from the lines of `collect.py` on standard input.

#![allow(clippy::print_stderr, reason = "a command reports there")]

use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, BufRead as _},
    process::ExitCode,
};

use gatehouse::passwords::common::{LONG_ENTRY, Tier, encode, entry_form};

/// Bounds the file to less than a million bytes.
const MAX_ENTRIES: usize = 210_000;

/// The lengths of entries, in characters of their form. The policy looks up no others.
const WORD_LENGTHS: std::ops::RangeInclusive<usize> = 4..=16;
const PHRASE_LENGTHS: std::ops::RangeInclusive<usize> = 10..=64;

fn main() -> ExitCode {
    match run() {
        Ok(summary) => {
            eprintln!("{summary}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("common-passwords: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<String, Box<dyn std::error::Error>> {
    let path = env::args().nth(1).ok_or("usage: common-passwords FILE < LINES")?;
    let mut entries = BTreeMap::new();
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (tier, text) = line.split_once('\t').ok_or("a line has no tab")?;
        match tier {
            "phrase" => add_phrase(text, &mut entries),
            "top" => add_word(text, Tier::Top, &mut entries),
            "word" => add_word(text, Tier::Word, &mut entries),
            "long" => add_long(text, &mut entries),
            _ => return Err(format!("{tier} is no tier").into()),
        }
        if entries.len() == MAX_ENTRIES {
            break;
        }
    }
    let file = encode(&entries)?;
    fs::write(&path, &file)?;
    let long = entries.keys().filter(|text| text.chars().count() >= LONG_ENTRY).count();
    Ok(format!("{path}: {} entries, {long} of {LONG_ENTRY} and more characters, {} bytes", entries.len(), file.len()))
}

/// Adds the first three and more words of a phrase, and any four and more words in a row. Of a phrase without spaces in
/// a script that does not need them, adds each beginning.
fn add_phrase(text: &str, entries: &mut BTreeMap<String, Tier>) {
    if !text.is_ascii() && !text.contains(' ') {
        let form: Vec<char> = entry_form(text).chars().collect();
        for length in *PHRASE_LENGTHS.start()..=form.len().min(*PHRASE_LENGTHS.end()) {
            entries.entry(form[..length].iter().collect()).or_insert(Tier::Long);
        }
    }
    let words: Vec<String> = text.split_whitespace().map(entry_form).collect();
    for start in 0..words.len() {
        for end in start + 1..=words.len() {
            let whole = start == 0 && end == words.len();
            if whole || end - start >= if start == 0 { 3 } else { 4 } {
                let part = words[start..end].concat();
                if PHRASE_LENGTHS.contains(&part.chars().count()) {
                    entries.entry(part).or_insert(Tier::Long);
                }
            }
        }
    }
}

/// Adds a password or word. Digits at its ends are left out: the policy adds them.
fn add_word(text: &str, tier: Tier, entries: &mut BTreeMap<String, Tier>) {
    let form = entry_form(text);
    let core = form.trim_matches(|character: char| character.is_ascii_digit());
    let min = if form.is_ascii() { *WORD_LENGTHS.start() } else { 2 };
    let is_word = |text: &str| (min..=*WORD_LENGTHS.end()).contains(&text.chars().count());
    let word = if is_word(core) { core } else { &form };
    if is_word(word) && !word.chars().all(|character| character.is_ascii_digit()) {
        entries.entry(word.to_owned()).or_insert(tier);
    }
}

/// Adds a long password, unless the policy finds it as a pair of shorter entries or as a repetition.
fn add_long(text: &str, entries: &mut BTreeMap<String, Tier>) {
    let form = entry_form(text);
    let core = form.trim_matches(|character: char| character.is_ascii_digit());
    let word = if core.chars().count() >= LONG_ENTRY { core } else { &form };
    if !(LONG_ENTRY..=*PHRASE_LENGTHS.end()).contains(&word.chars().count()) {
        return;
    }
    let is_known = |part: &str| part.is_empty() || entries.get(part).is_some_and(|tier| *tier != Tier::Long);
    let is_pair = core.char_indices().any(|(at, _)| is_known(&core[..at]) && is_known(&core[at..]));
    if !is_pair && !word.chars().all(|character| character.is_ascii_digit()) {
        entries.entry(word.to_owned()).or_insert(Tier::Long);
    }
}
