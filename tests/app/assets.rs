use crate::{middleware::send_raw, support::TestApp};

/// Returns the distinct asset URLs of a page.
fn asset_urls(page: &str) -> Vec<String> {
    let mut urls: Vec<_> = page.split(['"']).filter(|part| part.starts_with("/static/")).map(str::to_owned).collect();
    urls.sort();
    urls.dedup();
    urls
}

#[tokio::test]
async fn asset_is_immutable_only_under_its_hashed_url() {
    let app = TestApp::spawn();
    let client = app.client();
    let urls = asset_urls(&client.get("/login").await.body);
    assert_eq!(urls.len(), 2, "{urls:?}");
    for url in urls {
        let (path, _) = url.split_once("?v=").expect("the URL contains a hash");
        assert_eq!(client.get(&url).await.header("cache-control"), "public, max-age=31536000, immutable", "{url}");
        for other in [path.to_owned(), format!("{path}?v=old"), format!("{url}&x=1")] {
            let answer = client.get(&other).await;
            assert_eq!((answer.status, answer.header("cache-control")), (200, "no-cache"), "{other}");
        }
    }
}

#[tokio::test]
async fn assets_have_content_type_and_support_revalidation() {
    let app = TestApp::spawn();
    let client = app.client();
    for (path, content_type) in
        [("/static/style.css", "text/css; charset=utf-8"), ("/static/mark.svg", "image/svg+xml; charset=utf-8")]
    {
        let answer = client.get(path).await;
        assert_eq!(answer.header("content-type"), content_type);
        let revalidated = client.send(client.request("GET", path).header("if-none-match", answer.header("etag"))).await;
        assert_eq!((revalidated.status, revalidated.body.as_str()), (304, ""));
        let any = client.send(client.request("GET", path).header("if-none-match", "*")).await;
        assert_eq!(any.status, 304);
        let head = client.send(client.request("HEAD", path)).await;
        assert_eq!((head.status, head.header("content-type"), head.body.as_str()), (200, content_type, ""));
        let post = client.post(path, &[]).await;
        assert_eq!((post.status, post.header("allow")), (405, "GET, HEAD"));
    }
}

#[tokio::test]
async fn first_visit_takes_at_most_3_requests_and_14_kilobytes() {
    let app = TestApp::spawn();
    let client = app.client();
    let page = client.get("/login").await;
    let mut answers = Vec::new();
    for url in asset_urls(&page.body) {
        answers.push(client.get(&url).await);
    }
    answers.push(page);
    assert!(answers.len() <= 3);
    let bytes: usize = answers
        .iter()
        .map(|answer| {
            let headers: usize = answer.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
            "HTTP/1.1 200 OK\r\n\r\n".len() + headers + answer.body.len()
        })
        .sum();
    assert!(bytes <= 14_000, "{bytes} bytes");
}

#[tokio::test]
async fn static_dir_replaces_the_built_in_files() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["style.css", "account.css", "admin.css", "mark.svg"] {
        std::fs::write(dir.path().join(name), "/* our own style */").unwrap();
    }
    let app = TestApp::with(&["--static-dir", dir.path().to_str().unwrap()]);
    let client = app.client();
    let urls = asset_urls(&client.get("/login").await.body);
    let style = urls.iter().find(|url| url.contains("style.css")).unwrap();
    let answer = client.get(style).await;
    assert_eq!(answer.body, "/* our own style */");
    assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
}

// ASVS 14.2.2, web cache deception: neither a page nor a file outside the directory is served as an asset.
#[tokio::test]
async fn only_files_of_the_static_directory_are_served() {
    let dir = tempfile::tempdir().unwrap();
    let assets = dir.path().join("static");
    std::fs::create_dir(&assets).unwrap();
    std::fs::write(dir.path().join("outside.txt"), "hunter2").unwrap();
    std::fs::write(assets.join(".hidden"), "hunter2").unwrap();
    for name in ["style.css", "account.css", "admin.css", "mark.svg"] {
        std::fs::write(assets.join(name), "x").unwrap();
    }
    let from_folder = TestApp::with(&["--static-dir", assets.to_str().unwrap()]);
    let built_in = TestApp::spawn();
    for path in [
        "/static/../outside.txt",
        "/static/%2e%2e/outside.txt",
        "/static/..%2foutside.txt",
        "/static/%2e%2e%2foutside.txt",
        "/static/.hidden",
        "/static/%2ehidden",
        "/static//etc/passwd",
        "/style.css",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        for app in [&from_folder, &built_in] {
            let answer = send_raw(app, request.as_bytes());
            assert!(answer.starts_with("HTTP/1.1 400") || answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
            assert!(!answer.contains("hunter2") && !answer.contains("root:"), "{path}: {answer}");
        }
    }
}
