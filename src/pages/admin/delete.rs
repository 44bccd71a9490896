//! `/admin/accounts/{id}/delete`: deleting the account of another person.

use actix_web::{HttpResponse, web::Path};
use askama::Template;

use super::{
    account::{ActionForm, administer, ask_for_password, asks_for_password, find, respond},
    accounts::path_of,
};
use crate::{
    accounts::{AccountDetails, AccountId, AdminAction},
    web::{error::Problem, form::Form, guard::CurrentUser, layout::Layout, render::FormErrors},
};

#[derive(Template)]
#[template(path = "admin/delete.html")]
struct DeletePage<'a> {
    layout: Layout,
    username: String,
    path: String,
    back: String,
    confirm: &'a str,
    errors: FormErrors,
}

fn page<'a>(user: &CurrentUser, account: &AccountDetails, confirm: &'a str, errors: FormErrors) -> DeletePage<'a> {
    let back = path_of(account.id);
    let path = format!("{back}/delete");
    let username = account.username.as_str().to_owned();
    DeletePage { layout: user.layout_at(&path), username, path, back, confirm, errors }
}

/// `GET /admin/accounts/{id}/delete`
pub(crate) async fn get(user: CurrentUser, id: Path<AccountId>) -> Result<HttpResponse, Problem> {
    let account = find(&user, *id).await?;
    user.render(&page(&user, &account, "", FormErrors::default()))
}

/// `POST /admin/accounts/{id}/delete`
pub(crate) async fn post(
    user: CurrentUser,
    id: Path<AccountId>,
    Form(form): Form<ActionForm>,
) -> Result<HttpResponse, Problem> {
    let account = find(&user, *id).await?;
    match administer(&user, *id, AdminAction::Delete, &form).await {
        Ok(done) => respond(&user, &account, &AdminAction::Delete, &done),
        Err(error) if asks_for_password(&user, &error) => ask_for_password(&user, &account, "delete", &form, error),
        Err(error) => user.reject(error, |errors| page(&user, &account, &form.confirm, errors)),
    }
}
