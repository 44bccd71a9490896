//! `gatehouse app …`: the applications that use Gatehouse. Works while `serve` runs; running servers notice within a
//! second.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use clap::{ArgGroup, Args, Subcommand};
use serde_json::{Value, json};

use super::{Failure, open::Opened};
use crate::{
    apps::{App as Row, AppChange, AppId, AppTokens, Change, Hs256Secret, Rejection, TokenFormat},
    client::Client,
    clock::rfc3339,
    config::{ConfigError, PublicUrl, Settings, display_name},
    identity::Role,
};

const SECRET_FLAG: &str = "--hs256-secret-file";
/// The flags of `app set`, of which it needs at least one.
const CHANGES: [&str; 9] = ["name", "url", "roles", "cors", "tokens", "no_url", "no_roles", "no_cors", "no_tokens"];

#[derive(Debug, Subcommand)]
pub(super) enum App {
    /// Add an application
    #[command(after_help = "Examples:\n  \
                            gatehouse app add wiki --name Wiki --url https://wiki.example.org --role staff\n  \
                            gatehouse app add shop --tokens simplejwt --hs256-secret-file shop-secret.txt")]
    Add(Box<Add>),
    /// List applications, sorted by id
    #[command(after_help = "Example: gatehouse app list --json")]
    List(Box<List>),
    /// Show one application
    #[command(after_help = "Example: gatehouse app show wiki")]
    Show(Box<Show>),
    /// Change an application. What is not named stays as it is
    #[command(after_help = "Examples:\n  \
                            gatehouse app set wiki --role staff --role editor\n  \
                            gatehouse app set wiki --no-roles")]
    Set(Box<Set>),
    /// Remove an application
    #[command(after_help = "Example: gatehouse app remove wiki --yes")]
    Remove(Box<Remove>),
}

/// What an application has beside its id.
#[derive(Debug, Args)]
struct Attributes {
    /// Name for people [default of a new application: its id]
    #[arg(long, value_parser = display_name)]
    name: Option<String>,
    /// Its origin, such as <https://wiki.example.org>. Without it, the application uses only the JSON API
    #[arg(long)]
    url: Option<PublicUrl>,
    /// Role that may enter; can be repeated. Without one, all accounts may
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<Role>,
    /// Origin whose scripts may call the JSON API; can be repeated
    #[arg(long, value_name = "ORIGIN")]
    cors: Vec<PublicUrl>,
    /// Library whose format its tokens have. They are signed with the secret of the application, which needs
    /// --hs256-secret-file
    #[arg(long, value_enum, value_name = "FORMAT", requires = "hs256_secret_file")]
    tokens: Option<TokenFormat>,
    /// File with the secret with which the application verifies tokens
    #[arg(long, value_name = "FILE", requires = "tokens")]
    hs256_secret_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Add {
    /// Id: letters a to z, digits and hyphens
    id: AppId,
    #[command(flatten)]
    attributes: Attributes,
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
pub(super) struct Show {
    /// Id, as `app list` shows it
    id: AppId,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: Settings,
}

/// What an application loses.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
struct Removals {
    /// Use only the JSON API
    #[arg(long, conflicts_with = "url")]
    no_url: bool,
    /// Let all accounts enter
    #[arg(long, conflicts_with = "roles")]
    no_roles: bool,
    /// Let no scripts of other origins call the JSON API
    #[arg(long, conflicts_with = "cors")]
    no_cors: bool,
    /// Take the tokens of Gatehouse only, and delete the secret
    #[arg(long, conflicts_with = "tokens")]
    no_tokens: bool,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("change").required(true).multiple(true).args(CHANGES))]
pub(super) struct Set {
    /// Id, as `app list` shows it
    id: AppId,
    #[command(flatten)]
    attributes: Attributes,
    #[command(flatten)]
    removals: Removals,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Args)]
pub(super) struct Remove {
    /// Id, as `app list` shows it
    id: AppId,
    /// Confirm that the application is to be removed
    #[arg(long, required = true)]
    yes: bool,
    #[command(flatten)]
    settings: Settings,
}

pub(super) async fn run(app: App) -> Result<(), Failure> {
    match app {
        App::Add(add) => run_add(*add).await,
        App::List(list) => run_list(&list).await,
        App::Show(show) => run_show(*show).await,
        App::Set(set) => run_set(*set).await,
        App::Remove(remove) => run_remove(*remove).await,
    }
}

async fn run_add(Add { id, attributes, settings }: Add) -> Result<(), Failure> {
    let change = attributes.change()?;
    let Opened { apps, .. } = Opened::existing(&settings)?;
    apps.add(id, change, &Client::anonymous()).await?;
    writeln!(io::stdout(), "Added.")?;
    Ok(())
}

async fn run_list(List { json, settings }: &List) -> Result<(), Failure> {
    let Opened { apps, .. } = Opened::existing(settings)?;
    let mut out = io::stdout().lock();
    for app in apps.list().await? {
        if *json {
            writeln!(out, "{}", as_json(&app))?;
        } else {
            let (id, url) = (app.id.as_str(), app.url.as_ref().map(PublicUrl::origin).unwrap_or_default());
            writeln!(out, "{id:<32} {url:<40} {}", joined(&app.roles))?;
        }
    }
    Ok(())
}

async fn run_show(Show { id, json, settings }: Show) -> Result<(), Failure> {
    let Opened { apps, .. } = Opened::existing(&settings)?;
    let app = apps.find(id).await?.ok_or(Rejection::NoSuchApp)?;
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{}", as_json(&app))?;
        return Ok(());
    }
    let or_none = |text: String| if text.is_empty() { "none".to_owned() } else { text };
    for (name, value) in [
        ("id", app.id.to_string()),
        ("name", app.name.clone()),
        ("url", or_none(app.url.as_ref().map(PublicUrl::origin).unwrap_or_default().to_owned())),
        ("roles", if app.roles.is_empty() { "all accounts may enter".to_owned() } else { joined(&app.roles) }),
        ("cors", or_none(joined(&app.cors))),
        ("tokens", app.tokens.as_ref().map_or("those of Gatehouse", |tokens| tokens.format().name()).to_owned()),
        ("added", rfc3339(app.created_at).unwrap_or_default()),
    ] {
        writeln!(out, "{name:<6}  {value}")?;
    }
    Ok(())
}

async fn run_set(Set { id, attributes, removals, settings }: Set) -> Result<(), Failure> {
    let mut change = attributes.change()?;
    let Removals { no_url, no_roles, no_cors, no_tokens } = removals;
    if no_url {
        change.url = Change::Clear;
    }
    if no_roles {
        change.roles = Some(Vec::new());
    }
    if no_cors {
        change.cors = Some(Vec::new());
    }
    if no_tokens {
        change.tokens = Change::Clear;
    }
    let Opened { apps, .. } = Opened::existing(&settings)?;
    apps.set(id, change, &Client::anonymous()).await?;
    writeln!(io::stdout(), "Changed.")?;
    Ok(())
}

async fn run_remove(Remove { id, yes: _, settings }: Remove) -> Result<(), Failure> {
    let Opened { apps, .. } = Opened::existing(&settings)?;
    apps.remove(id, &Client::anonymous()).await?;
    writeln!(io::stdout(), "Removed.")?;
    Ok(())
}

impl Attributes {
    fn change(self) -> Result<AppChange, ConfigError> {
        let Self { name, url, roles, cors, tokens, hs256_secret_file } = self;
        let tokens = match (tokens, hs256_secret_file) {
            (Some(format), Some(file)) => Change::Set((format, Some(read_secret(&file)?))),
            _ => Change::Keep,
        };
        Ok(AppChange {
            name,
            url: url.map_or(Change::Keep, Change::Set),
            roles: Some(roles).filter(|roles| !roles.is_empty()),
            cors: Some(cors).filter(|cors| !cors.is_empty()),
            tokens,
        })
    }
}

#[expect(clippy::print_stderr, reason = "for the operator's terminal, and not for the log")]
fn read_secret(file: &Path) -> Result<Hs256Secret, ConfigError> {
    let describe = |error: &dyn std::fmt::Display| {
        ConfigError::new(SECRET_FLAG, format!("cannot use {}: {error}", file.display()))
    };
    // Two more bytes than a secret has, for a line break, and one to see that there are too many.
    let limit = u64::try_from(Hs256Secret::MAX_BYTES + 3).unwrap_or(u64::MAX);
    let mut content = Vec::new();
    let read = File::open(file).and_then(|file| file.take(limit).read_to_end(&mut content));
    read.map_err(|error| describe(&error))?;
    let secret = Hs256Secret::parse(&content).map_err(|error| describe(&error))?;
    if secret.is_short() {
        let recommended = Hs256Secret::RECOMMENDED_BYTES;
        eprintln!(
            "gatehouse: warning: the secret in {} has fewer than {recommended} bytes and may be guessed from a token; \
             change it in the application when you can",
            file.display()
        );
    }
    Ok(secret)
}

fn joined<T: ToString>(values: &[T]) -> String {
    values.iter().map(T::to_string).collect::<Vec<_>>().join(" ")
}

fn as_json(app: &Row) -> Value {
    json!({
        "id": app.id.as_str(),
        "name": app.name,
        "url": app.url.as_ref().map(PublicUrl::origin),
        "roles": app.roles.iter().map(Role::as_str).collect::<Vec<_>>(),
        "cors": app.cors.iter().map(PublicUrl::origin).collect::<Vec<_>>(),
        "tokens": app.tokens.as_ref().map(AppTokens::format).map(TokenFormat::name),
    })
}
