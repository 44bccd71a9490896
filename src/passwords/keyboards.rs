//! Keyboard layouts and alphabets, to find passwords that follow them.

/// A key's place in a layout: its row and its column.
type Key = Option<(i8, i8)>;

/// The places of a character, one for each layout.
type Keys = [Key; LAYOUTS.len()];

/// A walk: neighbouring keys, or neighbouring letters of an alphabet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Walk {
    /// The number of characters.
    pub(super) length: usize,
    /// How often the direction changes. Two directions in turn, as in `1q2w3e4r`, count as one change.
    pub(super) turns: usize,
    /// Whether the last key is two rows from the first one.
    pub(super) is_column: bool,
}

/// The longest walk that is followed from one character. Longer ones are found as several.
const MAX_WALK: usize = 32;

/// The rows of each layout, in canonical characters. A row is shifted to the right of the row above by half a key. A
/// space stands for a key whose character is on another key as well, or for two characters. An alphabet has one row.
const LAYOUTS: [&[&str]; 35] = [
    // Latin: QWERTY, with the shifted digits, QWERTZ, AZERTY, Dvorak, Colemak.
    &["1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./"],
    &["!@#$%^&*()_+", "qwertyuiop{}", "asdfghjkl:\"", "zxcvbnm<>?"],
    &["1234567890", "qwertzuiop", "asdfghjkl", "yxcvbnm,.-"],
    &["1234567890", "azertyuiop", "qsdfghjklm", "wxcvbn"],
    &["1234567890[]", "',.pyfgcrl/=", "aoeuidhtns-", ";qjkxbmwvz"],
    &["1234567890-=", "qwfpgjluy;[]", "arstdhneio'", "zxcvbkm,./"],
    // The keypad.
    &["789", "456", "123", "0"],
    // Cyrillic: Russian, Ukrainian, Bulgarian (phonetic), Serbian.
    &["1234567890-=", "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю."],
    &["1234567890-=", "йцукенгшщзхї", "фівапролджє", "ячсмитьбю."],
    &["1234567890-=", "явертъуиопшщ", "асдфгхйкл", "зьцжбнм"],
    &["1234567890", "љњертзуиопшђ", "асдфгхјклчћ", "ѕџцвбнм"],
    // Greek, Hebrew, Arabic, Persian, Japanese kana, Chinese zhuyin.
    &["1234567890-=", "; ερτυθιοπ[]", "ασδφγηξκλ", "ζχψωβνμ"],
    &["1234567890-=", "/'קראטוןםפ", "שדגכעיחלךף", "זסבהנמצתץ"],
    &["1234567890-=", "ضصثقفغعهخحجد", "شسيبلاتنمكط", "ئءؤر ىةوزظ"],
    &["1234567890-=", "ضصثقفغعهخحجچ", "شسیبلاتنمکگ", "ظطزرذدپو"],
    &["ぬふあうえおやゆよわほへ", "たていすかんなにらせ", "ちとしはきくまのりれけむ", "つさそひこみもねるめろ"],
    &["ㄅㄉ  ㄓ  ㄚㄞㄢㄦ", "ㄆㄊㄍㄐㄔㄗㄧㄛㄟㄣ", "ㄇㄋㄎㄑㄕㄘㄨㄜㄠㄤ", "ㄈㄌㄏㄒㄖㄙㄩㄝㄡㄥ"],
    // Alphabets whose order is not that of the code points.
    &["абвгдеёжзийклмнопрстуфхцчшщъыьэюя"],
    &["αβγδεζηθικλμνξοπρστυφχψω"],
    &["אבגדהוזחטיכלמנסעפצקרשת"],
    &["ابتثجحخدذرزسشصضطظعغفقكلمنهوي"],
    &["ابجدهوزحطيكلمنسعفصقرشتثخذضظغ"],
    &["あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをん"],
    &["アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲン"],
    &["いろはにほへとちりぬるをわかよたれそつねならむうゐのおくやまけふこえてあさきゆめみしゑひもせす"],
    &["가나다라마바사아자차카타파하"],
    &["零一二三四五六七八九十百千万"],
    &["甲乙丙丁戊己庚辛壬癸"],
    &["子丑寅卯辰巳午未申酉戌亥"],
    &["天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏"],
    &["กขฃคฅฆงจฉชซฌญฎฏฐฑฒณดตถทธนบปผฝพฟภมยรลวศษสหฬอฮ"],
    // Emoji as keyboards of phones show them.
    &["😀😃😄😁😆😅🤣😂🙂🙃😉😊😇🥰😍🤩😘😗"],
    &["😀😁😂🤣😃😄😅😆😉😊😋😎😍😘🥰😗😙😚"],
    &["🐶🐱🐭🐹🐰🦊🐻🐼🐨🐯🦁🐮🐷🐸🐵"],
    &["❤🧡💛💚💙💜🖤🤍🤎💔"],
];

/// The keys of a text.
pub(super) struct Keyboards {
    characters: Vec<char>,
    keys: Vec<Keys>,
}

impl Keyboards {
    /// Finds the keys of the canonical `text`.
    pub(super) fn new(text: &[char]) -> Self {
        Self { characters: text.to_vec(), keys: text.iter().map(|character| keys(*character)).collect() }
    }

    /// Returns the walks of at least three characters that begin at `start`, of each length.
    pub(super) fn walks(&self, start: usize) -> Vec<Walk> {
        let mut walks = Vec::new();
        for layout in 0..LAYOUTS.len() {
            let step = |position: usize| {
                let (row, column) = self.keys[position][layout]?;
                let (next_row, next_column) = self.keys.get(position + 1)?[layout]?;
                let step = (next_row - row, next_column - column);
                is_neighbour(step).then_some(step)
            };
            let row = |position: usize| self.keys.get(position)?[layout].map(|(row, _)| row);
            let is_column = row(start).zip(row(start + 2)).is_some_and(|(first, last)| (first - last).abs() == 2);
            walks.extend(follow(start, step).map(|walk| Walk { is_column, ..walk }));
        }
        let code_point = |position: usize| i64::from(u32::from(self.characters[position]));
        let difference = |position: usize| {
            let difference = (position + 1 < self.characters.len())
                .then(|| code_point(position + 1) - code_point(position))
                .filter(|difference| (1..=3).contains(&difference.abs()))?;
            (position == start || difference == code_point(start + 1) - code_point(start)).then_some(difference)
        };
        walks.extend(follow(start, difference));
        walks
    }
}

/// Returns the walks along `step`, which returns the direction from a position to the next one, if they are neighbours.
fn follow<D: PartialEq>(start: usize, step: impl Fn(usize) -> Option<D>) -> impl Iterator<Item = Walk> {
    let (mut turns, mut before, mut last) = (0, None, None);
    let lengths = (2..=MAX_WALK).map_while(move |length| {
        let direction = step(start + length - 2)?;
        if last.is_some() && last.as_ref() != Some(&direction) && before.as_ref() != Some(&direction) {
            turns += 1;
        }
        before = last.replace(direction);
        Some(Walk { length, turns, is_column: false })
    });
    lengths.filter(|walk| walk.length >= 3)
}

fn is_neighbour(step: (i8, i8)) -> bool {
    matches!(step, (0, -1..=1) | (-1, 0 | 1) | (1, -1 | 0))
}

fn keys(character: char) -> Keys {
    let mut keys = [None; LAYOUTS.len()];
    if character == ' ' {
        return keys;
    }
    for (key, rows) in keys.iter_mut().zip(LAYOUTS) {
        *key = rows.iter().enumerate().find_map(|(row, text)| {
            let column = text.chars().position(|other| other == character)?;
            Some((i8::try_from(row).ok()?, i8::try_from(column).ok()?))
        });
    }
    keys
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::passwords::canonical::canonical;

    /// Returns the turns of the walk over all of `text`.
    fn turns(text: &str) -> Option<usize> {
        let text = canonical(text);
        let walks = Keyboards::new(&text).walks(0);
        walks.into_iter().filter(|walk| walk.length == text.len()).map(|walk| walk.turns).min()
    }

    #[test]
    fn layouts_have_canonical_characters_once() {
        for rows in LAYOUTS {
            let all: Vec<char> = rows.concat().chars().filter(|character| *character != ' ').collect();
            let once: BTreeSet<char> = all.iter().copied().collect();
            assert_eq!(all.len(), once.len(), "{rows:?}");
            for row in rows {
                assert_eq!(canonical(row), row.chars().collect::<Vec<_>>(), "{row}");
            }
        }
    }

    #[test]
    fn walks_are_found_on_keyboards_of_many_scripts() {
        for text in ["qwertyuiop", "йцукенгшщз", "фывапролдж", "ςερτυθιοπ", "ضصثقفغعهخ", "קראטוןםפ", "たていすかんなに"]
        {
            assert!(turns(text).is_some_and(|turns| turns <= 1), "{text}");
        }
        assert_eq!(turns("1q2w3e4r5t6y"), Some(1));
        assert_eq!(turns("!@#$%^&*()"), Some(0));
        assert_eq!(turns("zaq1"), Some(0));
        assert_eq!(turns("qazp"), None);
    }

    #[test]
    fn walks_are_found_in_alphabets() {
        for text in [
            "abcdefgh",
            "hgfedcba",
            "абвгдеёжз",
            "αβγδεζηθικλμνξοπρστ",
            "אבגדה",
            "ابتثجحخ",
            "あいうえおかき",
            "가나다라마바",
            "一二三四五六",
            "acegik",
            "🦀🦁🦂🦃",
        ] {
            assert_eq!(turns(text), Some(0), "{text}");
        }
    }
}
