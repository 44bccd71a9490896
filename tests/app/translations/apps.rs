//! What pages say of applications.

use gatehouse::{
    apps::{AppChange, Change},
    client::Client as Operator,
};

use crate::support::{
    TestApp,
    client::{Answer, Client, assert_redirect},
};

/// Opens the pages of a person that name applications.
pub(super) async fn states_of_person(app: &TestApp, client: &Client) -> Vec<(String, Answer)> {
    let url = "https://shop.example".parse().unwrap();
    let change = AppChange { url: Change::Set(url), ..AppChange::default() };
    app.state.apps.add("shop".parse().unwrap(), change, &Operator::anonymous()).await.unwrap();
    app.reload_apps().await;
    client.open_app("shop").await;
    let mut states = Vec::new();
    for path in ["/", "/account/sessions"] {
        states.push((format!("{path} with an application"), client.get(path).await));
    }
    states
}

/// Opens all states of the pages in the admin area.
pub(super) async fn admin_states(zoe: &Client) -> Vec<(String, Answer)> {
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
