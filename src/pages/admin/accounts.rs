//! `/admin/accounts`: the accounts of all people, with search and filters.

use actix_web::{HttpResponse, web::Query};
use askama::Template;
use serde::Deserialize;

use super::url;
use crate::{
    accounts::{AccountDetails, AccountFilter, AccountId, AccountQuery, Email, ListPosition},
    identity::{AccountState, Role},
    web::{error::Problem, guard::CurrentUser, layout::Layout},
};

/// The path of the page.
pub(crate) const PATH: &str = "/admin/accounts";
/// Accounts on a page.
const PAGE_ROWS: usize = 25;
/// The value of `hash` for accounts with the password hash of another system.
pub(super) const IMPORTED: &str = "imported";
/// Marks the position in the part of the list that was found by e-mail address.
const ADDRESS_PREFIX: &str = "address-";

#[derive(Template)]
#[template(path = "admin/accounts.html")]
struct AccountsPage {
    layout: Layout,
    query: AccountsQuery,
    states: [AccountState; 3],
    accounts: Vec<AccountDetails>,
    next: Option<String>,
}

/// The query of the page: all accounts by default.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AccountsQuery {
    /// What user name or e-mail address start with.
    q: String,
    role: String,
    state: String,
    /// [`IMPORTED`], or empty.
    hash: String,
    /// Where the page starts.
    after: String,
}

impl AccountsQuery {
    /// Returns what to look for; `None` if no account can match.
    fn parse(&self) -> Option<AccountQuery> {
        let prefix = self.q.trim().to_lowercase();
        let optional = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let role = optional(&self.role).map(|role| role.parse::<Role>()).transpose().ok()?;
        let state = optional(&self.state).map(|state| state.parse::<AccountState>()).transpose().ok()?;
        let has_foreign_hash = match self.hash.as_str() {
            "" => false,
            IMPORTED => true,
            _ => return None,
        };
        (prefix.len() <= Email::MAX_LENGTH).then_some(AccountQuery {
            prefix,
            filter: AccountFilter { role, state, has_foreign_hash },
            position: parse_position(&self.after),
            limit: PAGE_ROWS,
        })
    }
}

fn parse_position(text: &str) -> Option<ListPosition> {
    match text.strip_prefix(ADDRESS_PREFIX) {
        Some(id) => id.parse().ok().map(ListPosition::AfterAddressOf),
        None => text.parse().ok().map(ListPosition::After),
    }
}

/// `GET /admin/accounts`
pub(crate) async fn get(user: CurrentUser, query: Option<Query<AccountsQuery>>) -> Result<HttpResponse, Problem> {
    let query = query.map(Query::into_inner).unwrap_or_default();
    let (accounts, next) = match query.parse() {
        Some(parsed) => {
            let page = user.state.accounts.search(parsed).await?;
            (page.accounts, page.next)
        }
        None => (Vec::new(), None),
    };
    let after = |position| match position {
        ListPosition::After(id) => id.to_string(),
        ListPosition::AfterAddressOf(id) => format!("{ADDRESS_PREFIX}{id}"),
    };
    let AccountsQuery { q, role, state, hash, .. } = &query;
    let next = next.map(|position| {
        url(PATH, &[("q", q), ("role", role), ("state", state), ("hash", hash), ("after", &after(position))])
    });
    let states = [AccountState::Active, AccountState::Locked, AccountState::Disabled];
    user.render(&AccountsPage { layout: user.layout(), query, states, accounts, next })
}

/// Returns the path of the page of one account.
pub(super) fn path_of(id: AccountId) -> String {
    format!("{PATH}/{id}")
}
