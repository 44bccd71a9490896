//! The languages of the pages.

use clap::ValueEnum;
use serde::Deserialize;
use strum::{EnumString, IntoStaticStr, VariantArray};

/// A language that pages are written in. Stored and sent by its code (BCP 47).
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray, ValueEnum, Deserialize)]
pub enum Language {
    /// English
    #[strum(serialize = "en")]
    #[serde(rename = "en")]
    #[value(name = "en")]
    English,
    /// Indonesian
    #[strum(serialize = "id")]
    #[serde(rename = "id")]
    #[value(name = "id")]
    Indonesian,
}

impl Language {
    /// Returns the code, such as `en`.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.into()
    }

    /// Returns the language with this primary subtag of a language tag, such as the `en` of `en-GB`, in any case.
    #[must_use]
    pub fn from_primary_subtag(subtag: &str) -> Option<Self> {
        // The code of Indonesian before 1989, which old Java programs and Android releases send.
        let subtag = if subtag.eq_ignore_ascii_case("in") { "id" } else { subtag };
        Self::VARIANTS.iter().copied().find(|language| subtag.eq_ignore_ascii_case(language.code()))
    }
}
