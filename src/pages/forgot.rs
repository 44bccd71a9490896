//! `/forgot`: whom to ask for a new password. Gatehouse sends no mail; an operator makes a link.

use actix_web::HttpResponse;
use askama::Template;

use crate::web::{error::Problem, guard::Visitor, layout::Layout};

/// The path of the page.
pub(crate) const PATH: &str = "/forgot";

#[derive(Template)]
#[template(path = "forgot.html")]
struct ForgotPage {
    layout: Layout,
}

/// `GET /forgot`
pub(crate) async fn get(visitor: Visitor) -> Result<HttpResponse, Problem> {
    visitor.render(&ForgotPage { layout: visitor.layout_for(PATH.to_owned()) })
}
