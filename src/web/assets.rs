//! The style sheet and the pictures: files in a folder, served by actix-files. Their URLs carry a hash of their content,
//! so that a browser may keep them for good and still has the new ones right after an update.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use actix_files::Files;
use actix_web::{
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{CACHE_CONTROL, HeaderValue},
    middleware::Next,
    web::Data,
};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};

use crate::web::state::App;

/// Where they are served.
pub const PREFIX: &str = "/static";
const STYLE: &str = "style.css";
const MARK: &str = "mark.svg";

/// The files that pages refer to.
#[derive(Debug)]
pub struct Assets {
    folder: PathBuf,
    versions: HashMap<String, String>,
    /// The URL of the style sheet.
    pub style: Arc<str>,
    /// The URL of the mark.
    pub mark: Arc<str>,
}

impl Assets {
    /// Reads every file of `folder`, which has to hold what the pages refer to.
    pub fn load(folder: &Path) -> io::Result<Self> {
        let mut versions = HashMap::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_file()
                && let Ok(name) = entry.file_name().into_string()
            {
                let hash = digest(&SHA256, &fs::read(entry.path())?);
                versions.insert(format!("{PREFIX}/{name}"), BASE64.encode(&hash.as_ref()[..9]));
            }
        }
        let url = |name: &str| {
            let path = format!("{PREFIX}/{name}");
            match versions.get(&path) {
                Some(version) => Ok(Arc::from(format!("{path}?v={version}"))),
                None => Err(io::Error::new(io::ErrorKind::NotFound, format!("{name} is not in it"))),
            }
        };
        Ok(Self { folder: folder.to_owned(), style: url(STYLE)?, mark: url(MARK)?, versions })
    }

    /// The service for everything below [`PREFIX`].
    #[must_use]
    pub fn files(&self) -> Files {
        Files::new("", &self.folder).prefer_utf8(true)
    }

    fn is_current(&self, path: &str, query: &str) -> bool {
        self.versions.get(path).is_some_and(|version| query.strip_prefix("v=") == Some(version))
    }
}

/// Says how long an asset may be kept: for good under the URL with its hash, otherwise only after asking again.
pub async fn keep<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let current = req.app_data::<Data<App>>().is_some_and(|app| app.assets.is_current(req.path(), req.query_string()));
    let mut response = next.call(req).await?;
    if !(response.status().is_client_error() || response.status().is_server_error()) {
        let keep = if current { "public, max-age=31536000, immutable" } else { "no-cache" };
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(keep));
    }
    Ok(response)
}
