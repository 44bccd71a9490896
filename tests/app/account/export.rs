use serde_json::Value;

use crate::support::{PASSWORD, TestApp, WRONG_PASSWORD};

#[tokio::test]
async fn export_contains_all_account_data_and_no_secrets() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    app.signed_in_client("eva").await;
    app.client().sign_in("zoe", WRONG_PASSWORD).await;
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
    use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
    use gatehouse::db::schema::{accounts, events};
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    for rows in [499_usize, 500, 1] {
        app.query(move |conn| {
            let account: Vec<u8> = accounts::table.select(accounts::id).first(conn)?;
            for _ in 0..rows {
                diesel::insert_into(events::table)
                    .values((
                        events::id.eq(uuid::Uuid::now_v7().as_bytes().to_vec()),
                        events::at.eq(0),
                        events::kind.eq("signed_in"),
                        events::account_id.eq(Some(account.clone())),
                        events::address.eq("192.0.2.1"),
                        events::user_agent.eq("\"quoted\""),
                        events::request_id.eq("0"),
                        events::occurrences.eq(1),
                    ))
                    .execute(conn)?;
            }
            Ok(())
        })
        .await;
        let export: Value = serde_json::from_str(&client.get("/account/export").await.body).unwrap();
        let stored = app.query(|conn| events::table.count().get_result::<i64>(conn)).await;
        assert_eq!(export["events"].as_array().unwrap().len(), usize::try_from(stored).unwrap());
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
