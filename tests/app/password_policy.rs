//! The policy for new passwords: what it refuses in any script and spelling, and what it must not refuse.

use std::collections::BTreeSet;

use gatehouse::passwords::{Password, PersonalTerms, Policy, Weakness};

fn check(text: &str) -> Result<(), Weakness> {
    let terms = PersonalTerms {
        username: "zoe.castle".to_owned(),
        email: "zoe@keepers.example".to_owned(),
        site: "Gatehouse".to_owned(),
    };
    Policy { min_length: 15 }.check(&Password::parse(text).unwrap(), &terms)
}

// ASVS 6.2.12
#[test]
fn well_known_phrases_are_rejected_in_every_spelling() {
    for text in [
        "correct horse battery staple",
        "CorrectHorseBatteryStaple",
        "correct-horse-battery-staple",
        "correct_horse_battery_staple!",
        "Correct.Horse.Battery.Staple",
        "correcthorsebatterystaple1",
        "c0rrect horse battery staple",
        "C0rr3ct H0rs3 B4tt3ry St4pl3",
        "сorrect hоrse bаttery stаple",
        "ｃｏｒｒｅｃｔ horse battery staple",
        "Tr0ub4dor&3 2024!",
        "thequickbrownfoxjumps",
        "The quick brown fox jumps over the lazy dog.",
        "brown fox jumps over the lazy dog",
        "To be, or not to be",
        "may the force be with you",
        "MayTheForceBeWithYou2024",
        "Lorem ipsum dolor sit amet",
        "supercalifragilisticexpialidocious",
        "aku cinta kamu selamanya",
        "PadaSuatuHari123",
        "satu dua tiga empat lima",
        "ini kata sandi saya",
        "съешь ещё этих мягких французских булок",
        "быть или не быть!",
        "Я тебя очень люблю",
        "بسم الله الرحمن الرحيم",
        "床前明月光疑是地上霜举头望明月",
        "吾輩は猫である。名前はまだ無い。",
        "3.14159265358979",
    ] {
        assert_eq!(check(text), Err(Weakness::Common), "{text}");
    }
}

#[test]
fn common_passwords_are_rejected_with_padding_of_any_script() {
    for text in [
        "passwordжщшфъыэю",
        "жщшфъыэюpassword",
        "passwordпарольпа",
        "passwordяяяяяяяя",
        "password12031987",
        "Password123456789",
        "administrator2024!",
        "passwordpassword2024!",
        "Passw0rd!Passw0rt?",
        "qazwsxedcrfvtgb",
        "sunshine-butterfly1",
        "dragonmonkeymaster",
        "jakartaindonesia2024",
        "p-a-s-s-w-o-r-d-1-2-3",
        "раsswоrdmonkey24",
        "ПарольПривет2024",
        "пароль12345678901",
        "αγαπηκωδικος2024",
        "密码password我爱你123",
        "비밀번호 사랑해 2024 1234",
    ] {
        assert_eq!(check(text), Err(Weakness::Common), "{text}");
    }
}

// These stand in published lists of breached passwords. No other rule finds them.
#[test]
fn long_passwords_of_breaches_are_rejected() {
    for text in ["bunnymenandecho", "Disco Facebook25", "painofsalvation", "senhasecreta123", "AloneInTheBorder"] {
        assert_eq!(check(text), Err(Weakness::Common), "{text}");
    }
}

#[test]
fn repetition_is_rejected_in_any_script_and_length() {
    for text in [
        "ééééééééééééééééé",
        "парольпарольпароль",
        "йцукенйцукенйцукен",
        "Tr0ub4dor&3Tr0ub4dor&3",
        "密码密码密码密码密码密码密码密码",
        "πσλ πσλ πσλ πσλ πσ",
        "قطقطقطقطقطقطقطقط",
        "x9Kq#mWx9Kq#mWx9Kq",
        "mvkqhztwlr mvkqhztwlr",
        "aabbabaabbbabaab",
        "19871987198719871",
        "жщшэюжщшэюжщшэюц",
        "               \t ",
    ] {
        assert_eq!(check(text), Err(Weakness::Pattern), "{text}");
    }
    for unit in ["🦀", "🦀🐙", "x9Kq#mW"] {
        for length in [15, 16, 64, 128, 256] {
            let text: String = unit.chars().cycle().take(length).collect();
            assert_eq!(check(&text), Err(Weakness::Pattern), "{text}");
        }
    }
}

#[test]
fn keyboard_walks_and_alphabets_are_rejected_in_any_script() {
    for text in [
        "1q2w3e4r5t6y7u8i9o",
        "1qaz2wsx3edc4rfv5tgb",
        "qazedcwsxrfvtgb",
        "qwertyuiop1234567890",
        "!@#$%^&*()_+!@#",
        "qwertzuiopasdfghjkl",
        "йцукенгшщзхъфывапролджэ",
        "1й2ц3у4к5е6н7г8ш",
        ";ςερτυθιοπασδφγηξκλ",
        "ضصثقفغعهخحجدشسيبلاتنمك",
        "/'קראטוןםפשדגכעיחלך",
        "たていすかんなにらせちとしはきくま",
        "abcdefghijklmno",
        "zyxwvutsrqponml",
        "абвгдежзийклмно",
        "αβγδεζηθικλμνξο",
        "אבגדהוזחטיכלמנסע",
        "ابتثجحخدذرزسشصض",
        "あいうえおかきくけこさしすせそ",
        "가나다라마바사아자차카타파하가",
        "一二三四五六七八九十一二三四五六",
        "कखगघङचछजझञटठडढण",
        "🦀🦁🦂🦃🦄🦅🦆🦇🦈🦉🦊🦋🦌🦍🦎",
        "😀😃😄😁😆😅🤣😂🙂🙃😉😊😇🥰😍",
        "1234567890abcdef",
    ] {
        assert_eq!(check(text), Err(Weakness::Pattern), "{text}");
    }
}

#[test]
fn sentences_and_random_text_are_accepted_in_any_script() {
    for text in [
        "a quiet wall with one lit door",
        "purple elephant dancing slowly",
        "kucing terbang makan sepatu",
        "Kopi tubruk dingin di teras rumah nenek",
        "почему бы и нет, спросила она",
        "η θάλασσα κοιμάται κάτω από το φως",
        "قطة نائمة على سقف أزرق",
        "門番小屋の静かな壁と一つの灯り",
        "어제 밤에 고양이가 책상 위에서 춤을 췄다",
        "gV7#kq2!Lm9@xZ4p",
        "aB3$kL9!mN2@pQ7&",
        "6f1c9a2e-84b7-4d30",
        "835104729461053",
        "xkqzwvjtrpmbnhd",
        "🦊🌵🎷🧊🚲🍋🪁🐢🔔🥁🏔🧵🍄🚀🪑",
    ] {
        assert_eq!(check(text), Ok(()), "{text}");
    }
}

const ENGLISH: &str = "\
    apple arrow attic autumn bacon badge ball bamboo banana barn basket beach bean bear beard bell bench bird \
    bitter blanket blue boat bone book bottle bowl brave bread brick bridge broom brother brown bucket butter \
    button cabin cake camel candle canoe carbon carpet carrot castle cat chair chalk cheese cherry chicken \
    circle clay clean clock cloud coal coat coffee coin cold copper corn cotton cousin cow crow cup curtain \
    dance dark deer desert desk dinner dirt doctor dog door dream dress drum duck dust eagle early ear earth \
    easy egg elbow empty engine evening eye family farmer fast feather fence field finger fire fish flag floor \
    flower fly fog forest fork fox fresh frog fruit garden garlic gate gentle giant ginger glass glove goat gold \
    goose grass gravel gray green guitar hammer hand harbor hat hay heavy hill honey horn house hungry ice \
    island ivory jacket jar juice jungle kettle key kitchen kite knee knife ladder lake lamp lazy leaf leather \
    lemon letter light lion lizard lock loud lunch map maple marble market meadow melon milk mirror monkey moon \
    morning moss mountain mouse mud music nail napkin narrow needle nephew nest night noodle north nose nut oak \
    ocean olive onion open orange oven owl paint paper parrot pasta path peach pear pencil pepper piano pig \
    pillow pine pipe plate plow pocket pond potato purple quick quiet rabbit rain red ribbon rice river road \
    robin rocket roof rope rose round sail salt sand scarf school sea seed sheep shelf ship shirt shoe silk \
    silver simple sister sky sleep slow smoke snail snow soap sock soft soup south spider spoon spring square \
    stable star steam stone storm stove straw street sugar summer sun swan sweet table tailor tall tea tent \
    thunder ticket tiger timber tooth towel tower train tree truck tulip turtle uncle valley velvet village \
    violin wagon wall walnut warm water west wheat wheel whistle white wide wind window winter wolf wood wool \
    yellow young zebra";

const INDONESIAN: &str = "\
    abu air akar alat alis angin anggrek angsa apel api asam awan ayah ayam badai bagus baju bakso bambu bantal \
    barat basah batu batik bawang bayam bebek becak belalang benang bensin beras besi besar biru bola botol buah \
    buaya buku bulan bunga burung busur cabai cangkir cantik capung cendol cepat cermin coklat cuaca cumi dahan \
    dapur darat daun delima desa dinding dingin domba duku durian ekor elang emas ember enam ember gajah galah \
    garam gelas gelap gendang gerbang gereja gigi gitar gula gunung guru gurita hangat harimau hijau hitam hujan \
    hutan ibu ikan intan jagung jahe jalan jamur jaring jembatan jendela jeruk kabut kacang kadal kain kaki \
    kaleng kamar kambing kandang kapal kapas kayu kebun kecil kelapa kelinci keju keong kepala kera keranjang \
    kering kertas kicau kijang kilat kipas kodok kolam kopi kotak kuda kue kuku kulit kumbang kuning kunci kura \
    kursi ladang lampu langit lantai laut layang lebah leher lemari lidah lilin lima lonceng lumpur madu makan \
    malam mangga manis mata meja melati merah merpati mimpi minyak monyet mobil muda musim naga nanas nasi \
    nelayan nenek ombak obat otak padi pagar pagi pahit paku panas panci pandan pantai papan pasar pasir payung \
    pedang pelangi pelita peluit pensil perahu perak petani piring pisang pisau pita pohon pulau putih rajin \
    rambut rantai rawa rebung roda roti rotan rumah rumput rusa sabun salju sambal sandal sapi sapu sarung sawah \
    sayap sayur sekolah semangka semut sendok sepatu sepeda siang siput sirup soto subuh sungai surat susu tahu \
    talas tali taman tanah tangan tari tas teh telinga telur tembok tempe tenda tepung terong tikar tikus timur \
    tinta tiram topi tua tujuh udang ular ungu utara wajan wangi warung wayang zaitun";

/// Returns `count` passphrases of at least 15 characters: four different words, drawn with a linear congruential
/// generator, the same ones at every run.
fn passphrases(words: &str, separator: &str, count: usize) -> BTreeSet<String> {
    let words: Vec<&str> = words.split_whitespace().collect();
    let mut state = 20_261_124_u64;
    let mut passphrases = BTreeSet::new();
    while passphrases.len() < count {
        let mut drawn = BTreeSet::new();
        let mut passphrase = Vec::new();
        while passphrase.len() < 4 {
            // Knuth's MMIX constants; the high bits are the random ones.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let word = words[usize::try_from(state >> 33).unwrap() % words.len()];
            if drawn.insert(word) {
                passphrase.push(word);
            }
        }
        let passphrase = passphrase.join(separator);
        if passphrase.len() >= 15 {
            passphrases.insert(passphrase);
        }
    }
    passphrases
}

fn rejected(words: &str, separator: &str) -> Vec<(String, Weakness)> {
    let passphrases = passphrases(words, separator, 1000);
    passphrases.into_iter().filter_map(|text| check(&text).err().map(|weakness| (text, weakness))).collect()
}

#[test]
fn four_unrelated_english_words_are_accepted() {
    assert_eq!(rejected(ENGLISH, " "), []);
    assert_eq!(rejected(ENGLISH, "-"), []);
    assert_eq!(rejected(ENGLISH, ""), []);
}

#[test]
fn four_unrelated_indonesian_words_are_accepted() {
    assert_eq!(rejected(INDONESIAN, " "), []);
    assert_eq!(rejected(INDONESIAN, "-"), []);
    assert_eq!(rejected(INDONESIAN, ""), []);
}
