use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, TextExpressionMethods};
use gatehouse::{
    accounts::AccountId,
    db::schema::{account_roles, accounts, foreign_hashes},
};

use crate::support::{START, TestApp, client::Client};

/// Inserts accounts `<prefix>-0000` and so on, with addresses of their own.
async fn insert_accounts(app: &TestApp, prefix: &'static str, count: usize) {
    app.query(move |conn| {
        for number in 0..count {
            let name = format!("{prefix}-{number:04}");
            let address = format!("box{number:04}@{prefix}.example");
            diesel::insert_into(accounts::table)
                .values((
                    accounts::id.eq(AccountId::new()),
                    accounts::username.eq(&name),
                    accounts::email.eq(&address),
                    accounts::email_key.eq(&address),
                    accounts::password_hash.eq(""),
                    accounts::created_at.eq(START),
                ))
                .execute(conn)?;
        }
        Ok(())
    })
    .await;
}

/// Gives a role to all accounts whose name starts with `prefix`.
async fn add_role(app: &TestApp, prefix: &'static str, role: &'static str) {
    app.query(move |conn| {
        let ids = accounts::table.filter(accounts::username.like(format!("{prefix}%"))).select(accounts::id);
        for id in ids.load::<Vec<u8>>(conn)? {
            diesel::insert_into(account_roles::table)
                .values((account_roles::account_id.eq(id), account_roles::role.eq(role)))
                .execute(conn)?;
        }
        Ok(())
    })
    .await;
}

/// Marks the password hashes of all accounts whose name matches `pattern` as imported.
async fn mark_imported(app: &TestApp, pattern: &'static str) {
    app.query(move |conn| {
        let ids = accounts::table.filter(accounts::username.like(pattern)).select(accounts::id);
        for id in ids.load::<Vec<u8>>(conn)? {
            diesel::insert_into(foreign_hashes::table)
                .values((foreign_hashes::account_id.eq(id), foreign_hashes::class.eq("bcrypt 12")))
                .execute(conn)?;
        }
        Ok(())
    })
    .await;
}

/// Returns the user names on a page, in its order, and the path of the next page.
fn parse(page: &str) -> (Vec<String>, Option<String>) {
    let name = |part: &str| part.split_once('>').unwrap().1.split('<').next().unwrap().to_owned();
    let names = page.split("<h2><a href=\"/admin/accounts/").skip(1).map(name).collect();
    let next = page.split("<p class=\"pagination\"><a href=\"").nth(1);
    (names, next.map(|part| part.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&")))
}

/// Returns the names on all pages from `path`, and the number of the pages.
async fn all(client: &Client, path: &str) -> (Vec<String>, usize) {
    let (mut names, mut next, mut pages) = (Vec::new(), Some(path.to_owned()), 0);
    while let Some(path) = next {
        let answer = client.get(&path).await;
        assert_eq!(answer.status, 200, "{path}");
        let (found, after) = parse(&answer.body);
        assert!(found.len() <= 25, "{path}");
        names.extend(found);
        next = after;
        pages += 1;
    }
    (names, pages)
}

#[tokio::test]
async fn accounts_are_found_by_the_start_of_user_name_and_address_each_once() {
    let app = TestApp::spawn();
    let zoe = app.administrator("zoe").await;
    // Found by name or by address: `box…` is the address of all, and the name of some.
    insert_accounts(&app, "box", 40).await;
    insert_accounts(&app, "eva", 40).await;
    for (query, expected) in
        [("eva-000", 10), ("BOX", 80), ("box0003@eva", 1), ("zoe@keepers.ex", 1), ("%", 0), ("_", 0)]
    {
        let (names, _) = all(&zoe, &format!("/admin/accounts?q={query}")).await;
        let mut distinct = names.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!((names.len(), distinct.len()), (expected, expected), "{query}: {names:?}");
    }
    let (listed, pages) = all(&zoe, "/admin/accounts").await;
    assert_eq!((listed.len(), pages, listed[0].as_str()), (81, 4, "zoe"), "in the order of their creation");
    for query in ["q=%00", "q=%ff", "role=Admin!", "state=gone", &format!("q={}", "a".repeat(3000)), "after=x&q=zoe"] {
        assert_eq!(zoe.get(&format!("/admin/accounts?{query}")).await.status, 200, "{query}");
    }
}

#[tokio::test]
async fn accounts_are_filtered_by_role_state_and_hash_in_every_combination() {
    let app = TestApp::spawn();
    let zoe = app.administrator("zoe").await;
    insert_accounts(&app, "eva", 30).await;
    insert_accounts(&app, "ida", 30).await;
    add_role(&app, "ida", "staff").await;
    mark_imported(&app, "%-001%").await;
    app.query(|conn| {
        let disabled = accounts::table.filter(accounts::username.like("%-000%"));
        diesel::update(disabled).set(accounts::disabled.eq(true)).execute(conn)?;
        let locked = accounts::table.filter(accounts::username.like("%-00%5"));
        diesel::update(locked).set(accounts::locked.eq(true)).execute(conn)
    })
    .await;
    for (query, expected) in [
        ("role=admin", 1),
        ("role=staff", 30),
        ("role=none", 0),
        ("state=disabled", 20),
        ("state=locked", 4),
        ("state=active", 37),
        ("role=staff&state=disabled", 10),
        ("role=staff&state=locked", 2),
        ("role=admin&state=disabled", 0),
        ("q=eva&state=disabled", 10),
        ("q=eva&role=staff", 0),
        ("q=ida-00&role=staff&state=active", 18),
        ("hash=imported", 20),
        ("hash=imported&role=staff", 10),
        ("hash=imported&state=locked", 2),
        ("q=eva&hash=imported", 10),
        ("q=ida&role=staff&state=active&hash=imported", 9),
        ("hash=ours", 0),
        ("role=Staff", 0),
        ("state=gone", 0),
    ] {
        let (names, _) = all(&zoe, &format!("/admin/accounts?{query}")).await;
        assert_eq!(names.len(), expected, "{query}: {names:?}");
    }
}

// A combination of filters that few accounts match must not read all accounts at once.
#[tokio::test]
async fn one_page_looks_at_a_bounded_number_of_accounts() {
    let app = TestApp::spawn();
    let zoe = app.administrator("zoe").await;
    insert_accounts(&app, "eva", 1200).await;
    add_role(&app, "eva", "staff").await;
    mark_imported(&app, "eva%").await;
    app.query(|conn| {
        let last = accounts::table.filter(accounts::username.eq("eva-1199"));
        diesel::update(last).set(accounts::disabled.eq(true)).execute(conn)
    })
    .await;
    for query in [
        "q=eva&state=disabled",
        "role=staff&state=disabled",
        "q=eva&role=staff&state=disabled",
        "hash=imported&state=disabled",
    ] {
        let path = format!("/admin/accounts?{query}");
        let (first, next) = parse(&zoe.get(&path).await.body);
        assert!(first.is_empty() && next.is_some(), "{query}");
        let (names, pages) = all(&zoe, &path).await;
        assert_eq!((names, pages), (vec!["eva-1199".to_owned()], 3), "{query}");
    }
}
