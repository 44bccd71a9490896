use diesel::{ExpressionMethods, RunQueryDsl};
use gatehouse::{accounts::AccountId, clock::Timestamp, db::schema::events};

use crate::support::{PASSWORD, START, TestApp, WRONG_PASSWORD, client::Client};

/// Inserts an event `hours` after the start, under an id of this time.
async fn insert_event(
    app: &TestApp,
    hours: i64,
    kind: &'static str,
    account: Option<AccountId>,
    address: &'static str,
) {
    let at = Timestamp::from_millis(START.as_millis() + hours * 3_600_000);
    let time = u128::try_from(at.as_millis()).unwrap() << 80;
    let id = time | u128::from(uuid::Uuid::now_v7().as_u64_pair().1);
    app.query(move |conn| {
        diesel::insert_into(events::table)
            .values((
                events::id.eq(id.to_be_bytes().to_vec()),
                events::at.eq(at),
                events::kind.eq(kind),
                events::account_id.eq(account),
                events::address.eq(address),
                events::user_agent.eq(""),
                events::request_id.eq("0"),
                events::occurrences.eq(1),
                events::unauthenticated.eq(kind == "sign_in_failed"),
            ))
            .execute(conn)
    })
    .await;
}

fn titles(page: &str) -> Vec<String> {
    page.split("<p class=\"title\">").skip(1).map(|part| part.split("</p>").next().unwrap().to_owned()).collect()
}

/// Returns the number of events on all pages, and the number of pages.
async fn count(client: &Client, path: &str) -> (usize, usize) {
    let (mut events, mut pages, mut next) = (0, 0, Some(path.to_owned()));
    while let Some(path) = next {
        let answer = client.get(&path).await;
        assert_eq!(answer.status, 200, "{path}");
        events += titles(&answer.body).len();
        pages += 1;
        let link = answer.body.split("<p class=\"pagination\"><a href=\"").nth(1);
        next = link.map(|part| part.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&"));
    }
    (events, pages)
}

#[tokio::test]
async fn site_activity_shows_events_of_all_accounts_with_their_actor() {
    let app = TestApp::spawn();
    let zoe = app.administrator("zoe").await;
    app.signed_in_client("eva").await;
    app.client().sign_in("eva", WRONG_PASSWORD).await;
    app.flush().await;
    let path = app.admin_path("eva").await;
    zoe.submit(&format!("{path}/delete"), &[("confirm", "eva")]).await;
    let page = zoe.get("/admin/activity").await.body;
    let titles = titles(&page);
    assert_eq!(titles[0], "Account deleted");
    for title in ["Registered", "Role added", "Sign-in with a wrong password"] {
        assert!(titles.iter().any(|shown| shown == title), "{title}: {titles:?}");
    }
    assert!(page.contains("by zoe") && page.contains("by an operator at the command line"), "{page}");
    assert!(page.contains("Deleted account"), "{page}");
    assert!(!page.contains(">eva<"), "the name of a deleted account is gone");
}

#[tokio::test]
async fn site_activity_is_filtered_by_kind_account_address_and_day_in_every_combination() {
    let app = TestApp::spawn();
    let zoe = app.administrator("zoe").await;
    let id = zoe.account_id().await;
    let other = AccountId::new();
    for hour in 0..60 {
        insert_event(&app, hour, "signed_in", Some(other), "192.0.2.1").await;
        insert_event(&app, hour, "sign_in_failed", Some(other), "2001:db8::1").await;
        insert_event(&app, hour, "token_refused", None, "192.0.2.1").await;
    }
    for (query, expected) in [
        ("kind=signed_in".to_owned(), 60),
        ("kind=nonsense".to_owned(), 0),
        (format!("account={other}"), 120),
        ("account=unknown".to_owned(), 0),
        ("account=zoe&kind=registered".to_owned(), 1),
        (format!("account={id}&kind=registered"), 1),
        ("address=192.0.2.1".to_owned(), 120),
        ("address=::ffff:192.0.2.1".to_owned(), 120),
        ("address=2001:DB8:0::1".to_owned(), 60),
        ("address=192.0.2".to_owned(), 0),
        (format!("account={other}&kind=signed_in"), 60),
        (format!("account={other}&address=192.0.2.1"), 60),
        ("address=192.0.2.1&kind=token_refused".to_owned(), 60),
        ("kind=signed_in&until=2026-11-22".to_owned(), 24),
        ("kind=signed_in&until=2026-11-23".to_owned(), 48),
        (format!("account={other}&until=2026-11-22"), 48),
        ("until=2026-11-21".to_owned(), 0),
        ("until=tomorrow".to_owned(), 0),
    ] {
        assert_eq!(count(&zoe, &format!("/admin/activity?{query}")).await.0, expected, "{query}");
    }
    // A registration, a role and the 180 events from above; nonsense is ignored.
    assert_eq!(count(&zoe, "/admin/activity?before=x").await, (182, 4));
}

// A combination of filters that few events match must not read the whole log at once.
#[tokio::test]
async fn one_page_of_site_activity_looks_at_a_bounded_number_of_events() {
    let app = TestApp::spawn();
    let zoe = app.administrator("zoe").await;
    let other = AccountId::new();
    insert_event(&app, 0, "signed_out", Some(other), "192.0.2.1").await;
    app.insert_events(other, 1200, START).await;
    for query in [format!("account={other}&kind=signed_out"), "address=192.0.2.1&kind=signed_out".to_owned()] {
        let path = format!("/admin/activity?{query}");
        let first = zoe.get(&path).await.body;
        assert!(titles(&first).is_empty() && first.contains(">Older events</a>"), "{query}");
        assert_eq!(count(&zoe, &path).await, (1, 3), "{query}");
    }
}

#[tokio::test]
async fn page_of_an_account_shows_its_sessions_and_newest_events() {
    let app = TestApp::spawn();
    let zoe = app.administrator("zoe").await;
    let eva = app.signed_in_client("eva").await;
    app.client().sign_in("eva", PASSWORD).await;
    app.client().sign_in("eva", WRONG_PASSWORD).await;
    app.flush().await;
    let page = zoe.get(&app.admin_path("eva").await).await.body;
    let shown = titles(&page);
    assert_eq!(shown.len(), 5, "two sessions and three events: {shown:?}");
    assert_eq!(shown[2..], ["Sign-in with a wrong password", "Signed in", "Registered"]);
    let all = format!("<a href=\"/admin/activity?account={}\">", eva.account_id().await);
    assert!(page.contains(&all), "{page}");
}

#[tokio::test]
async fn overview_counts_what_happened_on_each_of_the_last_30_days() {
    let app = TestApp::spawn();
    let zoe = app.administrator("zoe").await;
    for hours in [0, 1, -25, -29 * 24, -30 * 24] {
        insert_event(&app, hours, "signed_in", None, "").await;
    }
    insert_event(&app, -1, "sign_in_failed", None, "").await;
    for kind in ["token_refused", "request_refused"] {
        insert_event(&app, -1, kind, None, "").await;
    }
    let page = zoe.get("/admin").await.body;
    let sections: Vec<_> = page.split("<section>").skip(1).collect();
    assert!(sections[0].contains("<dd>1</dd>") && sections[0].contains("<dt>Password hashing</dt>"), "{page}");
    let numbers = |section: &str| -> Vec<(String, i64)> {
        let row = |row: &str| {
            let day = row.split("<time>").nth(1).unwrap().split('<').next().unwrap().to_owned();
            (day, row.split("<td>").nth(1).unwrap().split('<').next().unwrap().parse().unwrap())
        };
        let rows: Vec<(String, i64)> = section.split("<tr><th scope=\"row\">").skip(1).map(row).collect();
        assert_eq!((rows.len(), section.matches("<rect").count()), (30, 30));
        rows.into_iter().filter(|(_, number)| *number > 0).collect()
    };
    let day = |day: &str, number| (day.to_owned(), number);
    let sign_ins = [day("2026-11-22", 2), day("2026-11-20", 1), day("2026-10-24", 1)];
    assert!(sections[1].contains("4 in 30 days"));
    assert_eq!(numbers(sections[1]), sign_ins, "the newest day first, without the 31st");
    assert_eq!(numbers(sections[2]), [day("2026-11-21", 1)]);
    assert_eq!(numbers(sections[3]), [day("2026-11-21", 2)]);
    insert_event(&app, 2, "signed_in", None, "").await;
    assert!(zoe.get("/admin").await.body.contains("4 in 30 days"), "the numbers are read once a minute");
    app.clock.advance(std::time::Duration::from_mins(1));
    assert!(zoe.get("/admin").await.body.contains("5 in 30 days"));
}
