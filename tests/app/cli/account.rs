use serde_json::Value;

use super::{Instance, Site};
use crate::support::{PASSWORD, WRONG_PASSWORD};

#[tokio::test]
async fn disabled_account_is_signed_out_at_once_and_answered_like_a_wrong_password() {
    let site = Site::serve(&[]);
    let zoe = site.client();
    zoe.register("zoe").await;
    assert_eq!(site.account(&["disable", "zoe"]).status, 0);
    assert!(!zoe.is_signed_in().await);
    let disabled = site.client().sign_in("zoe", PASSWORD).await;
    let wrong = site.client().sign_in("zoe", WRONG_PASSWORD).await;
    assert_eq!((disabled.status, disabled.body), (422, wrong.body));
    assert_eq!(site.show("zoe")["state"], "disabled");
    assert_eq!(site.account(&["enable", "zoe@keepers.example"]).status, 0);
    assert_eq!(site.client().sign_in("zoe", PASSWORD).await.status, 303);
    assert_eq!(site.show("zoe")["state"], "active");
}

#[tokio::test]
async fn sign_out_ends_all_sessions() {
    let site = Site::serve(&[]);
    let zoe = site.client();
    zoe.register("zoe").await;
    let other = site.client();
    other.sign_in("zoe", PASSWORD).await;
    assert_eq!(site.show("zoe")["sessions"], 2);
    assert_eq!(site.account(&["sign-out", "zoe"]).status, 0);
    assert!(!zoe.is_signed_in().await && !other.is_signed_in().await);
    assert_eq!(site.show("zoe")["sessions"], 0);
}

#[tokio::test]
async fn roles_are_added_and_removed_and_shown_in_order() {
    let site = Site::serve(&[]);
    site.client().register("zoe").await;
    for (arguments, roles) in [
        (["add-role", "zoe", "staff"], &["staff"][..]),
        (["add-role", "zoe", "editor"], &["editor", "staff"]),
        (["add-role", "zoe", "staff"], &["editor", "staff"]),
        (["remove-role", "zoe", "staff"], &["editor"]),
        (["remove-role", "zoe", "staff"], &["editor"]),
    ] {
        assert_eq!(site.account(&arguments).status, 0);
        assert_eq!(site.show("zoe")["roles"], serde_json::json!(roles), "{arguments:?}");
    }
    for role in ["any", "Staff", "", "a b"] {
        let refused = site.account(&["add-role", "zoe", role]);
        assert_eq!(refused.status, 2, "{role}: {}", refused.stderr);
    }
}

#[tokio::test]
async fn last_active_administrator_cannot_be_demoted_disabled_or_deleted() {
    let site = Site::serve(&[]);
    let zoe = site.client();
    zoe.register("zoe").await;
    site.client().register("eva").await;
    assert_eq!(site.account(&["add-role", "zoe", "admin"]).status, 0);
    assert_eq!(site.account(&["add-role", "eva", "admin"]).status, 0);
    assert_eq!(site.account(&["disable", "eva"]).status, 0);
    for arguments in [&["remove-role", "zoe", "admin"][..], &["disable", "zoe"], &["delete", "zoe", "--yes"]] {
        let refused = site.account(arguments);
        assert_eq!(refused.status, 1, "{arguments:?}");
        assert!(refused.stderr.contains("the last active administrator"), "{}", refused.stderr);
    }
    let refused = zoe.submit("/account/delete", &[("confirm", "zoe"), ("current_password", PASSWORD)]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("the last active administrator"));
    assert!(zoe.is_signed_in().await);
    assert_eq!(site.account(&["enable", "eva"]).status, 0);
    assert_eq!(site.account(&["remove-role", "zoe", "admin"]).status, 0);
}

#[tokio::test]
async fn deletion_needs_a_confirmation() {
    let site = Site::serve(&[]);
    let zoe = site.client();
    zoe.register("zoe").await;
    assert_eq!(site.account(&["delete", "zoe"]).status, 2);
    assert!(zoe.is_signed_in().await);
    assert_eq!(site.account(&["delete", "zoe", "--yes"]).status, 0);
    assert!(!zoe.is_signed_in().await);
    assert_eq!(site.account(&["show", "zoe"]).status, 1);
    let again = site.client().register("zoe").await;
    assert_eq!(again.error_fields(), ["username"], "the name stays reserved, as after a deletion by the owner");
}

#[tokio::test]
async fn account_is_created_with_a_password_from_standard_input() {
    let site = Site::serve(&[]);
    let create = ["account", "create", "Zoe", "zoe@keepers.example", "--role", "staff", "--password-stdin"];
    assert_eq!(site.run_with_input(&create, &format!("{PASSWORD}\n")).status, 0);
    assert_eq!(site.client().sign_in("zoe", PASSWORD).await.status, 303);
    let zoe = site.show("zoe");
    assert_eq!((&zoe["roles"][0], &zoe["hash_scheme"]), (&"staff".into(), &"argon2id".into()));
    for (username, email, password, expected) in [
        ("zoe", "ida@keepers.example", PASSWORD, "This user name is taken."),
        ("ida", "zoe@keepers.example", PASSWORD, "There is already an account"),
        ("!", "ida@keepers.example", PASSWORD, "A user name"),
        ("ida", "ida@keepers.example", "short", "Use at least 15 characters."),
        ("ida", "ida@keepers.example", "passwordpassword", "repeats itself"),
    ] {
        let refused = site.run_with_input(&["account", "create", username, email, "--password-stdin"], password);
        assert_eq!((refused.status, refused.stderr.contains(expected)), (1, true), "{}", refused.stderr);
    }
    assert_eq!(site.account(&["show", "ida"]).status, 1);
    let reserved = ["account", "create", "admin", "admin@keepers.example", "--password-stdin"];
    assert_eq!(site.run_with_input(&reserved, PASSWORD).status, 0, "reserved names are for operators");
}

#[tokio::test]
async fn account_without_a_password_gets_a_link_to_set_one() {
    let site = Site::serve(&[]);
    let created = site.account(&["create", "zoe", "zoe@keepers.example"]);
    let prefix = format!("{}/reset?token=", site.running.address);
    assert!(created.stdout.starts_with(&prefix), "{}{}", created.stdout, created.stderr);
    assert_eq!(site.show("zoe")["hash_scheme"], Value::Null);
    for password in ["", "!", PASSWORD] {
        assert_eq!(site.client().sign_in("zoe", password).await.status, 422, "no password matches");
    }
    let path = created.stdout.trim().strip_prefix(&site.running.address).unwrap();
    let client = site.client();
    let token = client.get(path).await.hidden_field("token").unwrap();
    let fields = [("token", token.as_str()), ("password", PASSWORD), ("password_confirm", PASSWORD)];
    assert_eq!(client.post("/reset", &fields).await.location(), "/login");
    assert_eq!(client.sign_in("zoe", PASSWORD).await.status, 303);
    assert_eq!(site.show("zoe")["hash_scheme"], "argon2id");
}

#[tokio::test]
async fn command_that_prints_a_link_needs_the_public_url() {
    let site = Site::serve(&[]);
    site.client().register("zoe").await;
    for arguments in [&["reset-link", "zoe"][..], &["create", "ida", "ida@keepers.example"]] {
        let refused = site.instance.run(&[&["account"], arguments].concat());
        assert_eq!(refused.status, 2);
        assert!(refused.stderr.contains("GATEHOUSE_PUBLIC_URL"), "{}", refused.stderr);
    }
    assert_eq!(site.account(&["show", "ida"]).status, 1, "nothing was created");
}

#[tokio::test]
async fn list_is_filtered_and_complete() {
    let site = Site::serve(&[]);
    for name in ["zoe", "eva", "ida"] {
        site.client().register(name).await;
    }
    site.account(&["add-role", "eva", "staff"]);
    site.account(&["disable", "ida"]);
    let names = |arguments: &[&str]| -> Vec<String> {
        let listed = site.account(&[&["list", "--json"], arguments].concat());
        assert_eq!(listed.status, 0, "{}", listed.stderr);
        let lines = listed.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.map(|account| account["username"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&[]), ["zoe", "eva", "ida"], "in the order of their creation");
    assert_eq!(names(&["--role", "staff"]), ["eva"]);
    assert_eq!(names(&["--state", "disabled"]), ["ida"]);
    assert_eq!(names(&["--state", "active"]), ["zoe", "eva"]);
    assert_eq!(names(&["--state", "locked"]), Vec::<String>::new());
    assert_eq!(names(&["--state", "disabled", "--role", "staff"]), Vec::<String>::new());
    let line: Value = serde_json::from_str(site.account(&["list", "--json"]).stdout.lines().next().unwrap()).unwrap();
    let keys: Vec<_> = line.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        ["created_at", "email", "hash_scheme", "id", "last_sign_in_at", "roles", "state", "username"],
        "as the contract says"
    );
    let text = site.account(&["list", "--role", "staff"]).stdout;
    assert_eq!(text.split_whitespace().collect::<Vec<_>>(), ["eva", "eva@keepers.example", "active", "staff"]);
}

#[tokio::test]
async fn unknown_account_and_missing_database_are_no_success() {
    let site = Site::serve(&[]);
    for arguments in [&["show", "eva"][..], &["disable", "eva"], &["unlock", "eva"], &["reset-link", "eva"]] {
        let refused = site.account(arguments);
        assert_eq!((refused.status, refused.stderr.contains("There is no account")), (1, true), "{}", refused.stderr);
    }
    let elsewhere = Instance::new();
    let refused = elsewhere.run(&["account", "list"]);
    assert_eq!(refused.status, 2);
    assert!(refused.stderr.contains("there is no data/"), "{}", refused.stderr);
    assert!(elsewhere.files("").is_empty(), "nothing was created");
}

#[tokio::test]
async fn every_account_command_shows_an_example() {
    let instance = Instance::new();
    let help = instance.run(&["account", "--help"]).stdout;
    let commands: Vec<_> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help" && name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-'))
        .collect();
    assert_eq!(commands.len(), 11, "{help}");
    for command in commands {
        let help = instance.run(&["account", command, "--help"]).stdout;
        assert!(help.contains(&format!("Example: gatehouse account {command}")), "{help}");
    }
}
