//! `gatehouse invitation …`: one-time links to register.

use std::{
    io::{self, Write},
    time::Duration,
};

use clap::{Args, Subcommand};
use serde_json::json;

use super::{
    Failure,
    open::{Opened, link_origin},
};
use crate::{
    accounts::{Invitation as Row, InvitationId},
    client::Client,
    clock::rfc3339,
    config::{Settings, duration},
    identity::Role,
};

/// Invitations that are read at once.
const BATCH: usize = 500;

#[derive(Debug, Subcommand)]
pub(super) enum Invitation {
    /// Print a link to register one account
    #[command(after_help = "Example: gatehouse invitation create --role staff --expires 3d")]
    Create(Box<Create>),
    /// List invitations, the newest first
    #[command(after_help = "Example: gatehouse invitation list --json")]
    List(Box<List>),
    /// Make an invitation invalid that was not used
    #[command(after_help = "Example: gatehouse invitation revoke 019a86a1-7f00-7000-8000-000000000000")]
    Revoke(Box<Revoke>),
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// Role of the new account; can be repeated
    #[arg(long = "role")]
    roles: Vec<Role>,
    /// How long the link is valid
    #[arg(long, default_value = "7d", value_parser = duration::up_to(duration::YEAR))]
    expires: Duration,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Args)]
pub(super) struct Revoke {
    /// Id, as `invitation list` shows it
    id: InvitationId,
    #[command(flatten)]
    settings: Settings,
}

pub(super) async fn run(invitation: Invitation) -> Result<(), Failure> {
    match invitation {
        Invitation::Create(create) => run_create(*create).await,
        Invitation::List(list) => run_list(&list).await,
        Invitation::Revoke(revoke) => run_revoke(&revoke).await,
    }
}

async fn run_create(Create { roles, expires, settings }: Create) -> Result<(), Failure> {
    let origin = link_origin(&settings)?;
    let Opened { accounts, .. } = Opened::existing(&settings)?;
    let token = accounts.invite(roles, expires, &Client::anonymous()).await?;
    writeln!(io::stdout(), "{}/register?invite={}", origin.origin(), token.expose())?;
    Ok(())
}

async fn run_list(List { json, settings }: &List) -> Result<(), Failure> {
    let Opened { accounts, .. } = Opened::existing(settings)?;
    let (mut out, mut before) = (io::stdout().lock(), None);
    loop {
        let batch = accounts.invitations(before, BATCH).await?;
        for Row { id, roles, expires_at, used_at, .. } in &batch {
            let roles: Vec<_> = roles.iter().map(Role::as_str).collect();
            let (expires_at, used_at) = (rfc3339(*expires_at), used_at.and_then(rfc3339));
            if *json {
                let id = id.to_string();
                writeln!(out, "{}", json!({"id": id, "roles": roles, "expires_at": expires_at, "used_at": used_at}))?;
            } else {
                let expires_at = expires_at.unwrap_or_default();
                let used = used_at.map_or_else(|| "not used".to_owned(), |at| format!("used {at}"));
                writeln!(out, "{id}  until {expires_at}  {used}  {}", roles.join(" "))?;
            }
        }
        match batch.last() {
            Some(last) if batch.len() == BATCH => before = Some(last.id),
            _ => return Ok(()),
        }
    }
}

async fn run_revoke(Revoke { id, settings }: &Revoke) -> Result<(), Failure> {
    let Opened { accounts, .. } = Opened::existing(settings)?;
    if !accounts.revoke_invitation(*id, &Client::anonymous()).await? {
        return Err("there is no unused invitation with this id".into());
    }
    writeln!(io::stdout(), "Revoked.")?;
    Ok(())
}
