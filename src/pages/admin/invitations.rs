//! `/admin/invitations`: links to register.

use std::sync::Arc;

use actix_web::{
    HttpResponse,
    web::{Path, Query},
};
use askama::Template;
use secrecy::SecretString;
use serde::Deserialize;

use super::{
    account::{ConfirmPage, LinkPage, asks_for_password},
    url,
};
use crate::{
    accounts::{Authorization, Error, Invitation, InvitationId, LinkToken, NewInvitation},
    sessions::NewSession,
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

/// The path of the page.
pub(crate) const PATH: &str = "/admin/invitations";
/// Invitations on a page.
const PAGE_ROWS: usize = 25;
/// How long a new invitation is valid, unless the administrator says otherwise.
const DEFAULT_LIFETIME: &str = "7d";

#[derive(Template)]
#[template(path = "admin/invitations.html")]
struct InvitationsPage<'a> {
    layout: Layout,
    rows: Vec<InvitationRow>,
    next: Option<String>,
    form: &'a InvitationForm,
    errors: FormErrors,
}

struct InvitationRow {
    id: InvitationId,
    roles: Vec<String>,
    expires_at: DisplayTime,
    used_at: Option<DisplayTime>,
    /// Whether it can be used and revoked.
    is_valid: bool,
}

/// The query of the page.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct InvitationsQuery {
    /// Shows invitations before this one.
    before: Option<String>,
}

/// The form of a new invitation, and that of its revocation, which has the password only.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct InvitationForm {
    /// Roles of the new account, separated by spaces.
    role: String,
    /// How long the link is valid, such as "7d".
    expires: String,
    #[serde(deserialize_with = "present")]
    current_password: Option<SecretString>,
}

impl Default for InvitationForm {
    fn default() -> Self {
        Self { role: String::new(), expires: DEFAULT_LIFETIME.to_owned(), current_password: None }
    }
}

impl InvitationForm {
    fn authorization(&self, user: &CurrentUser) -> Authorization {
        Authorization {
            current_password: self.current_password.clone().unwrap_or_default(),
            devices: user.known_devices(),
            session: Arc::clone(&user.session),
        }
    }
}

async fn page<'a>(
    user: &CurrentUser,
    before: Option<InvitationId>,
    form: &'a InvitationForm,
) -> Result<InvitationsPage<'a>, Problem> {
    let (now, messages) = (user.state.core.clock.now(), user.messages());
    // One more than the page shows, to know whether there are more.
    let mut invitations = user.state.accounts.invitations(before, PAGE_ROWS + 1).await?;
    let has_more = invitations.len() > PAGE_ROWS;
    invitations.truncate(PAGE_ROWS);
    let last = invitations.last().filter(|_| has_more).map(|last| last.id.to_string());
    let row = |invitation: Invitation| InvitationRow {
        id: invitation.id,
        is_valid: invitation.is_valid(now),
        roles: invitation.roles.iter().map(ToString::to_string).collect(),
        expires_at: messages.time(invitation.expires_at, now),
        used_at: invitation.used_at.map(|at| messages.time(at, now)),
    };
    Ok(InvitationsPage {
        layout: user.layout_at(PATH),
        rows: invitations.into_iter().map(row).collect(),
        next: last.map(|last| url(PATH, &[("before", &last)])),
        form,
        errors: FormErrors::default(),
    })
}

/// `GET /admin/invitations`
pub(crate) async fn get(user: CurrentUser, query: Option<Query<InvitationsQuery>>) -> Result<HttpResponse, Problem> {
    let before = query.and_then(|query| query.into_inner().before?.parse().ok());
    user.render(&page(&user, before, &InvitationForm::default()).await?)
}

/// `POST /admin/invitations`
pub(crate) async fn post(user: CurrentUser, Form(form): Form<InvitationForm>) -> Result<HttpResponse, Problem> {
    let new = NewInvitation { roles: form.role.clone(), lifetime: form.expires.clone() };
    match user.state.accounts.invite_as(new, form.authorization(&user), &user.client).await {
        Ok((token, session)) => link(&user, &token, session),
        Err(error) if asks_for_password(&user, &error) => {
            let hidden = vec![("role", form.role.clone()), ("expires", form.expires.clone())];
            ask_for_password(&user, PATH.to_owned(), user.messages().admin.create_invitation, hidden, &form, error)
        }
        Err(error) => {
            let page = page(&user, None, &form).await?;
            user.reject(error, |errors| InvitationsPage { errors, ..page })
        }
    }
}

/// `POST /admin/invitations/{id}/revoke`
pub(crate) async fn revoke(
    user: CurrentUser,
    id: Path<String>,
    Form(form): Form<InvitationForm>,
) -> Result<HttpResponse, Problem> {
    let id: InvitationId = id.parse().map_err(|_| Problem::NotFound)?;
    match user.state.accounts.revoke_invitation_as(id, form.authorization(&user), &user.client).await {
        Ok((true, session)) => {
            let mut response = user.redirect(PATH, Flash::InvitationRevoked)?;
            if let Some(session) = session {
                user.set_session(&mut response, &session)?;
            }
            Ok(response)
        }
        Ok((false, _)) => Err(Problem::NotFound),
        Err(error) if asks_for_password(&user, &error) => {
            let url = format!("{PATH}/{id}/revoke");
            ask_for_password(&user, url, user.messages().admin.revoke, Vec::new(), &form, error)
        }
        Err(error) => {
            let page = page(&user, None, &form).await?;
            user.reject(error, |errors| InvitationsPage { errors, ..page })
        }
    }
}

fn ask_for_password(
    user: &CurrentUser,
    url: String,
    label: &str,
    hidden: Vec<(&'static str, String)>,
    form: &InvitationForm,
    error: Error,
) -> Result<HttpResponse, Problem> {
    user.reject(error, |errors| ConfirmPage {
        layout: user.layout_at(PATH),
        heading: user.messages().admin.confirm_invitation.to_owned(),
        url,
        label: label.to_owned(),
        hidden,
        back: PATH.to_owned(),
        back_text: user.messages().admin.back_to_invitations,
        errors: if form.current_password.is_some() { errors } else { FormErrors::default() },
    })
}

fn link(user: &CurrentUser, token: &LinkToken, session: Option<NewSession>) -> Result<HttpResponse, Problem> {
    let messages = &user.messages().admin;
    let layout = user.layout_at(PATH);
    let layout = match &session {
        Some(session) => layout.for_new_session(session),
        None => layout,
    };
    let page = LinkPage {
        layout,
        heading: messages.invitation_link,
        text: messages.invitation_link_text.to_owned(),
        hint: messages.invitation_shown_once,
        link: format!("{}/register?invite={}", user.state.public_url.origin(), token.expose()),
        back: PATH.to_owned(),
        back_text: messages.back_to_invitations,
    };
    let mut response = user.render(&page)?;
    if let Some(session) = &session {
        user.set_session(&mut response, session)?;
    }
    Ok(response)
}
