//! Static files: compiled in, or a folder that replaces them. Their URLs carry a hash of their content, so a browser
//! may cache them indefinitely and still gets the new ones right after an update.

use std::{borrow::Cow, collections::HashMap, fs, future::ready, io, path::Path, sync::Arc};

use actix_files::{Files, NamedFile, file_extension_to_mime};
use actix_web::{
    HttpRequest, HttpResponse,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    guard,
    http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, EntityTag, Header, HeaderMap, HeaderValue, IfNoneMatch},
    middleware::{Next, from_fn},
    web::{self, Bytes, ServiceConfig},
};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use rust_embed::RustEmbed;

use super::error::Problem;

/// The path below which the files are served.
const PREFIX: &str = "/static";
/// The route of all files, in metrics.
const ROUTE: &str = "/static/{name}";
const STYLE: &str = "style.css";
const ACCOUNT_STYLE: &str = "account.css";
const ADMIN_STYLE: &str = "admin.css";
const MARK: &str = "mark.svg";

#[derive(RustEmbed)]
#[folder = "static/"]
struct BuiltIn;

/// The static files and their URLs.
#[derive(Debug, Clone)]
pub struct Assets {
    source: Source,
    versions: Arc<HashMap<String, String>>,
    /// The URL of the style sheet.
    pub style: Arc<str>,
    /// The URL of the style sheet that only the pages of signed-in people link, so that a first visit loads less.
    pub account_style: Arc<str>,
    /// The URL of the style sheet that only the admin area links.
    pub admin_style: Arc<str>,
    /// The URL of the site's mark.
    pub mark: Arc<str>,
}

#[derive(Debug, Clone)]
enum Source {
    BuiltIn,
    Folder(Arc<Path>),
}

impl Assets {
    /// Hashes the files of `folder`, or the built-in ones. Fails if a file that pages link to is missing.
    pub fn load(folder: Option<&Path>) -> io::Result<Self> {
        let mut versions = HashMap::new();
        let mut add = |name: &str, content: &[u8]| {
            let hash = BASE64.encode(&digest(&SHA256, content).as_ref()[..9]);
            versions.insert(format!("{PREFIX}/{name}"), hash);
        };
        match folder {
            None => BuiltIn::iter().for_each(|name| add(&name, &built_in(&name).unwrap_or_default())),
            Some(folder) => {
                for entry in fs::read_dir(folder)? {
                    let entry = entry?;
                    if entry.file_type()?.is_file()
                        && let Ok(name) = entry.file_name().into_string()
                    {
                        add(&name, &fs::read(entry.path())?);
                    }
                }
            }
        }
        let url = |name: &str| {
            let path = format!("{PREFIX}/{name}");
            match versions.get(&path) {
                Some(version) => Ok(Arc::from(format!("{path}?v={version}"))),
                None => Err(io::Error::new(io::ErrorKind::NotFound, format!("{name} is missing"))),
            }
        };
        let source = folder.map_or(Source::BuiltIn, |folder| Source::Folder(folder.into()));
        Ok(Self {
            source,
            style: url(STYLE)?,
            account_style: url(ACCOUNT_STYLE)?,
            admin_style: url(ADMIN_STYLE)?,
            mark: url(MARK)?,
            versions: Arc::new(versions),
        })
    }

    /// Registers the files below `/static`. Calls `set_route` with each request and the pattern of the files. It is a
    /// parameter, because `request_info` imports this module through `state`.
    pub fn register(&self, config: &mut ServiceConfig, set_route: fn(&ServiceRequest, &'static str)) {
        let assets = self.clone();
        let scope = web::scope(PREFIX).wrap(from_fn(move |req, next| {
            set_route(&req, ROUTE);
            let assets = assets.clone();
            async move { assets.with_headers(req, next).await }
        }));
        config.service(match &self.source {
            Source::Folder(folder) => scope.service(Files::new("", folder.as_ref()).prefer_utf8(true)),
            Source::BuiltIn => {
                let assets = self.clone();
                let answer = move |req: HttpRequest, name: web::Path<String>| ready(assets.built_in(&req, &name));
                scope.service(
                    web::resource("/{name:.*}")
                        .route(web::route().guard(guard::Any(guard::Get()).or(guard::Head())).to(answer))
                        .default_service(web::to(|| async { Err::<&str, _>(Problem::MethodNotAllowed("GET, HEAD")) })),
                )
            }
        });
    }

    /// Answers with a built-in file, or with `304` if the client has it already.
    fn built_in(&self, req: &HttpRequest, name: &str) -> Result<HttpResponse, Problem> {
        let version = self.versions.get(&format!("{PREFIX}/{name}")).ok_or(Problem::NotFound)?;
        let content = built_in(name).ok_or(Problem::NotFound)?;
        let tag = EntityTag::new_strong(version.clone());
        let is_known = match IfNoneMatch::parse(req) {
            Ok(IfNoneMatch::Any) => true,
            Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(&tag)),
            Err(_) => false,
        };
        if is_known {
            return Ok(HttpResponse::NotModified().insert_header((ETAG, tag.to_string())).finish());
        }
        let extension = name.rsplit('.').next().unwrap_or_default();
        let mime = file_extension_to_mime(extension);
        let charset = if mime.type_() == "text" { "; charset=utf-8" } else { "" };
        let body = match content {
            Cow::Borrowed(content) => Bytes::from_static(content),
            Cow::Owned(content) => Bytes::from(content),
        };
        Ok(HttpResponse::Ok()
            .content_type(format!("{mime}{charset}"))
            .insert_header((ETAG, tag.to_string()))
            .body(body))
    }

    /// Answers with a file on the host of an application, where it has another path.
    pub(crate) fn on_app_host(&self, req: &HttpRequest, name: &str) -> Result<HttpResponse, Problem> {
        let path = format!("{PREFIX}/{name}");
        if !self.versions.contains_key(&path) {
            return Err(Problem::NotFound);
        }
        let mut response = match &self.source {
            Source::BuiltIn => self.built_in(req, name)?,
            Source::Folder(folder) => {
                let file = NamedFile::open(folder.join(name)).map_err(|_| Problem::NotFound)?;
                file.prefer_utf8(true).into_response(req)
            }
        };
        set_lifetime(response.headers_mut(), self.is_current(&path, req.query_string()));
        Ok(response)
    }

    /// Whether the URL carries the hash of the file's present content.
    fn is_current(&self, path: &str, query: &str) -> bool {
        self.versions.get(path).is_some_and(|version| query.strip_prefix("v=") == Some(version))
    }

    /// Allows a file to be cached indefinitely under the URL with its hash, and otherwise only with revalidation. Names
    /// the charset of SVG, which `actix_files` does for `text/…` only (ASVS 4.1.1).
    async fn with_headers<B: MessageBody + 'static>(
        self,
        req: ServiceRequest,
        next: Next<B>,
    ) -> Result<ServiceResponse<B>, actix_web::Error> {
        let is_current = self.is_current(req.path(), req.query_string());
        let mut response = next.call(req).await?;
        if !(response.status().is_client_error() || response.status().is_server_error()) {
            set_lifetime(response.headers_mut(), is_current);
        }
        if response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "image/svg+xml") {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("image/svg+xml; charset=utf-8"));
        }
        Ok(response)
    }
}

fn set_lifetime(headers: &mut HeaderMap, is_current: bool) {
    let value = if is_current { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(value));
}

fn built_in(name: &str) -> Option<Cow<'static, [u8]>> {
    BuiltIn::get(name).map(|file| file.data)
}
