//! An HTTP client that keeps cookies, follows no redirects and exposes every part of a response.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use gatehouse::accounts::AccountId;
use reqwest::{
    Method, RequestBuilder,
    header::{CONTENT_TYPE, COOKIE, HeaderMap, SET_COOKIE},
    redirect::Policy,
};
use serde_json::{Value, json};

use super::PASSWORD;

/// An HTTP client with cookies. Clones share their cookies; [`Client::fork`] copies them.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    pub base: String,
    cookies: Arc<Mutex<BTreeMap<String, String>>>,
    /// Headers that are sent with every request.
    pub headers: Vec<(&'static str, String)>,
}

/// A response, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn location(&self) -> &str {
        self.header("location")
    }

    pub fn set_cookies(&self) -> Vec<&str> {
        self.headers.get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap()).collect()
    }

    /// Returns the `Set-Cookie` header of one cookie.
    pub fn set_cookie(&self, name: &str) -> Option<&str> {
        let prefix = format!("{name}=");
        self.set_cookies().into_iter().find(|cookie| cookie.starts_with(&prefix))
    }

    /// Returns the value of a hidden form field.
    pub fn hidden_field(&self, name: &str) -> Option<String> {
        let prefix = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.body.split_once(&prefix)?;
        Some(rest.split('"').next()?.to_owned())
    }

    /// Returns the name and error text of every form field with an error, in the order of the page.
    pub fn errors(&self) -> Vec<(String, String)> {
        self.body
            .split("<p class=\"error\" id=\"")
            .skip(1)
            .map(|part| {
                let name = part.split("-error\"").next().unwrap();
                let text = part.split("</span> ").nth(1).unwrap().split("</p>").next().unwrap();
                (name.to_owned(), text.to_owned())
            })
            .collect()
    }

    /// Returns the body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Returns the access token and the refresh token of an answer of the JSON API.
    #[track_caller]
    pub fn tokens(&self) -> (String, String) {
        let text = |name: &str| self.json()[name].as_str().unwrap_or_else(|| panic!("{name}: {self:?}")).to_owned();
        (text("access_token"), text("refresh_token"))
    }

    /// Returns the status and the code of an answer of problem+json.
    #[track_caller]
    pub fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status, "{self:?}");
        assert_eq!(problem["msg"], problem["detail"], "{self:?}");
        (self.status, problem["code"].as_str().unwrap().to_owned())
    }

    /// Returns the names of all form fields with an error, in the order of the page.
    pub fn error_fields(&self) -> Vec<String> {
        self.errors().into_iter().map(|(name, _)| name).collect()
    }
}

/// Asserts a `422` response with errors for exactly these form fields, in this order.
#[track_caller]
pub fn assert_field_errors(answer: &Answer, fields: &[&str]) {
    assert_eq!(answer.status, 422, "{answer:?}");
    assert_eq!(answer.error_fields(), fields, "{answer:?}");
}

/// Asserts a `303` redirect to `location`.
#[track_caller]
pub fn assert_redirect(answer: &Answer, location: &str) {
    assert_eq!((answer.status, answer.location()), (303, location), "{answer:?}");
}

/// Asserts a `429` response that names the wait in seconds.
#[track_caller]
pub fn assert_throttled(answer: &Answer, seconds: u64) {
    assert_eq!((answer.status, answer.header("retry-after")), (429, seconds.to_string().as_str()), "{answer:?}");
}

/// The registration form. By default it is valid and registers `zoe`.
#[derive(Debug, Clone, Copy)]
pub struct RegisterForm<'a> {
    pub username: &'a str,
    pub email: &'a str,
    pub password: &'a str,
    pub password_confirm: &'a str,
}

impl Default for RegisterForm<'_> {
    fn default() -> Self {
        Self { username: "zoe", email: "zoe@keepers.example", password: PASSWORD, password_confirm: PASSWORD }
    }
}

impl<'a> RegisterForm<'a> {
    /// The default form with this password in both password fields.
    pub fn with_password(password: &'a str) -> Self {
        Self { password, password_confirm: password, ..Self::default() }
    }

    pub fn fields(&self) -> [(&'static str, &'a str); 4] {
        [
            ("username", self.username),
            ("email", self.email),
            ("password", self.password),
            ("password_confirm", self.password_confirm),
        ]
    }

    /// Returns the fields followed by one that is not part of every form.
    pub fn fields_and(&self, name: &'static str, value: &'a str) -> Vec<(&'static str, &'a str)> {
        [&self.fields()[..], &[(name, value)]].concat()
    }
}

impl Client {
    pub fn new(base: &str) -> Self {
        let http = reqwest::Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
        Self { http, base: base.to_owned(), cookies: Arc::default(), headers: Vec::new() }
    }

    /// Returns a client without cookies that claims this address in `X-Forwarded-For`.
    #[expect(clippy::wrong_self_convention, reason = "reads as a client from this address")]
    pub fn from_ip(&self, address: &str) -> Self {
        let mut other = Self::new(&self.base);
        other.headers = vec![("x-forwarded-for", address.to_owned())];
        other
    }

    /// Returns a client with the same cookies that sends this `Accept-Language`.
    pub fn speaking(&self, languages: &str) -> Self {
        let mut other = self.clone();
        other.headers.push(("accept-language", languages.to_owned()));
        other
    }

    /// Returns an independent client that starts with a copy of the cookies.
    pub fn fork(&self) -> Self {
        Self { cookies: Arc::new(Mutex::new(self.cookies.lock().unwrap().clone())), ..self.clone() }
    }

    /// Returns an independent client with a copy of the cookies for another server.
    pub fn against(&self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self.fork() }
    }

    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().unwrap().get(name).cloned()
    }

    pub fn set_cookie(&self, name: &str, value: &str) {
        self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }

    pub fn remove_cookie(&self, name: &str) {
        self.cookies.lock().unwrap().remove(name);
    }

    /// Builds a request with the cookies and default headers, but without `Origin`.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method: Method = method.parse().unwrap();
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        let cookies: Vec<_> =
            self.cookies.lock().unwrap().iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request
    }

    /// Sends a request and stores the cookies of the response.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let answer = Answer { status, headers, body: response.text().await.unwrap() };
        let mut cookies = self.cookies.lock().unwrap();
        for cookie in answer.set_cookies() {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if cookie.contains("Max-Age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path)).await
    }

    /// Posts a form as a browser does from a page of the same origin.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.request("POST", path).header("origin", &self.base).form(fields);
        self.send(request).await
    }

    /// Posts a form of a signed-in page, with the CSRF token of the session.
    pub async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.csrf_token().await;
        self.post(path, &[&[("csrf_token", token.as_str())], fields].concat()).await
    }

    /// Sends a request to the JSON API, with a token if it is not empty and a body if it is not null. No cookies are
    /// sent or kept.
    pub async fn call(&self, method: &str, path: &str, token: &str, body: Value) -> Answer {
        let mut request = Self { cookies: Arc::default(), ..self.clone() }.request(method, path);
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if !body.is_null() {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        self.send(request).await
    }

    /// Registers `username` with the JSON API, which needs no `Origin`.
    pub async fn register_program(&self, username: &str) -> Answer {
        let email = format!("{username}@keepers.example");
        let body = json!({"username": username, "email": email, "password": PASSWORD});
        self.call("POST", "/api/register", "", body).await
    }

    /// Signs a program in, and returns its access token and refresh token.
    pub async fn tokens(&self, login: &str) -> (String, String) {
        let answer = self.call("POST", "/api/login", "", json!({"login": login, "password": PASSWORD})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.tokens()
    }

    /// Registers `username` with the address `<username>@keepers.example`.
    pub async fn register(&self, username: &str) -> Answer {
        let email = format!("{username}@keepers.example");
        self.register_with(RegisterForm { username, email: &email, ..RegisterForm::default() }).await
    }

    pub async fn register_with(&self, form: RegisterForm<'_>) -> Answer {
        self.post("/register", &form.fields()).await
    }

    pub async fn sign_in(&self, login: &str, password: &str) -> Answer {
        self.post("/login", &[("login", login), ("password", password)]).await
    }

    /// Signs in with "Keep me signed in" checked.
    pub async fn sign_in_remembered(&self, login: &str, password: &str) -> Answer {
        self.post("/login", &[("login", login), ("password", password), ("remember", "on")]).await
    }

    /// Returns the CSRF token of the current session.
    pub async fn csrf_token(&self) -> String {
        self.get("/").await.hidden_field("csrf_token").expect("the client is signed in")
    }

    /// Signs in to an application, as a browser does through its reverse proxy.
    pub async fn open_app(&self, id: &str) {
        let start = self.get(&format!("/handover/{id}/start")).await;
        let path = start.location().strip_prefix(&self.base).unwrap_or_else(|| panic!("{start:?}"));
        let code = self.get(path).await;
        let (_, query) = code.location().split_once("/.gatehouse/callback?").unwrap_or_else(|| panic!("{code:?}"));
        assert_eq!(self.get(&format!("/handover/{id}/callback?{query}")).await.status, 303);
    }

    pub async fn sign_out(&self) -> Answer {
        let token = self.csrf_token().await;
        self.post("/logout", &[("csrf_token", &token)]).await
    }

    /// Returns the id of the signed-in account, as the export shows it.
    pub async fn account_id(&self) -> AccountId {
        let export: Value = serde_json::from_str(&self.get("/account/export").await.body).unwrap();
        AccountId::from(*uuid::Uuid::parse_str(export["account"]["id"].as_str().unwrap()).unwrap().as_bytes())
    }

    pub async fn is_signed_in(&self) -> bool {
        let answer = self.get("/").await;
        assert!(answer.status == 200 || answer.location().starts_with("/login"), "{answer:?}");
        answer.status == 200
    }
}
