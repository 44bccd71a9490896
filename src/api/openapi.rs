//! `GET /api/openapi.json`: the description of the API (`OpenAPI` 3.1), made from the handlers and their types.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        Components, Content, Header, OpenApi as Document, Ref, RefOr, Required, Response,
        link::Link,
        path::Operation,
        schema::{AllOfBuilder, ObjectBuilder, OneOfBuilder, Type},
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

use super::{login, logout, refresh, register, simplejwt, status, user, validate};
use crate::web::problem_json::ProblemBody;

/// The document.
static JSON: LazyLock<String> = LazyLock::new(|| Api::openapi().to_json().unwrap_or_default());

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Gatehouse",
        description = "Registration, sign-in and tokens for programs. Errors are `application/problem+json`: programs \
                       read `code`, people read `detail`. Cookies are neither read nor set.",
    ),
    servers((url = "/")),
    paths(
        status::get,
        register::post,
        login::post,
        refresh::post,
        logout::post,
        user::get,
        user::protected,
        validate::post,
        simplejwt::obtain,
        simplejwt::refresh_pair,
        get,
    ),
    components(schemas(ProblemBody)),
    modifiers(&SecuritySchemes, &CommonAnswers, &Exceptions)
)]
struct Api;

/// The description of the API
#[utoipa::path(
    get, path = "/api/openapi.json", operation_id = "openapi",
    responses((status = 200, body = serde_json::Value, description = "OpenAPI 3.1"))
)]
pub(crate) async fn get() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(JSON.as_str())
}

/// How requests carry a token.
struct SecuritySchemes;

impl Modify for SecuritySchemes {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_with(Components::new);
        for (name, description) in [
            ("access_token", "An access token, for the API itself"),
            ("refresh_token", "A refresh token, for new tokens or to sign out"),
        ] {
            let bearer = Http::builder().scheme(HttpAuthScheme::Bearer).description(Some(description)).build();
            components.add_security_scheme(name, SecurityScheme::Http(bearer));
        }
    }
}

/// What every operation may answer, and the body and headers of every error.
struct CommonAnswers;

const EVERYWHERE: [(&str, &str); 4] = [
    ("400", "The request is malformed"),
    ("421", "The request is for another host"),
    ("500", "A defect of the server, which is in its log"),
    ("503", "The server is overloaded, or its database does not answer"),
];
const WITH_BODY: [(&str, &str); 3] = [
    ("408", "The body did not arrive in time"),
    ("413", "The body is larger than 16 KiB"),
    ("415", "The body is not `application/json`"),
];

impl Modify for CommonAnswers {
    fn modify(&self, document: &mut Document) {
        for item in document.paths.paths.values_mut() {
            if let Some(operation) = &mut item.get {
                complete(operation, &EVERYWHERE);
            }
            if let Some(operation) = &mut item.post {
                complete(operation, &[&EVERYWHERE[..], &WITH_BODY].concat());
            }
        }
    }
}

/// What the attributes of handlers and types cannot say.
struct Exceptions;

impl Modify for Exceptions {
    fn modify(&self, document: &mut Document) {
        for item in document.paths.paths.values_mut() {
            let Some(operation) = &mut item.post else { continue };
            let id = operation.operation_id.as_deref().unwrap_or_default();
            // Their token may be in `Authorization` instead.
            if let (true, Some(RefOr::T(body))) = (matches!(id, "refresh" | "validate"), &mut operation.request_body) {
                body.required = Some(Required::False);
            }
            if matches!(id, "register" | "login" | "refresh") {
                link_tokens(operation);
            }
        }
        let schemas = document.components.get_or_insert_with(Components::new);
        if let Some(request) = schemas.schemas.remove("LoginRequest") {
            let one_name = ["login", "username", "email", "usernameOrEmail"]
                .into_iter()
                .fold(OneOfBuilder::new(), |names, name| names.item(ObjectBuilder::new().required(name)));
            let request = AllOfBuilder::new().item(request).item(one_name);
            schemas.schemas.insert("LoginRequest".to_owned(), request.into());
        }
    }
}

/// Says where the tokens of an answer can be used.
fn link_tokens(operation: &mut Operation) {
    for status in ["200", "201"] {
        let Some(RefOr::T(answer)) = operation.responses.responses.get_mut(status) else { continue };
        for (to, member, token) in
            [("refresh", "refresh_token", "refresh_token"), ("validate", "token", "access_token")]
        {
            let body = serde_json::json!({ member: format!("$response.body#/{token}") });
            let link = Link::builder().operation_id(to).request_body(Some(body)).build();
            answer.links.insert(to.to_owned(), link.into());
        }
    }
}

fn complete(operation: &mut Operation, common: &[(&str, &str)]) {
    let responses = &mut operation.responses.responses;
    for (status, description) in common {
        responses.entry((*status).to_owned()).or_insert_with(|| Response::new(*description).into());
    }
    for (status, response) in responses {
        let RefOr::T(response) = response else { continue };
        let mut header = |name: &str, kind: Type, description: &str| {
            let mut header = Header::new(ObjectBuilder::new().schema_type(kind));
            header.description = Some(description.to_owned());
            response.headers.insert(name.to_owned(), header.into());
        };
        header("Cache-Control", Type::String, "Always `no-store`");
        if status.starts_with('2') {
            if response.description.is_empty() {
                "Done".clone_into(&mut response.description);
            }
            continue;
        }
        header("Content-Language", Type::String, "The language of `title`, `detail` and `msg`");
        header("Vary", Type::String, "`Accept-Language`");
        match status.as_str() {
            "401" => header("WWW-Authenticate", Type::String, "RFC 6750"),
            "429" | "503" => header("Retry-After", Type::Integer, "Seconds"),
            _ => {}
        }
        let problem = Content::new(Some(Ref::from_schema_name("Problem")));
        response.content.insert("application/problem+json".to_owned(), problem.into());
    }
}
