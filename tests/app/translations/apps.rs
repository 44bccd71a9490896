//! The pages of applications in the admin area.

use crate::support::client::{Answer, Client, assert_redirect};

/// Opens all states of these pages.
pub(super) async fn states(zoe: &Client) -> Vec<(String, Answer)> {
    const PATH: &str = "/admin/apps";
    let mut states = vec![("no applications".to_owned(), zoe.get(PATH).await)];
    let wrong = [
        ("id", "Wiki"),
        ("url", "wiki"),
        ("role", "?"),
        ("cors", "*"),
        ("tokens", "?"),
        ("hs256_secret", "a secret that is not sent back"),
    ];
    states.push(("malformed application".to_owned(), zoe.submit(PATH, &wrong).await));
    let fields = [("id", "wiki"), ("tokens", "simplejwt"), ("hs256_secret", "a secret of the wiki")];
    assert_redirect(&zoe.submit(PATH, &fields).await, PATH);
    states.push(("application added".to_owned(), zoe.get(PATH).await));
    states.push(("id that is taken".to_owned(), zoe.submit(PATH, &[("id", "wiki")]).await));
    for number in 0..25 {
        let (id, url) = (format!("shop{number:02}"), format!("https://shop{number}.example"));
        assert_redirect(&zoe.submit(PATH, &[("id", &id), ("url", &url), ("role", "staff")]).await, PATH);
    }
    states.push(("more applications".to_owned(), zoe.get(PATH).await));
    let one = format!("{PATH}/wiki");
    states.push(("application".to_owned(), zoe.get(&one).await));
    assert_redirect(&zoe.submit(&one, &[]).await, &one);
    states.push(("application changed".to_owned(), zoe.get(&one).await));
    let removal = format!("{one}/remove");
    states.push(("removal of an application".to_owned(), zoe.get(&removal).await));
    assert_redirect(&zoe.submit(&removal, &[]).await, PATH);
    states.push(("application removed".to_owned(), zoe.get(PATH).await));
    states
}
