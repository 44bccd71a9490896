//! `/.gatehouse/sign-out`

use super::{AtApp, add, person_at_wiki, with_wiki};

#[tokio::test]
async fn person_signs_out_of_one_application() {
    let app = with_wiki().await;
    add(&app, "photos", &[]).await;
    let (person, wiki) = person_at_wiki(&app, "zoe").await;
    let photos = AtApp::new(&app, "photos");
    photos.enter(&app, &person, "/").await;
    let page = wiki.get("/.gatehouse/sign-out").await;
    assert!(page.body.contains("Sign out of wiki") && page.body.contains("<b>zoe</b>"), "{}", page.body);
    let copy = wiki.fork();
    let answer = wiki.post("/.gatehouse/sign-out", &[("scope", "app")]).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("You are still signed in at the other applications"), "{}", answer.body);
    assert!(answer.set_cookie("gate").unwrap().contains("Max-Age=0"));
    assert_eq!(copy.status().await, 401, "a copy of the cookie is dead as well");
    assert_eq!(photos.status().await, 200);
    assert!(person.is_signed_in().await);
    assert_eq!(app.event_count("app_signed_out").await, 1);
    assert!(wiki.get("/.gatehouse/sign-out").await.body.contains("You are not signed in here."));
}

#[tokio::test]
async fn person_signs_out_everywhere() {
    let app = with_wiki().await;
    add(&app, "photos", &[]).await;
    let (person, wiki) = person_at_wiki(&app, "zoe").await;
    let photos = AtApp::new(&app, "photos");
    photos.enter(&app, &person, "/").await;
    let answer = wiki.post("/.gatehouse/sign-out", &[("scope", "everywhere")]).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("signed out of all applications"), "{}", answer.body);
    assert_eq!((wiki.status().await, photos.status().await), (401, 401));
    assert!(!person.is_signed_in().await);
    assert_eq!(app.event_count("signed_out").await, 1);
}

#[tokio::test]
async fn form_of_another_origin_is_refused_and_signs_out_of_nothing() {
    let app = with_wiki().await;
    let (_, wiki) = person_at_wiki(&app, "zoe").await;
    for (name, value) in [
        ("origin", "http://evil.example"),
        ("origin", "http://photos.localhost"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("x-nothing", ""),
    ] {
        let request = wiki.client.request("POST", "/handover/wiki/sign-out").header(name, value);
        let answer = wiki.client.send(request.form(&[("scope", "everywhere")])).await;
        assert_eq!(answer.status, 403, "{name}: {value}");
    }
    assert_eq!(wiki.status().await, 200);
    assert!(app.event_count("cross_origin_refused").await > 0);
    for fields in [&[][..], &[("scope", "x")], &[("scope", "app"), ("more", "x")]] {
        assert_eq!(wiki.post("/.gatehouse/sign-out", fields).await.status, 400, "{fields:?}");
    }
    assert_eq!(wiki.status().await, 200);
}
