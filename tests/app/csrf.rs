use crate::support::{PASSWORD, TestApp};

// ASVS 3.5.1. The unit tests of src/web/csrf/origin.rs cover all combinations of headers.
#[tokio::test]
async fn cross_origin_post_returns_403_on_every_path() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    let token = client.csrf_token().await;
    let mut rejected = 0;
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        for path in ["/login", "/register", "/logout", "/", "/nowhere", "/static/style.css"] {
            for headers in [
                &[("sec-fetch-site", "cross-site")][..],
                &[("sec-fetch-site", "same-site"), ("origin", app.address.as_str())],
                &[("origin", "https://evil.example")],
                &[("origin", "null")],
                &[],
            ] {
                let mut request =
                    client.request(method, path).form(&[("csrf_token", &token), ("login", &"zoe".to_owned())]);
                for (name, value) in headers {
                    request = request.header(*name, *value);
                }
                let answer = client.send(request).await;
                assert_eq!(answer.status, 403, "{method} {path} {headers:?}");
                assert!(answer.body.contains("The form came from another site"));
                rejected += 1;
            }
        }
    }
    assert!(client.is_signed_in().await);
    assert_eq!(app.event_count("cross_origin_refused").await, rejected);
}

#[tokio::test]
async fn same_origin_post_is_accepted_by_either_header() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    for (name, value) in
        [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "none"), ("origin", app.address.as_str())]
    {
        let client = app.client();
        let request =
            client.request("POST", "/login").header(name, value).form(&[("login", "zoe"), ("password", PASSWORD)]);
        assert_eq!(client.send(request).await.status, 303, "{name}: {value}");
    }
}

#[tokio::test]
async fn responses_have_no_cors_headers() {
    let app = TestApp::spawn();
    let client = app.client();
    for origin in ["https://evil.example", "null", &app.address] {
        let answer = client.send(client.request("GET", "/login").header("origin", origin)).await;
        assert_eq!(answer.header("access-control-allow-origin"), "");
        assert_eq!(answer.header("access-control-allow-credentials"), "");
    }
}
