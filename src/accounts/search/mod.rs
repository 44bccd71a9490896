//! Finds accounts, for operators.

mod store;

use super::{AccountDetails, AccountFilter, AccountId, Accounts};
use crate::db;

/// A place in a list of accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListPosition {
    /// After this account.
    After(AccountId),
    /// After this account among those found by their e-mail address, which follow those found by their user name.
    AfterAddressOf(AccountId),
}

impl ListPosition {
    /// Returns the account.
    #[must_use]
    pub fn account(self) -> AccountId {
        match self {
            Self::After(id) | Self::AfterAddressOf(id) => id,
        }
    }
}

/// Which accounts a list contains: all by default.
#[derive(Debug, Clone, Default)]
pub struct AccountQuery {
    /// Only those whose user name or e-mail address starts with this text.
    pub prefix: String,
    /// Only those that match all parts of the filter.
    pub filter: AccountFilter,
    /// Where the part of the list starts; the beginning by default.
    pub position: Option<ListPosition>,
    /// At most this many.
    pub limit: usize,
}

/// A part of the accounts that match an [`AccountQuery`].
#[derive(Debug)]
pub struct AccountPage {
    /// The accounts.
    pub accounts: Vec<AccountDetails>,
    /// Where the next part starts, if there may be one.
    pub next: Option<ListPosition>,
}

impl Accounts {
    /// Returns a part of the accounts that match `query`. Costs the same however many accounts there are: it looks
    /// at a bounded number of rows, so a part may hold fewer accounts than there is room for.
    pub async fn search(&self, query: AccountQuery) -> Result<AccountPage, db::Error> {
        self.core.database.read(move |conn| store::search(conn, &query)).await
    }
}
