//! People whose accounts come from another application, in their browser.

use std::{fs, path::Path, process::Command};

use crate::support::{
    TestApp,
    chromium::{Browser, View},
    python,
};

/// Runs a command of the README in this folder, for a running server. Returns what it prints.
fn import(app: &TestApp, folder: &Path, command: &str) -> String {
    assert!(include_str!("../../README.md").contains(command), "the README has another command than {command}");
    let mut arguments = command.split(' ');
    assert_eq!(arguments.next(), Some("gatehouse"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatehouse"));
    command.current_dir(folder).args(arguments).env("GATEHOUSE_DATA_DIR", app.data_dir());
    if !app.database_url().is_empty() {
        command.env("GATEHOUSE_DATABASE_URL", app.database_url());
    }
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

#[tokio::test]
async fn person_of_a_flask_application_signs_in_and_adds_an_email_address() {
    let (app, folder) = (TestApp::spawn(), tempfile::tempdir().unwrap());
    fs::create_dir(folder.path().join("instance")).unwrap();
    python::run_fixture("flask_app.py", &[folder.path().join("instance").to_str().unwrap()], "");
    let tried = import(&app, folder.path(), "gatehouse import instance/app.db --from flask --dry-run");
    assert!(tried.contains("Would create 3 accounts"), "{tried}");
    let imported = import(&app, folder.path(), "gatehouse import instance/app.db --from flask --role-map admin=admin");
    assert!(imported.contains("Created 3 accounts"), "{imported}");

    let browser = Browser::open(&app.address, View::default()).await;
    browser.sign_in("eva", "the password of eva").await;
    browser.wait_for_heading("Hello, eva").await;
    browser.goto("/account").await;
    browser.fill("E-mail", "eva@keepers.example").await;
    browser.click("Save changes").await;
    browser.wait_for_text("Your changes are saved").await;
    browser.click("Sign out").await;
    browser.wait_for_text("You are signed out.").await;
    browser.sign_in("eva@keepers.example", "the password of eva").await;
    browser.wait_for_heading("Hello, eva").await;
    browser.close().await;
}

#[tokio::test]
async fn superuser_of_a_django_project_signs_in_and_administers() {
    let (app, folder) = (TestApp::spawn(), tempfile::tempdir().unwrap());
    python::run_fixture("django_project.py", &[folder.path().join("db.sqlite3").to_str().unwrap(), "make"], "");
    let tried = import(&app, folder.path(), "gatehouse import db.sqlite3 --from django --dry-run");
    assert!(tried.contains("Would create 5 accounts"), "{tried}");
    let command = "gatehouse import db.sqlite3 --from django --role-map superuser=admin,staff=staff";
    let imported = import(&app, folder.path(), command);
    assert!(imported.contains("Created 5 accounts"), "{imported}");

    let browser = Browser::open(&app.address, View::default()).await;
    browser.sign_in("zoe", "the password of zoe").await;
    browser.wait_for_heading("Hello, zoe").await;
    browser.click("Admin").await;
    browser.wait_for_heading("Overview").await;
    browser.close().await;
}
