//! The pages that people see on the host of an application, and on the way to it.

use super::{AtApp, add, with_wiki};
use crate::support::client::Answer;

/// Opens all states of these pages.
pub async fn states(languages: &str) -> Vec<(String, Answer)> {
    let app = with_wiki().await;
    add(&app, "photos", &["staff"]).await;
    let person = app.signed_in_client("zoe").await.speaking(languages);
    let at = |id: &str| AtApp { client: AtApp::new(&app, id).client.speaking(languages), id: id.to_owned() };
    let (wiki, photos) = (at("wiki"), at("photos"));
    let navigate = ("sec-fetch-mode", "navigate");
    let mut states = Vec::new();

    let post = [navigate, ("x-forwarded-method", "POST")];
    states.push(("form without a session".to_owned(), wiki.verify_with("any", &post).await));
    states.push(("no such application".to_owned(), at("nowhere").verify_with("any", &[navigate]).await));
    states.push(("sign-out of a guest".to_owned(), wiki.get("/.gatehouse/sign-out").await));
    states.push(("invalid callback".to_owned(), wiki.get("/.gatehouse/callback").await));
    states.push(("invalid state".to_owned(), person.get("/continue/wiki").await));
    let way = wiki.start(&app, "/").await;
    let after_form = person.request("GET", &way).header("sec-fetch-site", "same-origin");
    states.push(("way after a form".to_owned(), person.send(after_form).await));
    let way = photos.start(&app, "/").await;
    states.push(("no role".to_owned(), person.get(&way).await));
    wiki.enter(&app, &person, "/").await;
    states.push(("no role at the application".to_owned(), wiki.verify_with("staff", &[navigate]).await));
    states.push(("sign-out".to_owned(), wiki.get("/.gatehouse/sign-out").await));
    let sign_out = async |scope| wiki.post("/.gatehouse/sign-out", &[("scope", scope)]).await;
    states.push(("signed out here".to_owned(), sign_out("app").await));
    for _ in 0..3 {
        wiki.enter(&app, &person, "/").await;
        wiki.client.remove_cookie("gate");
    }
    states.push(("loop".to_owned(), wiki.get("/.gatehouse/start").await));
    states.push(("signed out everywhere".to_owned(), sign_out("everywhere").await));
    states
}
