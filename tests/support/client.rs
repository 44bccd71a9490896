//! A browser without a face: keeps cookies, follows nothing by itself, and shows all of each answer.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use reqwest::{
    Method, RequestBuilder,
    header::{COOKIE, HeaderMap, SET_COOKIE},
    redirect::Policy,
};

use super::PASSWORD;

/// See the module. Clones share their cookies.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    pub base: String,
    cookies: Arc<Mutex<BTreeMap<String, String>>>,
    /// Headers that it sends with everything.
    pub headers: Vec<(&'static str, String)>,
}

/// One answer.
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

    /// The `Set-Cookie` header of one cookie.
    pub fn set_cookie(&self, name: &str) -> Option<&str> {
        let beginning = format!("{name}=");
        self.set_cookies().into_iter().find(|cookie| cookie.starts_with(&beginning))
    }

    /// The value of a hidden field.
    pub fn hidden_field(&self, name: &str) -> Option<String> {
        let beginning = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.body.split_once(&beginning)?;
        Some(rest.split('"').next()?.to_owned())
    }

    /// The errors beside the fields, by the field's name.
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

    pub fn error_fields(&self) -> Vec<String> {
        self.errors().into_iter().map(|(name, _)| name).collect()
    }
}

impl Client {
    pub fn new(base: &str) -> Self {
        let http = reqwest::Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
        Self { http, base: base.to_owned(), cookies: Arc::default(), headers: Vec::new() }
    }

    /// The same person elsewhere: as a trusted proxy would tell of them.
    pub fn from_ip(&self, address: &str) -> Self {
        let mut other = Self::new(&self.base);
        other.headers = vec![("x-forwarded-for", address.to_owned())];
        other
    }

    /// The same browser's cookies, in a browser of its own from now on.
    pub fn fork(&self) -> Self {
        Self { cookies: Arc::new(Mutex::new(self.cookies.lock().unwrap().clone())), ..self.clone() }
    }

    /// The same cookies against another server.
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

    /// A request with nothing added but the cookies.
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

    /// A form, as a browser sends it from a page of ours.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.request("POST", path).header("origin", &self.base).form(fields);
        self.send(request).await
    }

    pub async fn register(&self, name: &str) -> Answer {
        let email = format!("{name}@keepers.example");
        let fields = [("username", name), ("email", &email), ("password", PASSWORD), ("password_confirm", PASSWORD)];
        self.post("/register", &fields).await
    }

    pub async fn sign_in(&self, login: &str, password: &str) -> Answer {
        self.post("/login", &[("login", login), ("password", password)]).await
    }

    /// The hidden field of signed-in forms.
    pub async fn csrf_token(&self) -> String {
        self.get("/").await.hidden_field("csrf_token").expect("signed in")
    }

    pub async fn sign_out(&self) -> Answer {
        let token = self.csrf_token().await;
        self.post("/logout", &[("csrf_token", &token)]).await
    }

    pub async fn is_signed_in(&self) -> bool {
        let answer = self.get("/").await;
        assert!(answer.status == 200 || answer.location().starts_with("/login"), "{answer:?}");
        answer.status == 200
    }
}
