//! Makes an account of a row of text.

use std::{collections::HashMap, str::FromStr};

use time::{
    OffsetDateTime, PrimitiveDateTime, UtcOffset, format_description::BorrowedFormatItem,
    format_description::well_known::Rfc3339, macros::format_description,
};

use super::record::{Field, Record, parse_flag};
use crate::{
    accounts::{Email, EmailError, Username, UsernameError},
    clock::Timestamp,
    identity::Role,
    passwords::foreign::{Adopted, Adoption, HashError},
};

/// The longest id of another application, in characters.
const MAX_LEGACY_ID: usize = 64;
/// A number of seconds since 1970 is smaller, a number of milliseconds is larger: the year 5138, or 1973.
const MAX_SECONDS: f64 = 1e11;
/// What Python, Django and MySQL write.
const DATE_TIME: &[BorrowedFormatItem<'_>] =
    format_description!(version = 2, "[year]-[month]-[day] [hour]:[minute]:[second][optional [.[subsecond]]]");

/// Why a row is refused. For the report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// There is no user name.
    #[error("there is no user name")]
    UsernameMissing,
    /// The user name is not valid here.
    #[error(
        "the user name is not valid: 3 to 32 letters a to z, digits, dots, hyphens and underscores, the first one a \
         letter or digit"
    )]
    Username,
    /// Another account has the user name, or had it until recently.
    #[error("another account has this user name; see --rename")]
    UsernameTaken,
    /// The e-mail address is not valid.
    #[error("the e-mail address is not valid")]
    Email,
    /// Another account has the e-mail address.
    #[error("another account has this e-mail address")]
    EmailTaken,
    /// The password hash is not accepted.
    #[error("{0}")]
    Hash(HashError),
    /// A field does not say yes or no.
    #[error("is_active is neither true nor false")]
    Flag,
    /// A field is no time.
    #[error("{0} is not a time")]
    Time(&'static str),
    /// The id is too long.
    #[error("the id has more than {MAX_LEGACY_ID} characters")]
    LegacyId,
}

/// An account that another application has.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub(super) line: u64,
    pub(super) typed_name: String,
    pub(super) username: Username,
    pub(super) email: Option<Email>,
    pub(super) password: Adopted,
    pub(super) is_active: bool,
    pub(super) created_at: Option<Timestamp>,
    pub(super) last_login: Option<Timestamp>,
    pub(super) roles: Vec<Role>,
    pub(super) legacy_id: Option<String>,
}

/// How rows are read.
#[derive(Debug, Clone, Default)]
pub struct Parser {
    /// How password hashes are read.
    pub adoption: Adoption,
    /// The roles that come in, by their name in the other application. No other role does.
    pub roles: HashMap<String, Role>,
    /// Whether a row without a user name gets the part of its e-mail address before the @.
    pub name_from_email: bool,
}

impl Parser {
    pub(super) fn parse(&self, record: &Record) -> Result<Candidate, RowError> {
        if let Some(error) = &record.error {
            return Err(RowError::Unreadable(error.clone()));
        }
        let email = match Email::parse(record.get(Field::Email)) {
            Ok(email) => Some(email),
            Err(EmailError::Missing) => None,
            Err(EmailError::TooLong | EmailError::Malformed) => return Err(RowError::Email),
        };
        let mut typed_name = record.get(Field::Username).to_owned();
        if let (true, true, Some(email)) = (typed_name.is_empty(), self.name_from_email, &email) {
            email.as_str().split('@').next().unwrap_or_default().clone_into(&mut typed_name);
        }
        let username = Username::parse(&typed_name).map_err(|error| match error {
            UsernameError::Missing => RowError::UsernameMissing,
            UsernameError::Length | UsernameError::FirstCharacter | UsernameError::Character => RowError::Username,
        })?;
        let password = self.adoption.adopt(record.get(Field::Password)).map_err(RowError::Hash)?;
        let legacy_id = Some(record.get(Field::LegacyId)).filter(|id| !id.is_empty());
        if legacy_id.is_some_and(|id| id.chars().count() > MAX_LEGACY_ID) {
            return Err(RowError::LegacyId);
        }
        let time = |field: Field| match record.get(field) {
            "" => Ok(None),
            text => parse_time(text).map(Some).ok_or(RowError::Time(field.into())),
        };
        let mut roles: Vec<Role> = record.roles().filter_map(|name| self.roles.get(name).cloned()).collect();
        roles.sort();
        roles.dedup();
        Ok(Candidate {
            line: record.line,
            username,
            email,
            password,
            is_active: parse_flag(record.get(Field::IsActive), true).ok_or(RowError::Flag)?,
            created_at: time(Field::CreatedAt)?,
            last_login: time(Field::LastLogin)?,
            roles,
            legacy_id: legacy_id.map(str::to_owned),
            typed_name,
        })
    }
}

/// Parses a time of Python, Django, MySQL or RFC 3339, without an offset in UTC; or a number of seconds or milliseconds
/// since 1970.
fn parse_time(text: &str) -> Option<Timestamp> {
    if let Some(number) = f64::from_str(text).ok().filter(|number| number.is_finite()) {
        let milliseconds = if number.abs() < MAX_SECONDS { number * 1000.0 } else { number };
        #[expect(clippy::cast_possible_truncation, reason = "a cast of a float saturates, and times are checked next")]
        let milliseconds = milliseconds.round() as i64;
        return (0..=253_402_300_799_999).contains(&milliseconds).then(|| Timestamp::from_millis(milliseconds));
    }
    let text = text.replacen(['T', 't'], " ", 1);
    let (date_time, offset) = match text.char_indices().skip(19).find(|(_, letter)| matches!(letter, '+' | '-' | 'Z')) {
        Some((at, _)) => text.split_at(at),
        None => (text.as_str(), ""),
    };
    let at = if offset.is_empty() {
        PrimitiveDateTime::parse(date_time.trim_end(), DATE_TIME).ok()?.assume_offset(UtcOffset::UTC)
    } else {
        // PostgreSQL leaves the minutes of an offset out.
        let minutes = if offset.len() == 3 { ":00" } else { "" };
        OffsetDateTime::parse(&format!("{}{offset}{minutes}", date_time.trim_end().replacen(' ', "T", 1)), &Rfc3339)
            .ok()?
    };
    let milliseconds = i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000_000)).ok()?;
    (milliseconds >= 0).then(|| Timestamp::from_millis(milliseconds))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use strum::VariantArray;

    use super::*;

    #[test]
    fn times_of_all_sources_are_read() {
        let expected = Some(Timestamp::from_millis(1_795_305_600_500));
        for text in [
            "2026-11-22T00:00:00.5Z",
            "2026-11-22 00:00:00.500000",
            "2026-11-22 00:00:00.500000+00:00",
            "2026-11-22 07:00:00.5+07",
            "2026-11-22T07:00:00.5+07:00",
            "1795305600.5",
            "1795305600500",
        ] {
            assert_eq!(parse_time(text), expected, "{text}");
        }
        assert_eq!(parse_time("2026-11-22 00:00:00"), Some(Timestamp::from_millis(1_795_305_600_000)));
        for text in ["yesterday", "2026-11-22", "22.11.2026 00:00:00", "-1", "1e300", "NaN", "1900-01-01 00:00:00"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_time_is_read_and_no_text_panics(milliseconds in 0..253_402_300_800_000_i64, text in "\\PC{0,40}") {
            let at = Timestamp::from_millis(milliseconds);
            let written = crate::clock::rfc3339(at).unwrap();
            prop_assert_eq!(parse_time(&written), Some(at));
            prop_assert_eq!(parse_time(&written.replace('T', " ").replace('Z', "")), Some(at));
            let _ = parse_time(&text);
            let _ = parse_time(&format!("2026-11-22 00:00:00{text}"));
        }

        #[test]
        fn no_row_panics_and_what_comes_in_has_a_valid_name(texts in proptest::collection::vec("\\PC{0,12}", 8)) {
            let values = Field::VARIANTS.iter().copied().zip(texts).collect();
            let record = Record { values, ..Record::default() };
            for name_from_email in [false, true] {
                let parser = Parser { name_from_email, ..Parser::default() };
                if let Ok(candidate) = parser.parse(&record) {
                    prop_assert!(Username::parse(candidate.username.as_str()).is_ok());
                    prop_assert!(candidate.roles.is_empty());
                }
            }
        }
    }
}
