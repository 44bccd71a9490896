//! Brings the accounts of another application in, with their password hashes.
//!
//! A source gives rows of text, a [`Parser`] makes accounts of them, and [`Import::run`] inserts a batch of these:
//! all or none. An import that was interrupted can run again: an account that is already here stays as it is.

mod names;
mod parse;
mod record;
mod source;
mod store;

use std::{collections::BTreeMap, mem, sync::Arc};

use futures_util::{
    future::join,
    stream::{self, StreamExt, TryStreamExt},
};
use serde::Serialize;

use self::names::{Taken, decide};
pub use self::{
    parse::{Candidate, Parser, RowError},
    record::{Field, Record},
    source::{Location, Mapping, Preset, Progress, Rows, Source, SourceError},
};
use super::{Accounts, Error, Rejection, Username};
use crate::{
    client::{Client, Network},
    db::{self, AnyConnection},
    passwords::{
        Priority, UNUSABLE,
        foreign::{Adopted, PasswordHash},
    },
    transaction::Transaction,
};

/// Rows of one batch. A million accounts took 39 s with 20,000 and 53 s with 8,000, because a page of an index is
/// written once for all rows of a batch. A running server waits for batches before it writes to SQLite: sign-ins took
/// 0.7 s in the median and at most 4.3 s, with 8,000 rows 0.7 s and 4.7 s.
pub const BATCH: usize = 20_000;
/// The same where plain digests are hashed first: twenty seconds of work on two cores, which an interruption loses.
pub const BATCH_TO_WRAP: usize = 4_000;
/// How often a batch is tried if other processes create accounts at the same time.
const MAX_TRIES: usize = 5;

/// What happens to a row whose user name another account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Rename {
    /// Refuse the row
    #[default]
    Refuse,
    /// Add a number to the name
    Suffix,
}

/// What becomes of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    /// The account is created, with this name.
    Created(Username),
    /// The account is already here; nothing changes.
    Known,
    /// Nothing is created.
    Refused(RowError),
}

/// A row for the report.
#[derive(Debug, Clone, Serialize)]
pub struct RowReport {
    /// The number of the line in a file, or of the row in a table.
    pub line: u64,
    /// The name in the row, as it was.
    pub username: String,
    /// What became of it: `renamed` or `refused`.
    pub outcome: &'static str,
    /// The new name, or the reason of the refusal.
    pub detail: String,
}

/// The sums of an import.
#[derive(Debug, Default)]
pub struct Summary {
    /// Accounts that were created.
    pub created: u64,
    /// Accounts that were here before.
    pub known: u64,
    /// Rows that were refused.
    pub refused: u64,
    /// Created accounts with another name.
    pub renamed: u64,
    /// Created accounts without a usable password.
    pub without_password: u64,
    /// Created accounts by the scheme of their hash.
    pub schemes: BTreeMap<String, u64>,
}

/// An account that may be inserted.
struct Entry {
    candidate: Candidate,
    hash: String,
    /// The name of the scheme of the hash; `None` if there is no usable password.
    scheme: Option<String>,
    /// The class of the hash, if it is not ours.
    class: Option<String>,
    /// The hashes under which its name may be reserved.
    name_hashes: Vec<[u8; 32]>,
}

/// A batch that is ready to be inserted, and what is known of the rows that are not.
#[derive(Default)]
struct Prepared {
    entries: Arc<Vec<Entry>>,
    refused: Vec<RowReport>,
}

/// Imports batches, with what is known from the batches before.
pub struct Import<'a> {
    accounts: &'a Accounts,
    rename: Rename,
    /// In a trial run nothing is written, so the names of the batches before are kept here.
    trial: Option<Taken>,
    /// The last batch.
    pending: Prepared,
    /// The sums until now.
    pub summary: Summary,
}

impl<'a> Import<'a> {
    /// Begins an import. A trial run writes nothing.
    pub async fn begin(accounts: &'a Accounts, rename: Rename, is_trial: bool) -> Result<Self, Error> {
        accounts.core.database.allow_long_jobs();
        if !is_trial {
            accounts.core.database.write(AnyConnection::expect_many_rows).await?;
        }
        let trial = is_trial.then(Taken::default);
        Ok(Self { accounts, rename, trial, pending: Prepared::default(), summary: Summary::default() })
    }

    /// Prepares a batch, and meanwhile imports the one before: all of its accounts are created, or none. Returns what
    /// an operator wants to know of single rows of the latter. After the last batch, a call without records imports it.
    pub async fn run(&mut self, parser: &Parser, records: Vec<Record>) -> Result<Vec<RowReport>, Error> {
        let (accounts, is_trial) = (self.accounts, self.trial.is_some());
        let pending = mem::take(&mut self.pending);
        // The insertion first, because the preparation does not wait for anything.
        let (reports, prepared) = join(self.insert(pending), prepare(accounts, is_trial, parser, records)).await;
        self.pending = prepared?;
        reports
    }

    async fn insert(&mut self, prepared: Prepared) -> Result<Vec<RowReport>, Error> {
        let Prepared { entries, refused: mut reports } = prepared;
        let outcomes = if entries.is_empty() { Vec::new() } else { self.create(&entries).await? };
        self.summary.refused += reports.len() as u64;
        for (entry, outcome) in entries.iter().zip(outcomes) {
            let Candidate { line, typed_name, .. } = &entry.candidate;
            let report = |outcome, detail| RowReport { line: *line, username: typed_name.clone(), outcome, detail };
            match outcome {
                Outcome::Known => self.summary.known += 1,
                Outcome::Refused(error) => {
                    self.summary.refused += 1;
                    reports.push(report("refused", error.to_string()));
                }
                Outcome::Created(name) => {
                    self.summary.count(entry);
                    if name != entry.candidate.username {
                        self.summary.renamed += 1;
                        reports.push(report("renamed", name.as_str().to_owned()));
                    }
                }
            }
        }
        reports.sort_by_key(|report| report.line);
        Ok(reports)
    }

    async fn create(&mut self, entries: &Arc<Vec<Entry>>) -> Result<Vec<Outcome>, Error> {
        let (core, rename) = (&self.accounts.core, self.rename);
        if let Some(taken) = &mut self.trial {
            let (entries, mut names, now) = (Arc::clone(entries), mem::take(taken), core.clock.now());
            let decide = move |conn: &mut AnyConnection| {
                let outcomes = decide(conn, &entries, &mut names, rename, now)?;
                Ok((outcomes, names))
            };
            let (outcomes, names) = core.database.read(decide).await?;
            *taken = names;
            return Ok(outcomes);
        }
        let mut tries = 1;
        loop {
            let entries = Arc::clone(entries);
            let change = move |tx: &mut Transaction<'_>| {
                let outcomes = decide(tx.conn, &entries, &mut Taken::default(), rename, tx.now)?;
                let created = entries.iter().zip(&outcomes).filter_map(|(entry, outcome)| match outcome {
                    Outcome::Created(username) => Some((entry, username)),
                    Outcome::Known | Outcome::Refused(_) => None,
                });
                let mut created: Vec<_> = created.collect();
                // So that rows which follow each other change the same page of an index. `store::insert` makes their
                // ids in this order, so these follow each other too.
                created.sort_by(|(_, one), (_, other)| one.as_str().cmp(other.as_str()));
                store::insert(tx, &created)?;
                Ok::<_, Error>(outcomes)
            };
            match core.transactions.run(&Client::anonymous(), change).await {
                // Another process has created an account with one of the names since they were looked up.
                Err(Error::Database(db::Error::UniqueViolation)) if tries < MAX_TRIES => tries += 1,
                outcomes => return outcomes,
            }
        }
    }
}

async fn prepare(
    accounts: &Accounts,
    is_trial: bool,
    parser: &Parser,
    records: Vec<Record>,
) -> Result<Prepared, Error> {
    let (mut candidates, mut refused) = (Vec::with_capacity(records.len()), Vec::new());
    for record in records {
        match parser.parse(&record) {
            Ok(candidate) => candidates.push(candidate),
            Err(error) => {
                let (line, username) = (record.line, record.name().to_owned());
                refused.push(RowReport { line, username, outcome: "refused", detail: error.to_string() });
            }
        }
    }
    // As many plain digests are wrapped at once as there are threads.
    let entries = stream::iter(candidates).map(|candidate| entry(accounts, is_trial, candidate));
    let entries: Vec<Entry> = entries.buffered(accounts.hasher.threads()).try_collect().await?;
    Ok(Prepared { entries: Arc::new(entries), refused })
}

async fn entry(accounts: &Accounts, is_trial: bool, mut candidate: Candidate) -> Result<Entry, Error> {
    let (mut hash, mut scheme) = (UNUSABLE.to_owned(), None);
    match mem::replace(&mut candidate.password, Adopted::Unusable) {
        Adopted::Unusable => {}
        Adopted::Wrap(digest) if is_trial => scheme = Some(digest.scheme()),
        Adopted::Wrap(digest) => {
            let permit = accounts.hasher.try_reserve(Network::NONE, Priority::UnknownDevice);
            hash = permit.ok_or(Rejection::Overloaded)?.wrap(digest).await?;
        }
        Adopted::Hash(stored) => hash = stored,
    }
    let parsed = PasswordHash::parse(&hash).ok();
    let foreign = parsed.as_ref().filter(|hash| !hash.is_current());
    Ok(Entry {
        name_hashes: accounts.name_hashes(candidate.username.as_str()),
        class: foreign.map(PasswordHash::class),
        scheme: scheme.or_else(|| parsed.as_ref().map(PasswordHash::scheme)),
        candidate,
        hash,
    })
}

impl Summary {
    fn count(&mut self, entry: &Entry) {
        self.created += 1;
        match &entry.scheme {
            Some(scheme) => *self.schemes.entry(scheme.clone()).or_default() += 1,
            None => self.without_password += 1,
        }
    }
}
