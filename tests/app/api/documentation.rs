//! `docs/api.md`: its examples run as they stand, and its answers have the members of the real ones.

use std::{
    fs,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::support::{TestApp, program};

/// A fenced block: its language and its text.
struct Block<'a> {
    language: &'a str,
    text: &'a str,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let inside = page.split("\n```").skip(1).step_by(2);
    inside.map(|block| block.split_once('\n').unwrap()).map(|(language, text)| Block { language, text }).collect()
}

/// Returns the names of all members, with those of objects inside.
fn members(value: &Value) -> Vec<String> {
    let mut names = Vec::new();
    if let Value::Object(object) = value {
        for (name, value) in object {
            names.push(name.clone());
            names.extend(members(value).iter().map(|inner| format!("{name}.{inner}")));
        }
    }
    names
}

#[tokio::test]
async fn examples_of_the_documentation_run_and_answer_what_it_says() {
    let app = TestApp::spawn();
    program(&["curl"], "curl");
    program(&["jq"], "jq");
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/api.md")).unwrap();
    let blocks = blocks(&page);
    let (folder, mut script) = (tempfile::tempdir().unwrap(), String::from("set -euo pipefail\n"));
    let mut compared = 0;
    for (block, next) in blocks.iter().zip(blocks.iter().skip(1)) {
        if block.language != "sh" {
            continue;
        }
        let text = block.text.replace("http://127.0.0.1:8080", &app.address);
        let text = text.replace("curl -sS", "curl -sS --noproxy '*'");
        let mut command = Command::new("bash");
        command.arg("-c").arg(format!("{script}{text}")).current_dir(folder.path()).stderr(Stdio::inherit());
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let answer = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}: {answer}");
        if text.starts_with("GATEHOUSE=") {
            script.push_str(&text);
            script.push('\n');
        }
        let is_expected = text.contains("\"short\"");
        assert!(is_expected || !answer.contains("\"type\":\"about:blank\""), "{text}: {answer}");
        if next.language == "json" {
            let parse =
                |text: &str| members(&serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}")));
            let sort = |mut names: Vec<String>| {
                names.sort();
                names
            };
            assert_eq!(sort(parse(&answer)), sort(parse(next.text)), "{text}: {answer}");
            compared += 1;
        }
    }
    assert_eq!(compared, 4, "all answers are compared");
}
