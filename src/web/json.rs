//! The bodies that the JSON API takes, parsed as strictly as forms.

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;

use super::{error::Problem, form::media_type, request_info::RequestInfo};

/// The extractor of a JSON object. A missing body is an object without members. An unknown member is an error if `T`
/// has `#[serde(deny_unknown_fields)]`; a member that occurs twice always is (ASVS 15.3.3 and 15.3.7).
#[derive(Debug)]
pub(crate) struct Json<T>(pub T);

impl<T: DeserializeOwned + Default + 'static> FromRequest for Json<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let is_json = media_type(req.headers()).eq_ignore_ascii_case("application/json");
        let info = RequestInfo::of(req);
        Box::pin(async move {
            let Some(payload) = &info?.payload else { return Ok(Self(T::default())) };
            let body = payload.read().await?;
            match body.is_empty() {
                true => Ok(Self(T::default())),
                false if is_json => parse(&body).map(Self).ok_or(Problem::MalformedJson),
                false => Err(Problem::NotJson),
            }
        })
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    // serde takes an array for a struct as well, with the members in order.
    let is_object = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    serde_json::from_slice(body).ok().filter(|_| is_object)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default, deny_unknown_fields)]
    struct Sample {
        name: String,
        word: String,
    }

    #[test]
    fn anything_but_an_object_with_known_members_is_refused() {
        let sample = Sample { name: "Zoë".to_owned(), word: String::new() };
        assert_eq!(parse(" {\"name\": \"Zo\\u00eb\"}\n".as_bytes()), Some(sample));
        for body in [
            r#"{"name": "a", "name": "b"}"#,
            r#"{"name": "a", "role": "admin"}"#,
            r#"{"name": null}"#,
            r#"{"name": 1}"#,
            r#"{"name": ["a"]}"#,
            r#"["a", "b"]"#,
            r#"{"name": "a"} {}"#,
            r#"{"name": "\ud800"}"#,
            r#"{"name": "a",}"#,
            "null",
            "{",
            "\u{feff}{}",
        ] {
            assert_eq!(parse::<Sample>(body.as_bytes()), None, "{body}");
        }
        assert_eq!(parse::<Sample>(b"{\"name\": \"\xff\"}"), None);
        let deep = format!("{{\"name\": {}{}}}", "[".repeat(8000), "]".repeat(8000));
        assert_eq!(parse::<Sample>(deep.as_bytes()), None);
    }

    proptest! {
        #[test]
        fn parser_never_panics_on_arbitrary_bytes(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse::<Sample>(&body);
        }
    }
}
