//! What sign-ins need to know of imported password hashes: the mix of all accounts, and the keys of Flask-Security.

mod store;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use parking_lot::RwLock;
use secrecy::ExposeSecret;
use tracing::warn;

use super::{Accounts, store::Credential};
use crate::{
    db,
    keys::{EncryptedUnder, Keys, Purpose},
    passwords::{
        Expected,
        foreign::{FlaskSecurityKey, PasswordHash},
    },
};

/// Characters of the name of a key.
const NAME_LENGTH: usize = 8;

/// What is cached. Renewed each minute, because counting reads a whole index.
#[derive(Default)]
pub(super) struct ForeignHashes(RwLock<Cache>);

#[derive(Default)]
struct Cache {
    /// The number of accounts with hashes that take the same work, and one of these hashes; the largest number first.
    classes: Vec<(u64, Arc<PasswordHash>)>,
    all_accounts: u64,
    keys: HashMap<String, FlaskSecurityKey>,
}

impl Cache {
    /// Returns the hash that stands in for an unknown name; `None` for one of ours. Each hash has the share that its
    /// class has among all accounts.
    fn stand_in(&self, point: u64) -> Option<Arc<PasswordHash>> {
        let scaled = (u128::from(point) * u128::from(self.all_accounts)) >> 64;
        let mut end = 0_u128;
        let class = self.classes.iter().find(|(accounts, _)| {
            end += u128::from(*accounts);
            scaled < end
        });
        class.map(|(_, hash)| Arc::clone(hash))
    }
}

impl Accounts {
    /// Returns what a password is compared with. `name` names whom the attempt is for, if there is no hash: each
    /// unknown name costs what some account costs, always the same one, so that neither one time nor the average of
    /// many tells that there is no such account.
    pub(super) async fn expected(&self, credential: Option<&Credential>, name: &[u8]) -> Result<Expected, db::Error> {
        let Some(hash) = credential.and_then(Credential::usable_hash) else {
            let tag = self.core.keys.tag(Purpose::StandIn, name);
            let point = tag.iter().take(8).fold(0, |point, byte| point << 8 | u64::from(*byte));
            return Ok(Expected::StandIn(self.foreign_hashes.0.read().stand_in(point)));
        };
        let Some(key_name) = hash.key_name() else { return Ok(Expected::Hash(hash.into(), None)) };
        let cached = || self.foreign_hashes.0.read().keys.get(key_name).cloned();
        let mut key = cached();
        if key.is_none() {
            // Imported by another process within the last minute.
            self.read_flask_security_keys().await?;
            key = cached();
        }
        Ok(Expected::Hash(hash.into(), key))
    }

    /// Counts the password hashes of other systems and reads the keys of Flask-Security.
    pub async fn renew_foreign_hashes(&self) -> Result<(), db::Error> {
        self.read_flask_security_keys().await?;
        let (rows, all) = self.core.database.read(store::classes).await?;
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        let classes = rows
            .into_iter()
            .filter_map(|row| PasswordHash::parse(&row.example).ok().map(|hash| (count(row.accounts), Arc::new(hash))));
        let (classes, all_accounts) = (classes.collect(), count(all));
        let mut cache = self.foreign_hashes.0.write();
        (cache.classes, cache.all_accounts) = (classes, all_accounts);
        Ok(())
    }

    /// Returns the schemes of the hashes of other systems with their accounts at the last count, sorted by name.
    #[must_use]
    pub fn foreign_hash_schemes(&self) -> Vec<(String, u64)> {
        let mut schemes: BTreeMap<String, u64> = BTreeMap::new();
        for (accounts, hash) in &self.foreign_hashes.0.read().classes {
            *schemes.entry(hash.scheme()).or_default() += accounts;
        }
        schemes.into_iter().collect()
    }

    async fn read_flask_security_keys(&self) -> Result<(), db::Error> {
        let mut keys = HashMap::new();
        for (name, encrypted) in self.core.database.read(store::flask_security_keys).await? {
            let Some(decrypted) = self.core.keys.decrypt(&context(&name), &encrypted) else {
                warn!(name, "a key of Flask-Security cannot be decrypted, its accounts need links to set a password");
                continue;
            };
            let key = FlaskSecurityKey::new(decrypted.plaintext.expose_secret().to_vec());
            if decrypted.under != EncryptedUnder::Current {
                // The previous secret will be forgotten.
                self.store_flask_security_key(name.clone(), &key).await?;
            }
            keys.insert(name, key);
        }
        self.foreign_hashes.0.write().keys = keys;
        Ok(())
    }

    async fn store_flask_security_key(&self, name: String, key: &FlaskSecurityKey) -> Result<(), db::Error> {
        let encrypted = self.core.keys.encrypt(&context(&name), key.expose());
        self.core.database.write(move |conn| store::replace_key(conn, &name, &encrypted)).await
    }

    /// Keeps a key of Flask-Security for imported accounts. Returns its name.
    pub async fn add_flask_security_key(&self, key: &FlaskSecurityKey) -> Result<String, db::Error> {
        let names = flask_security_key_names(&self.core.keys, key);
        self.read_flask_security_keys().await?;
        let known = names.iter().find(|name| self.foreign_hashes.0.read().keys.contains_key(*name)).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let [name, ..] = &names[..] else { return Ok(String::new()) };
        self.store_flask_security_key(name.clone(), key).await?;
        Ok(name.clone())
    }
}

/// Returns the names that a key has under the current and all previous secrets.
fn flask_security_key_names(keys: &Keys, key: &FlaskSecurityKey) -> Vec<String> {
    let tags = keys.all_tags(Purpose::FlaskSecurityKey, key.expose());
    tags.iter().map(|tag| BASE64.encode(tag).chars().take(NAME_LENGTH).collect()).collect()
}

/// Binds an encrypted key to its row.
fn context(name: &str) -> String {
    format!("flask_security_keys.encrypted {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stand_ins_have_the_shares_of_their_classes() {
        let hash = |rounds: u32| {
            let text = format!("pbkdf2:sha256:{rounds}$salt${}", "0".repeat(64));
            (u64::from(rounds), Arc::new(PasswordHash::parse(&text).unwrap()))
        };
        let cache = Cache { classes: vec![hash(50), hash(25)], all_accounts: 100, keys: HashMap::new() };
        let mut counts: HashMap<Option<String>, u32> = HashMap::new();
        for step in 0..1000_u64 {
            let stand_in = cache.stand_in(u64::MAX / 1000 * step);
            *counts.entry(stand_in.map(|hash| hash.class())).or_default() += 1;
        }
        let share = |class: Option<&str>| (counts[&class.map(str::to_owned)] + 5) / 10 * 10;
        assert_eq!(share(Some("pbkdf2-sha256 50")), 500);
        assert_eq!(share(Some("pbkdf2-sha256 25")), 250);
        assert_eq!(share(None), 250, "the accounts with hashes of ours");
        assert!(Cache::default().stand_in(u64::MAX).is_none());
    }
}
