//! Request bodies: read with a limit of size and time, and parsed strictly. actix has no timeout for bodies; a slow
//! POST stayed open for 41 s (measured on 4.18.1).

use std::{
    cell::RefCell,
    future::{Ready, ready},
    rc::Rc,
    time::Duration,
};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::header::{CONTENT_TYPE, HeaderMap},
    web::BytesMut,
};
use futures_util::StreamExt;
use percent_encoding::percent_decode;
use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeOwned,
        value::{Error as ValueError, MapDeserializer},
    },
};
use url::form_urlencoded;

use super::{csrf::token::CSRF_FIELD, error::Problem};

/// The largest body. The largest form has a few fields of 256 characters of at most 12 bytes each, percent-encoded.
const MAX_BODY_BYTES: usize = 16 * 1024;
/// How long a body may take, from the first byte to the last.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// A request's body, before it is read.
///
/// actix keeps a connection open for ever when the body of a chunked request is dropped unread (measured on actix-http
/// 3.20.0: it drains the body without a limit of time or size). While the body is alive, actix closes the connection
/// after the response instead, so `middleware` keeps it until then.
#[derive(Clone)]
pub(crate) struct SharedPayload(Rc<RefCell<Payload>>);

impl SharedPayload {
    /// Wraps the body that was taken from a request.
    #[must_use]
    pub(crate) fn new(payload: Payload) -> Self {
        Self(Rc::new(RefCell::new(payload)))
    }

    /// Reads the body. The second time it is empty.
    pub(crate) async fn read(&self) -> Result<BytesMut, Problem> {
        let mut payload = self.0.replace(Payload::None);
        let body = tokio::time::timeout(BODY_TIMEOUT, body(&mut payload)).await;
        self.0.replace(payload);
        body.map_err(|_| Problem::RequestTimeout)?
    }
}

/// Returns the media type of a body, without its parameters.
pub(super) fn media_type(headers: &HeaderMap) -> &str {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim()
}

/// The fields of a form. The guard reads them, and the extractor [`Form`] parses them.
#[derive(Debug, Clone, Default)]
pub(crate) struct FormFields(Vec<(String, String)>);

impl FormFields {
    /// Reads a form from a request's body.
    pub(crate) async fn read(headers: &HeaderMap, shared: Option<&SharedPayload>) -> Result<Self, Problem> {
        let Some(shared) = shared else { return Ok(Self::default()) };
        let body = shared.read().await?;
        if body.is_empty() {
            return Ok(Self::default());
        }
        if !media_type(headers).eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Problem::UnsupportedMediaType);
        }
        // The parser would replace bytes that are not UTF-8 by U+FFFD, and make two different passwords equal.
        percent_decode(&body).decode_utf8().map_err(|_| Problem::Malformed)?;
        Ok(Self(form_urlencoded::parse(&body).into_owned().collect()))
    }

    /// Removes the CSRF token and returns it.
    pub(crate) fn take_csrf_token(&mut self) -> Option<String> {
        let place = self.0.iter().position(|(name, _)| name == CSRF_FIELD)?;
        Some(self.0.remove(place).1)
    }
}

async fn body(payload: &mut Payload) -> Result<BytesMut, Problem> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Problem::Malformed)?;
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(Problem::PayloadTooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The extractor of a page's form. A missing field is empty if `T` has `#[serde(default)]`; an unknown field or one
/// that occurs twice is an error (ASVS 15.3.3 and 15.3.7), whose text is not shown.
#[derive(Debug)]
pub(crate) struct Form<T>(pub T);

/// Deserializes a field that may be absent: `#[serde(deserialize_with = "present")]` beside `#[serde(default)]`.
pub(crate) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(field: D) -> Result<Option<T>, D::Error> {
    T::deserialize(field).map(Some)
}

impl<T: DeserializeOwned> FromRequest for Form<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let fields = req.extensions_mut().remove::<FormFields>().unwrap_or_default();
        let fields = MapDeserializer::<_, ValueError>::new(fields.0.into_iter());
        ready(T::deserialize(fields).map(Self).map_err(|_| Problem::Malformed))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{http::header::HeaderValue, web::Bytes};
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(default, deny_unknown_fields)]
    #[derive(Default)]
    struct Sample {
        name: String,
        word: String,
    }

    fn parse(body: &[u8]) -> Result<Sample, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8"));
        let payload = SharedPayload::new(Payload::from(Bytes::copy_from_slice(body)));
        actix_web::rt::System::new().block_on(async {
            let fields = FormFields::read(&headers, Some(&payload)).await?;
            let request = actix_web::test::TestRequest::default().to_http_request();
            request.extensions_mut().insert(fields);
            Form::<Sample>::from_request(&request, &mut Payload::None).await.map(|form| form.0)
        })
    }

    #[test]
    fn form_fields_are_percent_decoded() {
        let sample = parse(b"name=Zo%C3%AB+Castle&word=a%26b%3D%00").unwrap();
        assert_eq!(sample, Sample { name: "Zoë Castle".to_owned(), word: "a&b=\0".to_owned() });
        assert_eq!(parse(b"word=x").unwrap().name, "");
        assert_eq!(parse(b"").unwrap(), Sample::default());
    }

    #[test]
    fn duplicate_unknown_or_non_utf8_fields_are_rejected() {
        for body in [&b"name=a&name=b"[..], b"name=a&role=admin", b"name=%ff", b"name=\xff", b"name=%C3%28"] {
            assert!(matches!(parse(body), Err(Problem::Malformed)), "{body:?}");
        }
    }

    #[test]
    fn form_body_is_limited_to_16_kibibytes() {
        let body = |size: usize| [b"name=", vec![b'a'; size - 5].as_slice()].concat();
        assert!(parse(&body(MAX_BODY_BYTES)).is_ok());
        assert!(matches!(parse(&body(MAX_BODY_BYTES + 1)), Err(Problem::PayloadTooLarge)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn parser_never_panics_on_arbitrary_bytes(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&body);
        }
    }
}
