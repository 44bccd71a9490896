//! `/admin/accounts/{id}`: one account, and what an administrator can do to it.

use std::sync::Arc;

use actix_web::{HttpResponse, web::Path};
use askama::Template;
use secrecy::SecretString;
use serde::Deserialize;

use super::{EventRow, accounts::path_of, event_rows, url};
use crate::{
    accounts::{
        self, AccountDetails, AccountId, AdminAction, Administer, Administered, Authorization, FieldError, LinkToken,
        Rejection,
    },
    events::EventFilter,
    identity::AccountState,
    pages::{logout::redirect_to_login_clearing_data, reset},
    web::{
        display_time::DisplayTime,
        error::Problem,
        flash::Flash,
        form::{Form, present},
        guard::CurrentUser,
        layout::Layout,
        render::FormErrors,
    },
};

/// Sessions and events on the page.
const MAX_ROWS: usize = 25;

#[derive(Template)]
#[template(path = "admin/account.html")]
struct AccountPage {
    layout: Layout,
    account: AccountDetails,
    created_at: DisplayTime,
    last_sign_in: Option<DisplayTime>,
    sessions: Vec<SessionRow>,
    events: Vec<EventRow>,
    activity_url: String,
    role: String,
    errors: FormErrors,
}

struct SessionRow {
    client: String,
    created_at: DisplayTime,
    last_seen_at: DisplayTime,
}

/// Asks for the password before a change, and repeats the fields of its form.
#[derive(Template)]
#[template(path = "admin/confirm.html")]
pub(super) struct ConfirmPage {
    pub(super) layout: Layout,
    pub(super) heading: String,
    pub(super) url: String,
    pub(super) label: String,
    /// Names and values of the fields to repeat. Empty ones are left out.
    pub(super) hidden: Vec<(&'static str, String)>,
    pub(super) back: String,
    pub(super) back_text: &'static str,
    pub(super) errors: FormErrors,
}

/// Shows a link once.
#[derive(Template)]
#[template(path = "admin/link.html")]
pub(super) struct LinkPage {
    pub(super) layout: Layout,
    pub(super) heading: &'static str,
    pub(super) text: String,
    pub(super) hint: &'static str,
    pub(super) link: String,
    pub(super) back: String,
    pub(super) back_text: &'static str,
}

/// The form of every action.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ActionForm {
    /// The role that is given or taken.
    role: String,
    /// The user name of the account, to confirm its deletion.
    pub(super) confirm: String,
    #[serde(deserialize_with = "present")]
    current_password: Option<SecretString>,
}

/// Returns the account with this id.
pub(super) async fn find(user: &CurrentUser, id: AccountId) -> Result<AccountDetails, Problem> {
    user.state.accounts.get(id).await?.ok_or(Problem::NotFound)
}

async fn page(user: &CurrentUser, id: AccountId, role: &str, errors: FormErrors) -> Result<AccountPage, Problem> {
    let account = find(user, id).await?;
    let (now, messages) = (user.state.core.clock.now(), user.messages());
    let sessions = user.state.sessions.list(id, MAX_ROWS).await?;
    let sessions = sessions.into_iter().map(|session| SessionRow {
        client: (messages.client)(&messages.user_of(&session), &session.address),
        created_at: messages.time(session.created_at, now),
        last_seen_at: messages.time(session.last_seen_at, now),
    });
    let filter = EventFilter { account: Some(id), ..EventFilter::default() };
    let events = user.state.core.events.search(filter, None, MAX_ROWS).await?.events;
    Ok(AccountPage {
        layout: user.layout_at(&path_of(id)),
        created_at: messages.time(account.created_at, now),
        last_sign_in: account.last_sign_in_at.map(|at| messages.time(at, now)),
        account,
        sessions: sessions.collect(),
        events: event_rows(user, &events).await?,
        activity_url: url("/admin/activity", &[("account", &id.to_string())]),
        role: role.to_owned(),
        errors,
    })
}

/// `GET /admin/accounts/{id}`
pub(crate) async fn get(user: CurrentUser, id: Path<AccountId>) -> Result<HttpResponse, Problem> {
    user.render(&page(&user, *id, "", FormErrors::default()).await?)
}

/// Returns the action with this name in the URL; `None` if there is none.
fn parse_action(name: &str, role: &str) -> Option<Result<AdminAction, FieldError>> {
    let with_role = |action: fn(_) -> AdminAction| role.trim().parse().map(action).map_err(|_| FieldError::Role);
    Some(match name {
        "disable" => Ok(AdminAction::Disable),
        "enable" => Ok(AdminAction::Enable),
        "unlock" => Ok(AdminAction::Unlock),
        "sign-out" => Ok(AdminAction::SignOut),
        "reset-link" => Ok(AdminAction::CreateResetLink),
        "add-role" => with_role(AdminAction::AddRole),
        "remove-role" => with_role(AdminAction::RemoveRole),
        _ => return None,
    })
}

/// `POST /admin/accounts/{id}/{action}`
pub(crate) async fn post(
    user: CurrentUser,
    path: Path<(AccountId, String)>,
    Form(form): Form<ActionForm>,
) -> Result<HttpResponse, Problem> {
    let (target, name) = path.into_inner();
    let account = find(&user, target).await?;
    let outcome = match parse_action(&name, &form.role).ok_or(Problem::NotFound)? {
        Ok(action) => administer(&user, target, action.clone(), &form).await.map(|done| (action, done)),
        Err(error) => Err(Rejection::Invalid(vec![error]).into()),
    };
    match outcome {
        Ok((action, done)) => respond(&user, &account, &action, &done),
        Err(error) if asks_for_password(&user, &error) => ask_for_password(&user, &account, &name, &form, error),
        Err(error) => {
            let page = page(&user, target, &form.role, FormErrors::default()).await?;
            user.reject(error, |errors| AccountPage { errors, ..page })
        }
    }
}

/// Returns the text of the button of an action.
fn label(user: &CurrentUser, action: &str, role: &str) -> String {
    let messages = user.messages();
    let text = match action {
        "disable" => messages.admin.disable,
        "enable" => messages.admin.enable,
        "unlock" => messages.admin.unlock,
        "sign-out" => messages.admin.sign_out_everywhere,
        "reset-link" => messages.admin.create_reset_link,
        "add-role" => messages.admin.add_role,
        "remove-role" => return (messages.admin.remove_role)(role),
        _ => messages.delete_account,
    };
    text.to_owned()
}

/// Does what the form asks for.
pub(super) async fn administer(
    user: &CurrentUser,
    target: AccountId,
    action: AdminAction,
    form: &ActionForm,
) -> Result<Administered, accounts::Error> {
    let administer = Administer { target, action, confirm: form.confirm.clone() };
    let authorization = Authorization {
        current_password: form.current_password.clone().unwrap_or_default(),
        devices: user.known_devices(),
        session: Arc::clone(&user.session),
    };
    user.state.accounts.administer(administer, authorization, &user.client).await
}

/// Whether the answer to `error` is a form for the password.
pub(super) fn asks_for_password(user: &CurrentUser, error: &accounts::Error) -> bool {
    let is_about_password = match error {
        accounts::Error::Rejected(Rejection::Throttled(_) | Rejection::Overloaded) => true,
        accounts::Error::Rejected(Rejection::Invalid(errors)) => errors.iter().all(|error| {
            matches!(
                error,
                FieldError::CurrentPasswordMissing | FieldError::CurrentPasswordMismatch | FieldError::PasswordTooLong
            )
        }),
        _ => false,
    };
    is_about_password && !user.state.accounts.recently_authenticated(&user.session)
}

/// Asks for the password, without an error if the form did not have the field.
pub(super) fn ask_for_password(
    user: &CurrentUser,
    account: &AccountDetails,
    action: &str,
    form: &ActionForm,
    error: accounts::Error,
) -> Result<HttpResponse, Problem> {
    let path = path_of(account.id);
    user.reject(error, |errors| ConfirmPage {
        layout: user.layout_at(&path),
        heading: (user.messages().admin.confirm_change)(account.username.as_str()),
        url: format!("{path}/{action}"),
        label: label(user, action, &form.role),
        hidden: vec![("role", form.role.clone()), ("confirm", form.confirm.clone())],
        back: path.clone(),
        back_text: user.messages().admin.back_to_account,
        errors: if form.current_password.is_some() { errors } else { FormErrors::default() },
    })
}

/// Answers a change that was made.
pub(super) fn respond(
    user: &CurrentUser,
    account: &AccountDetails,
    action: &AdminAction,
    Administered { link, session }: &Administered,
) -> Result<HttpResponse, Problem> {
    let is_own = account.id == user.session.account.id;
    let mut response = match (action, link) {
        (_, Some(token)) => {
            let page = link_page(user, account, token);
            let layout = match session {
                Some(session) => page.layout.for_new_session(session),
                None => page.layout,
            };
            user.render(&LinkPage { layout, ..page })?
        }
        // All sessions of the account have ended, also the new one.
        (AdminAction::Disable | AdminAction::SignOut | AdminAction::Delete, None) if is_own => {
            return redirect_to_login_clearing_data(user, Flash::SignedOut);
        }
        (AdminAction::RemoveRole(role), None) if is_own && role.is_admin() => {
            user.redirect("/", Flash::AccountChanged)?
        }
        (AdminAction::Delete, None) => user.redirect(super::accounts::PATH, Flash::OtherAccountDeleted)?,
        (_, None) => user.redirect(&path_of(account.id), Flash::AccountChanged)?,
    };
    if let Some(session) = session {
        user.set_session(&mut response, session)?;
    }
    Ok(response)
}

fn link_page(user: &CurrentUser, account: &AccountDetails, token: &LinkToken) -> LinkPage {
    let (back, messages) = (path_of(account.id), &user.messages().admin);
    LinkPage {
        layout: user.layout_at(&back),
        heading: messages.reset_link,
        text: (messages.link_for)(account.username.as_str()),
        hint: messages.shown_once,
        back_text: messages.back_to_account,
        link: format!("{}{}?token={}", user.state.public_url.origin(), reset::PATH, token.expose()),
        back,
    }
}
