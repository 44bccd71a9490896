//! `/language`: the language of the pages, for this browser and for the account.

use actix_web::HttpResponse;
use serde::Deserialize;

use crate::{
    accounts::Error,
    language::Language,
    web::{
        error::Problem,
        form::Form,
        guard::Visitor,
        return_to::{ReturnTo, see_other},
    },
};

/// The form at the end of every page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LanguageForm {
    language: Language,
    /// The page to return to; not validated yet.
    #[serde(default)]
    next: String,
}

/// `POST /language`, with or without a session.
pub(crate) async fn post(visitor: Visitor, Form(form): Form<LanguageForm>) -> Result<HttpResponse, Problem> {
    if let Some(session) = &visitor.session {
        match visitor.state.accounts.change_language(form.language, session, &visitor.client).await {
            // If the session has ended meanwhile or the account is changed too often, the browser keeps the choice.
            Ok(()) | Err(Error::SessionEnded | Error::Rejected(_)) => {}
            Err(Error::Database(error)) => return Err(error.into()),
            Err(Error::Hashing(error)) => return Err(error.into()),
        }
    }
    let return_to = ReturnTo::parse_page(&form.next);
    let mut response = see_other(return_to.as_ref().map_or("/", ReturnTo::as_str));
    visitor.set_language(&mut response, form.language)?;
    Ok(response)
}
