//! Bodies of requests: read within bounds of size and time, and taken apart strictly. actix has no time-out for bodies of
//! its own; a slow POST stayed open for 41 s (measured on 4.18.1).

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
use serde::de::{
    DeserializeOwned,
    value::{Error as ValueError, MapDeserializer},
};
use url::form_urlencoded;

use super::{csrf::token, error::Problem};

/// The largest body. The largest form has a few fields of 256 characters of at most 12 bytes each, percent-encoded.
const LARGEST: usize = 16 * 1024;
/// From the first byte to the last.
const SLOWEST: Duration = Duration::from_secs(10);

/// A request's body that is still to come.
///
/// actix keeps a connection open for ever when the body of a chunked request is dropped unread (measured on actix-http
/// 3.20.0: it means to drain it, without a limit of time or size). While the body is alive, it closes the connection after
/// the answer instead; so the envelope keeps it until then.
#[derive(Clone)]
pub struct Incoming(Rc<RefCell<Payload>>);

impl Incoming {
    /// Takes the body away from a request.
    #[must_use]
    pub fn new(payload: Payload) -> Self {
        Self(Rc::new(RefCell::new(payload)))
    }
}

/// The fields of a form that was sent; the guard reads them, see there.
#[derive(Debug, Clone, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads a form from the request's body.
    pub async fn read(headers: &HeaderMap, incoming: Option<&Incoming>) -> Result<Self, Problem> {
        let Some(incoming) = incoming else { return Ok(Self::default()) };
        let mut payload = incoming.0.replace(Payload::None);
        let body = tokio::time::timeout(SLOWEST, body(&mut payload)).await;
        incoming.0.replace(payload);
        let body = body.map_err(|_| Problem::TooSlow)??;
        if body.is_empty() {
            return Ok(Self::default());
        }
        let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Problem::NotAForm);
        }
        // The parser would put U+FFFD for bytes that are not UTF-8, and two different passwords would be the same.
        percent_decode(&body).decode_utf8().map_err(|_| Problem::Malformed)?;
        Ok(Self(form_urlencoded::parse(&body).into_owned().collect()))
    }

    /// The form token, which is taken out: what remains is the page's own.
    pub fn take_token(&mut self) -> Option<String> {
        let place = self.0.iter().position(|(name, _)| name == token::FIELD)?;
        Some(self.0.remove(place).1)
    }
}

async fn body(payload: &mut Payload) -> Result<BytesMut, Problem> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Problem::Malformed)?;
        if body.len() + chunk.len() > LARGEST {
            return Err(Problem::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// A page's form. A field that is missing is empty if `T` says so, one that is unknown or there twice is an error (ASVS
/// 15.3.3 and 15.3.7); the texts of these errors stay inside.
#[derive(Debug)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Form<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let fields = req.extensions_mut().remove::<Fields>().unwrap_or_default();
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
        let incoming = Incoming::new(Payload::from(Bytes::copy_from_slice(body)));
        actix_web::rt::System::new().block_on(async {
            let fields = Fields::read(&headers, Some(&incoming)).await?;
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
        assert!(parse(&body(LARGEST)).is_ok());
        assert!(matches!(parse(&body(LARGEST + 1)), Err(Problem::TooLarge)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn parser_never_panics_on_arbitrary_bytes(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&body);
        }
    }
}
