//! The pages below `/admin`, one file each. For all but administrators there are no such pages.

pub(crate) mod account;
pub(crate) mod accounts;
pub(crate) mod activity;
pub(crate) mod app;
pub(crate) mod apps;
pub(crate) mod delete;
pub(crate) mod invitations;
pub(crate) mod overview;

use std::collections::{HashMap, HashSet};

use url::form_urlencoded;

use crate::{
    accounts::{AccountId, Username},
    events::{Actor, Event},
    web::{display_time::DisplayTime, error::Problem, guard::CurrentUser},
};

/// An event in a list.
struct EventRow {
    what: String,
    at: DisplayTime,
    client: String,
    occurrences: u64,
    /// The account and its user name, if there is an account and it is not deleted.
    account: Option<AccountId>,
    username: Option<String>,
    /// Who did it, if it was not the owner of the account.
    actor: String,
}

/// Returns the rows of `events`, with the names of accounts and administrators.
async fn event_rows(user: &CurrentUser, events: &[Event]) -> Result<Vec<EventRow>, Problem> {
    let (now, messages) = (user.state.core.clock.now(), user.messages());
    let actor = |event: &Event| match event.actor {
        Some(Actor::Administrator(id)) => Some(id),
        Some(Actor::Operator) | None => None,
    };
    let ids: HashSet<AccountId> = events.iter().flat_map(|event| [event.account_id, actor(event)]).flatten().collect();
    let names: HashMap<AccountId, Username> = user.state.accounts.usernames(ids.into_iter().collect()).await?;
    let name = |id: AccountId| names.get(&id).map(|name| name.as_str().to_owned());
    let row = |event: &Event| EventRow {
        what: messages.event_for_administrators(&event.kind).to_owned(),
        at: messages.time(event.at, now),
        // Removed when the account was deleted, or of a command.
        client: match event.address.as_str() {
            "" => String::new(),
            address => messages.client_of(&event.user_agent, address),
        },
        occurrences: u64::try_from(event.occurrences).unwrap_or(0),
        account: event.account_id,
        username: event.account_id.and_then(name),
        actor: match event.actor {
            None => String::new(),
            Some(Actor::Operator) => messages.admin.by_operator.to_owned(),
            Some(Actor::Administrator(id)) => (messages.admin.by)(&name(id).unwrap_or_else(|| id.to_string())),
        },
    };
    Ok(events.iter().map(row).collect())
}

/// Returns the URL of `path` with those `parameters` that are not empty.
fn url(path: &str, parameters: &[(&str, &str)]) -> String {
    let parameters = parameters.iter().filter(|(_, value)| !value.is_empty());
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}
