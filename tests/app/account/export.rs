use serde_json::Value;

use crate::support::{PASSWORD, START, TestApp, WRONG_PASSWORD};

#[tokio::test]
async fn export_contains_all_account_data_and_no_secrets() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    app.signed_in_client("eva").await;
    app.client().sign_in("zoe", WRONG_PASSWORD).await;
    app.flush().await;
    let answer = client.get("/account/export").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"gatehouse-zoe.json\"");
    assert_eq!(answer.header("cache-control"), "no-store");
    let export: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(export["format"], "gatehouse-export-1");
    assert_eq!(
        (&export["account"]["username"], &export["account"]["email"]),
        (&"zoe".into(), &"zoe@keepers.example".into())
    );
    assert_eq!(export["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(export["sessions"][0]["this_one"], true);
    let events: Vec<_> =
        export["events"].as_array().unwrap().iter().map(|event| event["what"].as_str().unwrap()).collect();
    assert_eq!(events, ["registered"]);
    assert_eq!(export["refused"][0]["what"], "sign_in_failed");
    assert!(!answer.body.contains("argon2") && !answer.body.contains("eva"));
    assert!(!answer.body.contains(&client.cookie("session").unwrap()));
}

#[tokio::test]
async fn export_of_any_length_is_complete() {
    use diesel::{QueryDsl, RunQueryDsl};
    use gatehouse::db::schema::events;
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    let account = client.account_id().await;
    // The server reads 500 at once. Here both lists end just before, at and just after a multiple of that.
    for rows in [998, 1000, 2] {
        app.insert_events(account, rows, START).await;
        let export: Value = serde_json::from_str(&client.get("/account/export").await.body).unwrap();
        let stored = app.query(|conn| events::table.count().get_result::<i64>(conn)).await;
        let (events, refused) = (export["events"].as_array().unwrap(), export["refused"].as_array().unwrap());
        assert_eq!(events.len(), refused.len() + 1, "the registration and half of the others");
        assert_eq!(events.len() + refused.len(), usize::try_from(stored).unwrap());
    }
    assert_eq!(client.sign_in("zoe", PASSWORD).await.status, 303);
}

#[tokio::test]
async fn account_has_one_export_at_a_time() {
    let app = TestApp::spawn();
    let (client, other_account) = (app.signed_in_client("zoe").await, app.signed_in_client("eva").await);
    let account = client.account_id().await;
    let running = app.state.exports.begin(account).unwrap();
    let refused = client.get("/account/export").await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "5"), "{refused:?}");
    assert!(refused.body.contains("Your data is being downloaded already"));
    assert_eq!(other_account.get("/account/export").await.status, 200);
    drop(running);
    for _ in 0..2 {
        assert_eq!(client.get("/account/export").await.status, 200, "an export that is complete blocks no other");
    }
}
