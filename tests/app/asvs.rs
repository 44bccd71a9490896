use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

const TEST_ATTRIBUTES: [&str; 3] = ["#[test]", "#[tokio::test]", "#[actix_web::test]"];
/// Every assertion contains one of these. The waiting methods of `Browser` panic on a timeout.
const ASSERTIONS: [&str; 3] = ["assert", "wait_for_heading(", "wait_for_text("];

/// Finds the test functions below `dir`, and whether each of them runs and asserts something.
///
/// Relies on rustfmt: an attribute has its own line, and the closing brace of a function has the indentation of its
/// first line.
fn collect_tests(dir: &Path, tests: &mut BTreeMap<String, bool>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_tests(&path, tests);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let lines: Vec<_> = text.lines().collect();
            for (index, attribute) in
                lines.iter().enumerate().filter(|(_, line)| TEST_ATTRIBUTES.contains(&line.trim()))
            {
                let (name, asserts) = parse_test(&lines, index, attribute);
                // Modules may use one name twice; then both functions have to assert something.
                *tests.entry(name).or_insert(true) &= asserts;
            }
        }
    }
}

fn parse_test(lines: &[&str], index: usize, attribute: &str) -> (String, bool) {
    let first = index + 1 + lines[index + 1..].iter().position(|line| line.contains("fn ")).unwrap();
    let (_, signature) = lines[first].split_once("fn ").unwrap();
    let name = signature.split(['(', '<']).next().unwrap().to_owned();
    let is_ignored = lines[index.saturating_sub(1)..first].iter().any(|line| line.contains("#[ignore"));
    let indentation = &attribute[..attribute.len() - attribute.trim_start().len()];
    let end = format!("{indentation}}}");
    let asserts = lines[first + 1..]
        .iter()
        .take_while(|line| **line != end)
        .filter(|line| !line.trim_start().starts_with("//"))
        .any(|line| ASSERTIONS.iter().any(|assertion| line.contains(assertion)));
    (name, asserts && !is_ignored)
}

#[test]
fn every_test_named_in_asvs_table_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = BTreeMap::new();
    collect_tests(&root.join("src"), &mut tests);
    collect_tests(&root.join("tests"), &mut tests);
    let table = fs::read_to_string(root.join("docs/asvs.md")).unwrap();
    let mut requirements = BTreeSet::new();
    for row in table.lines().filter(|line| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit()) {
        let requirement = row.split('|').nth(1).unwrap().trim();
        assert!(requirements.insert(requirement), "{requirement} has two rows");
        let names: Vec<_> = row.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty() || row.contains("none: "), "no test and no reason: {row}");
        for name in names {
            assert!(tests.contains_key(name), "{requirement}: there is no test {name}");
            assert!(tests[name], "{requirement}: the test {name} is ignored or has no assertion");
        }
    }
    assert!(!requirements.is_empty(), "docs/asvs.md has no rows");
}
