//! Parses any text as a password hash of another system. What is accepted has to be accepted again as it is stored.

#![no_main]

use gatehouse::passwords::foreign::{Adopted, Adoption, Dialect, PasswordHash, Weak, to_django};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = PasswordHash::parse(text);
    for dialect in [None, Some(Dialect::Werkzeug), Some(Dialect::Django)] {
        for weak in [Weak::Refuse, Weak::Reset, Weak::Wrap] {
            let adoption = Adoption { dialect, weak, ..Adoption::default() };
            if let Ok(Adopted::Hash(stored)) = adoption.adopt(text) {
                PasswordHash::parse(&stored).expect("an adopted hash is valid");
                if let Some(django) = to_django(&stored) {
                    PasswordHash::parse(&django).expect("Django's form of a hash is valid");
                }
            }
        }
    }
});
