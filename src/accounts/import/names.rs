//! Which names of a batch are free, and which accounts are already here.

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use super::{
    Candidate, Entry, Outcome, Rename, RowError,
    store::{self, Existing},
};
use crate::{
    accounts::{Username, store as accounts_store},
    clock::Timestamp,
    db::{AnyConnection, QueryResult},
};

/// Numbers that are tried for a name that is taken.
const MAX_SUFFIX: u32 = 999;

/// The names of accounts that are not in the database yet, as short hashes: ten million take 400 MB in a trial run.
#[derive(Default)]
pub(super) struct Taken {
    usernames: HashSet<u64>,
    emails: HashSet<u64>,
}

fn short_hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Decides what becomes of each entry, and adds the names of those that are created to `taken`.
pub(super) fn decide(
    conn: &mut AnyConnection,
    entries: &[Entry],
    taken: &mut Taken,
    rename: Rename,
    now: Timestamp,
) -> QueryResult<Vec<Outcome>> {
    let existing = ByName::new(store::existing(conn, entries)?);
    let reserved = store::reserved(conn, entries, now)?;
    let mut outcomes = Vec::with_capacity(entries.len());
    for entry in entries {
        let candidate = &entry.candidate;
        let email = candidate.email.as_ref().map(crate::accounts::Email::key);
        if existing.has(candidate, email.as_deref()) {
            outcomes.push(Outcome::Known);
            continue;
        }
        if let Some(email) = &email
            && (existing.emails.contains_key(email) || taken.emails.contains(&short_hash(email)))
        {
            outcomes.push(Outcome::Refused(RowError::EmailTaken));
            continue;
        }
        let name = candidate.username.as_str();
        let mut username = Some(candidate.username.clone());
        if existing.usernames.contains_key(name)
            || taken.usernames.contains(&short_hash(name))
            || entry.name_hashes.iter().any(|hash| reserved.contains(&hash[..]))
        {
            // Without an id or an address, the next import would not know the account under its new name.
            let is_recognizable = candidate.legacy_id.is_some() || email.is_some();
            username = match rename {
                Rename::Suffix if is_recognizable => free_name(conn, name, taken)?,
                Rename::Suffix | Rename::Refuse => None,
            };
        }
        outcomes.push(match username {
            Some(username) => {
                taken.usernames.insert(short_hash(username.as_str()));
                taken.emails.extend(email.as_deref().map(short_hash));
                Outcome::Created(username)
            }
            None => Outcome::Refused(RowError::UsernameTaken),
        });
    }
    Ok(outcomes)
}

/// Returns the name with the first number that makes it free.
fn free_name(conn: &mut AnyConnection, name: &str, taken: &Taken) -> QueryResult<Option<Username>> {
    for number in 2..=MAX_SUFFIX {
        let number = number.to_string();
        let base = &name[..name.len().min(Username::MAX_LENGTH - number.len())];
        let Ok(username) = Username::parse(&format!("{base}{number}")) else { continue };
        if !taken.usernames.contains(&short_hash(username.as_str())) && !accounts_store::has_username(conn, &username)?
        {
            return Ok(Some(username));
        }
    }
    Ok(None)
}

/// The accounts that have a name, an address or an id of the batch.
struct ByName {
    usernames: HashMap<String, Existing>,
    emails: HashMap<String, Existing>,
    legacy_ids: HashMap<String, Vec<Existing>>,
}

impl ByName {
    fn new(existing: Vec<Existing>) -> Self {
        let (mut usernames, mut emails, mut legacy_ids) = (HashMap::new(), HashMap::new(), HashMap::new());
        for account in existing {
            usernames.insert(account.username.clone(), account.clone());
            if let Some(email) = &account.email_key {
                emails.insert(email.clone(), account.clone());
            }
            if let Some(id) = &account.legacy_id {
                legacy_ids.entry(id.clone()).or_insert_with(Vec::new).push(account.clone());
            }
        }
        Self { usernames, emails, legacy_ids }
    }

    /// Whether the account of a row is already here. Its owner may have changed the name, the address or both since.
    /// Ids of several applications may be equal, so the id alone proves nothing.
    fn has(&self, candidate: &Candidate, email: Option<&str>) -> bool {
        let is_same_name = |account: &Existing| account.username == candidate.username.as_str();
        let is_same_email = |account: &Existing| email.is_some() && account.email_key.as_deref() == email;
        if let Some(id) = &candidate.legacy_id {
            let accounts = self.legacy_ids.get(id).map(Vec::as_slice).unwrap_or_default();
            return accounts.iter().any(|account| {
                Some(account.created_at) == candidate.created_at || is_same_name(account) || is_same_email(account)
            });
        }
        let by_name = self.usernames.get(candidate.username.as_str());
        let by_email = email.and_then(|email| self.emails.get(email));
        by_name.is_some_and(|account| email.is_none() || is_same_email(account))
            || by_email.is_some_and(|account| account.legacy_id.is_none())
    }
}
