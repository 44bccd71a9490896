//! Errors for programs: `application/problem+json` (RFC 9457). The codes are a contract, the texts are not.

use actix_web::{
    HttpResponse,
    http::{StatusCode, header::CONTENT_TYPE},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{language::set_headers, messages::Messages};
use crate::{
    accounts::{EmailError, FieldError, Rejection, UsernameError},
    apps,
    language::Language,
    passwords::Weakness,
    request_id::RequestId,
};

/// What is wrong with a request.
#[derive(Debug)]
pub(crate) struct ProblemDetails<'a> {
    /// The name of the problem.
    pub(crate) code: &'static str,
    /// A summary.
    pub(crate) title: &'a str,
    /// What happened, and what to do.
    pub(crate) detail: &'a str,
    /// What is wrong with the fields.
    pub(crate) errors: &'a [FieldDetails],
    /// Where a browser signs in.
    pub(crate) sign_in_url: Option<&'a str>,
}

/// What is wrong with one field.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FieldProblem)]
pub(crate) struct FieldDetails {
    /// The name of the member.
    #[schema(value_type = String, example = "username")]
    field: &'static str,
    /// What is wrong, for programs.
    #[schema(value_type = String, example = "taken")]
    code: &'static str,
    /// What is wrong, for people.
    detail: String,
}

/// The body of an answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody<'a> {
    /// Always `about:blank`: there is nothing to say beyond the status and the code.
    #[schema(value_type = String, example = "about:blank")]
    r#type: &'static str,
    /// A summary.
    title: &'a str,
    #[schema(example = 422)]
    status: u16,
    /// What happened, and what to do, for people.
    detail: &'a str,
    /// What happened, for programs.
    #[schema(value_type = String, example = "validation_failed")]
    code: &'static str,
    /// The same as `detail`, under the name that clients of flask-jwt-extended read.
    msg: &'a str,
    /// The id under which the log has the request.
    request_id: Option<String>,
    /// What is wrong with the members of the request.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<FieldDetails>, required = false)]
    errors: &'a [FieldDetails],
    /// Where a browser signs in; only behind a reverse proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    sign_in_url: Option<&'a str>,
}

impl FieldDetails {
    /// Returns what a rejection says of the fields: the first error of each.
    pub(crate) fn of(rejection: &Rejection, messages: &Messages) -> Vec<Self> {
        let errors = match rejection {
            Rejection::Invalid(errors) => errors,
            Rejection::App(refused) => {
                let Some((field, code)) = app_field(refused) else { return Vec::new() };
                return vec![Self { field, code, detail: (messages.rejection)(rejection).into_owned() }];
            }
            _ => return Vec::new(),
        };
        let mut details: Vec<Self> = Vec::new();
        for error in errors {
            let field = field_name(*error);
            if details.iter().all(|known| known.field != field) {
                let detail = (messages.field_error)(*error).into_owned();
                details.push(Self { field, code: field_code(*error), detail });
            }
        }
        details
    }

    /// Replaces the name of a field by another one under which it was sent.
    pub(crate) fn rename(&mut self, field: &'static str, sent_as: &'static str) {
        if self.field == field {
            self.field = sent_as;
        }
    }
}

impl<'a> ProblemDetails<'a> {
    /// Returns a problem that has to do with no field.
    pub(crate) fn new(code: &'static str, title: &'a str, detail: &'a str) -> Self {
        Self { code, title, detail, errors: &[], sign_in_url: None }
    }

    /// Returns the answer.
    pub(crate) fn answer(&self, status: StatusCode, language: Language, request_id: Option<RequestId>) -> HttpResponse {
        let &Self { code, title, detail, errors, sign_in_url } = self;
        let body = ProblemBody {
            r#type: "about:blank",
            title,
            status: status.as_u16(),
            detail,
            code,
            msg: detail,
            request_id: request_id.map(|id| id.to_string()),
            errors,
            sign_in_url,
        };
        let body = serde_json::to_string(&body).unwrap_or_default();
        let mut response =
            HttpResponse::build(status).insert_header((CONTENT_TYPE, "application/problem+json")).body(body);
        set_headers(response.headers_mut(), language);
        response
    }
}

/// Returns the name of the form field that has the error.
pub(super) fn field_name(error: FieldError) -> &'static str {
    match error {
        FieldError::LoginMissing => "login",
        FieldError::Username(_) | FieldError::UsernameTaken | FieldError::UsernameReserved => "username",
        FieldError::Email(_) | FieldError::EmailTaken => "email",
        FieldError::PasswordMissing
        | FieldError::NewPasswordMissing
        | FieldError::PasswordTooLong
        | FieldError::PasswordWeak(_)
        | FieldError::PasswordUnchanged => "password",
        FieldError::ConfirmationMismatch => "password_confirm",
        FieldError::CurrentPasswordMissing | FieldError::CurrentPasswordMismatch => "current_password",
        FieldError::DeletionNotConfirmed | FieldError::TargetNotConfirmed => "confirm",
        FieldError::Role => "role",
        FieldError::Lifetime => "expires",
        FieldError::InvitationInvalid => "invite",
        FieldError::ApplicationUnknown => "app",
        FieldError::AppId => "id",
        FieldError::AppName => "name",
        FieldError::AppUrl => "url",
        FieldError::AppOrigins => "cors",
        FieldError::TokenFormat => "tokens",
        FieldError::SecretTooLong => "hs256_secret",
    }
}

/// Returns the name of the form field to which a rule for applications objects, and the code of the error within it.
pub(super) fn app_field(rejection: &apps::Rejection) -> Option<(&'static str, &'static str)> {
    match rejection {
        apps::Rejection::IdTaken => Some(("id", "taken")),
        apps::Rejection::UrlTaken(_) => Some(("url", "taken")),
        apps::Rejection::UrlIsOwn => Some(("url", "reserved")),
        apps::Rejection::TooManyRoles => Some(("role", "too_many")),
        apps::Rejection::TooManyOrigins => Some(("cors", "too_many")),
        apps::Rejection::SecretMissing => Some(("hs256_secret", "missing")),
        apps::Rejection::NoSuchApp | apps::Rejection::TooManyApps => None,
    }
}

/// Returns the code of a rejection.
pub(crate) fn rejection_code(rejection: &Rejection) -> &'static str {
    match rejection {
        Rejection::Invalid(_) | Rejection::App(_) => "validation_failed",
        Rejection::WrongCredentials => "invalid_credentials",
        Rejection::Throttled(_) | Rejection::TooManyRegistrations(_) => "too_many_attempts",
        Rejection::Overloaded => "unavailable",
        Rejection::Conflict => "conflict",
        Rejection::NoSuchAccount => "not_found",
        Rejection::RegistrationClosed
        | Rejection::InvitationNeeded
        | Rejection::NotAdministrator
        | Rejection::NotAdmitted => "forbidden",
        Rejection::LinkInvalid => "link_invalid",
        Rejection::LastAdministrator => "last_administrator",
    }
}

/// Returns the code of an error, within its field.
fn field_code(error: FieldError) -> &'static str {
    match error {
        FieldError::LoginMissing
        | FieldError::Username(UsernameError::Missing)
        | FieldError::Email(EmailError::Missing)
        | FieldError::PasswordMissing
        | FieldError::NewPasswordMissing
        | FieldError::CurrentPasswordMissing => "missing",
        FieldError::Username(UsernameError::Length) => "length",
        FieldError::Username(UsernameError::FirstCharacter | UsernameError::Character)
        | FieldError::Email(EmailError::Malformed)
        | FieldError::Lifetime
        | FieldError::Role
        | FieldError::AppId
        | FieldError::AppName
        | FieldError::AppUrl
        | FieldError::AppOrigins => "malformed",
        FieldError::UsernameTaken | FieldError::EmailTaken => "taken",
        FieldError::UsernameReserved => "reserved",
        FieldError::Email(EmailError::TooLong) | FieldError::PasswordTooLong | FieldError::SecretTooLong => "too_long",
        FieldError::PasswordWeak(Weakness::TooShort(_)) => "too_short",
        FieldError::PasswordWeak(Weakness::Personal) => "personal",
        FieldError::PasswordWeak(Weakness::Pattern) => "pattern",
        FieldError::PasswordWeak(Weakness::Common) => "common",
        FieldError::PasswordUnchanged => "unchanged",
        FieldError::ConfirmationMismatch => "mismatch",
        FieldError::CurrentPasswordMismatch => "wrong",
        FieldError::DeletionNotConfirmed | FieldError::TargetNotConfirmed => "not_confirmed",
        FieldError::InvitationInvalid => "invalid",
        FieldError::ApplicationUnknown | FieldError::TokenFormat => "unknown",
    }
}
