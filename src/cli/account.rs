//! `gatehouse account …`: accounts of other people. Works while `serve` runs; running servers notice within
//! `GATEHOUSE_SESSION_CACHE`.

use std::io::{self, BufRead, Write};

use clap::{Args, Subcommand};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{
    Failure,
    open::{Opened, link_origin},
};
use crate::{
    accounts::{
        AccountDetails, AccountFilter, AccountPage, AccountQuery, AdminAction, CreateAccount, Error, LinkToken,
        Rejection,
    },
    client::Client,
    clock::{Timestamp, rfc3339},
    config::{PublicUrl, Settings},
    identity::{AccountState, Email, Role},
    language::Language,
    web::messages::Messages,
};

/// Accounts that are read at once, so that a list of any length needs little memory.
const BATCH: usize = 500;
/// Sessions of one account that are counted.
const MAX_SESSIONS: usize = 1000;

#[derive(Debug, Subcommand)]
pub(super) enum Account {
    /// List accounts, in the order of their creation
    #[command(after_help = "Example: gatehouse account list --role admin --json")]
    List(Box<List>),
    /// Show one account
    #[command(after_help = "Example: gatehouse account show zoe@example.org")]
    Show(Box<Show>),
    /// Create an account. Without a password, print a link to set one
    #[command(after_help = "Example: gatehouse account create zoe zoe@example.org --role staff")]
    Create(Box<Create>),
    /// Refuse sign-ins and end all sessions
    #[command(after_help = "Example: gatehouse account disable zoe")]
    Disable(Box<Target>),
    /// Allow sign-ins again
    #[command(after_help = "Example: gatehouse account enable zoe")]
    Enable(Box<Target>),
    /// Accept passwords again after too many wrong ones
    #[command(after_help = "Example: gatehouse account unlock zoe")]
    Unlock(Box<Target>),
    /// End all sessions
    #[command(after_help = "Example: gatehouse account sign-out zoe")]
    SignOut(Box<Target>),
    /// Delete an account, as its owner would
    #[command(after_help = "Example: gatehouse account delete zoe --yes")]
    Delete(Box<Delete>),
    /// Give a role. The role “admin” opens the admin area
    #[command(after_help = "Example: gatehouse account add-role zoe admin")]
    AddRole(Box<RoleChange>),
    /// Take a role
    #[command(after_help = "Example: gatehouse account remove-role zoe admin")]
    RemoveRole(Box<RoleChange>),
    /// Print a link to set a new password: it works once, for an hour
    #[command(after_help = "Example: gatehouse account reset-link zoe")]
    ResetLink(Box<Target>),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Only accounts with this role
    #[arg(long)]
    role: Option<Role>,
    /// Only accounts in this state
    #[arg(long, value_enum)]
    state: Option<AccountState>,
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// User name or e-mail address
    login: String,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// User name
    username: String,
    /// E-mail address
    email: String,
    /// Role; can be repeated
    #[arg(long = "role")]
    roles: Vec<Role>,
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Args)]
pub(super) struct Target {
    /// User name or e-mail address
    login: String,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Args)]
pub(super) struct Delete {
    #[command(flatten)]
    target: Target,
    /// Confirm that the account and its data are to be deleted
    #[arg(long, required = true)]
    yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct RoleChange {
    /// User name or e-mail address
    login: String,
    /// Role: letters a to z, digits and hyphens
    role: Role,
    #[command(flatten)]
    settings: Settings,
}

pub(super) async fn run(account: Account) -> Result<(), Failure> {
    match account {
        Account::List(list) => run_list(*list).await,
        Account::Show(show) => run_show(&show).await,
        Account::Create(create) => run_create(*create).await,
        Account::Disable(target) => change(&target, AdminAction::Disable, "Disabled, and signed out everywhere.").await,
        Account::Enable(target) => change(&target, AdminAction::Enable, "Enabled.").await,
        Account::Unlock(target) => {
            let done = "Unlocked. A device that is being delayed still has to wait.";
            change(&target, AdminAction::Unlock, done).await
        }
        Account::SignOut(target) => change(&target, AdminAction::SignOut, "Signed out everywhere.").await,
        Account::Delete(delete) => change(&delete.target, AdminAction::Delete, "Deleted.").await,
        Account::AddRole(change_of) => change_role(*change_of, AdminAction::AddRole).await,
        Account::RemoveRole(change_of) => change_role(*change_of, AdminAction::RemoveRole).await,
        Account::ResetLink(target) => run_reset_link(&target).await,
    }
}

async fn run_list(List { role, state, json, settings }: List) -> Result<(), Failure> {
    let Opened { accounts, .. } = Opened::existing(&settings)?;
    let filter = AccountFilter { role, state, has_foreign_hash: false };
    let mut query = AccountQuery { filter, limit: BATCH, ..AccountQuery::default() };
    let mut out = io::stdout().lock();
    loop {
        let AccountPage { accounts: batch, next } = accounts.search(query.clone()).await?;
        for account in &batch {
            if json {
                writeln!(out, "{}", as_json(account))?;
            } else {
                let AccountDetails { username, email, state, roles, .. } = account;
                let (username, state) = (username.as_str(), state.name());
                let email = email.as_ref().map_or("", Email::as_str);
                writeln!(out, "{username:<32} {email:<40} {state:<8} {}", joined(roles))?;
            }
        }
        if next.is_none() {
            return Ok(());
        }
        query.position = next;
    }
}

async fn run_show(Show { login, json, settings }: &Show) -> Result<(), Failure> {
    let Opened { accounts, sessions, .. } = Opened::existing(settings)?;
    let account = find(&accounts, login).await?;
    let sessions = sessions.list(account.id, MAX_SESSIONS).await?.len();
    let mut out = io::stdout().lock();
    if *json {
        let mut value = as_json(&account);
        value["sessions"] = sessions.into();
        writeln!(out, "{value}")?;
        return Ok(());
    }
    let at = |at: Option<Timestamp>| at.and_then(rfc3339).unwrap_or_else(|| "never".to_owned());
    for (name, value) in [
        ("id", account.id.to_string()),
        ("user name", account.username.as_str().to_owned()),
        ("e-mail", account.email.as_ref().map_or("none", Email::as_str).to_owned()),
        ("roles", joined(&account.roles)),
        ("state", account.state.name().to_owned()),
        ("sessions", sessions.to_string()),
        ("password", account.hash_scheme.unwrap_or_else(|| "none".to_owned())),
        ("created", at(Some(account.created_at))),
        ("last sign-in", at(account.last_sign_in_at)),
    ] {
        writeln!(out, "{name:<12}  {value}")?;
    }
    Ok(())
}

async fn run_create(create: Create) -> Result<(), Failure> {
    let Create { username, email, roles, password_stdin, settings } = create;
    let origin = if password_stdin { None } else { Some(link_origin(&settings)?) };
    let password = if password_stdin { Some(read_password()?) } else { None };
    let Opened { accounts, .. } = Opened::existing(&settings)?;
    let form = CreateAccount { username, email, roles, password };
    let (_, link) = accounts.create(form, &Client::anonymous()).await.map_err(explain)?;
    let mut out = io::stdout().lock();
    match (origin, link) {
        (Some(origin), Some(token)) => print_link(&mut out, &origin, &token)?,
        _ => writeln!(out, "Created.")?,
    }
    Ok(())
}

async fn run_reset_link(Target { login, settings }: &Target) -> Result<(), Failure> {
    let origin = link_origin(settings)?;
    let Opened { accounts, .. } = Opened::existing(settings)?;
    let account = find(&accounts, login).await?;
    let action = AdminAction::CreateResetLink;
    if let Some(token) = accounts.operate(account.id, action, &Client::anonymous()).await.map_err(explain)? {
        print_link(&mut io::stdout().lock(), &origin, &token)?;
    }
    Ok(())
}

async fn change_role(change_of: RoleChange, action: fn(Role) -> AdminAction) -> Result<(), Failure> {
    let RoleChange { login, role, settings } = change_of;
    change(&Target { login, settings }, action(role), "Done.").await
}

async fn change(Target { login, settings }: &Target, action: AdminAction, done: &str) -> Result<(), Failure> {
    let Opened { accounts, .. } = Opened::existing(settings)?;
    let account = find(&accounts, login).await?;
    accounts.operate(account.id, action, &Client::anonymous()).await.map_err(explain)?;
    writeln!(io::stdout(), "{done}")?;
    Ok(())
}

async fn find(accounts: &crate::accounts::Accounts, login: &str) -> Result<AccountDetails, Failure> {
    let account = accounts.find(login).await?;
    account.ok_or_else(|| explain(Error::Rejected(Rejection::NoSuchAccount)))
}

/// Returns what the pages say, in English, as everything on the command line.
fn explain(error: Error) -> Failure {
    let messages = Messages::of(Language::English);
    match error {
        Error::Rejected(Rejection::Invalid(errors)) => {
            let texts: Vec<_> = errors.into_iter().map(|error| (messages.field_error)(error)).collect();
            texts.join(" ").into()
        }
        Error::Rejected(rejection) => (messages.rejection)(&rejection).into_owned().into(),
        error => error.into(),
    }
}

fn print_link(out: &mut impl Write, origin: &PublicUrl, token: &LinkToken) -> io::Result<()> {
    writeln!(out, "{}/reset?token={}", origin.origin(), token.expose())
}

fn read_password() -> io::Result<SecretString> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(SecretString::from(line.trim_end_matches(['\r', '\n'])))
}

fn joined(roles: &[Role]) -> String {
    roles.iter().map(Role::as_str).collect::<Vec<_>>().join(" ")
}

fn as_json(account: &AccountDetails) -> Value {
    json!({
        "id": account.id,
        "username": account.username.as_str(),
        "email": account.email.as_ref().map(Email::as_str),
        "roles": account.roles.iter().map(Role::as_str).collect::<Vec<_>>(),
        "state": account.state.name(),
        "hash_scheme": account.hash_scheme,
        "created_at": rfc3339(account.created_at),
        "last_sign_in_at": account.last_sign_in_at.and_then(rfc3339),
    })
}
