//! The table in `docs/asvs.md`: every requirement has its row, and every test that a row names runs and asserts.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

const TEST_ATTRIBUTES: [&str; 3] = ["#[test]", "#[tokio::test]", "#[actix_web::test]"];
/// Every assertion contains one of these. The waiting methods of `Browser` panic on a timeout.
const ASSERTIONS: [&str; 3] = ["assert", "wait_for_heading(", "wait_for_text("];

/// The requirements of the table of tests. A row that is deleted is missed here.
const TESTED: &str = "1.2.1 1.2.2 1.2.4 2.2.2 2.3.1 2.3.3 2.3.4 2.4.1 3.2.1 3.3.1 3.3.2 3.3.3 3.3.4 3.4.1 3.4.2 \
    3.4.3 3.4.4 3.4.5 3.4.6 3.5.1 3.5.3 3.7.2 4.1.1 4.1.3 4.2.1 6.2.1 6.2.2 6.2.3 6.2.4 6.2.5 6.2.6 6.2.7 6.2.8 \
    6.2.9 6.2.10 6.2.11 6.2.12 6.3.1 6.3.2 6.3.4 6.3.8 6.4.1 6.4.2 7.2.1 7.2.3 7.2.4 7.3.1 7.3.2 7.4.1 7.4.2 7.4.3 \
    7.4.4 7.5.1 7.5.2 8.2.1 8.2.2 8.3.1 8.3.2 9.1.1 9.1.2 9.1.3 9.2.1 9.2.2 10.4.5 10.4.8 11.2.4 11.4.2 11.5.1 \
    13.2.3 13.3.1 13.4.2 13.4.5 14.2.1 14.2.2 14.3.1 14.3.2 15.2.1 15.2.2 15.3.3 15.3.4 15.3.7 15.4.2 16.2.5 16.3.1 \
    16.3.3 16.4.1 16.5.1 16.5.2 16.5.3 16.5.4";

/// The requirements for documentation. They stand at the end of the headings of `docs/security.md`.
const DOCUMENTED: &str = "2.1.1 2.1.3 6.1.1 6.1.2 6.1.3 7.1.1 7.1.2 8.1.1 11.1.1 11.1.2 13.1.1 14.1.1 15.1.1 15.1.2 \
    15.1.3 16.1.1";

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
            let is_compiled = is_module(&path);
            for (index, _) in lines.iter().enumerate().filter(|(_, line)| TEST_ATTRIBUTES.contains(&line.trim())) {
                let (name, is_test) = parse_test(&lines, index)
                    .unwrap_or_else(|| panic!("{}:{}: an attribute without a function", path.display(), index + 1));
                // Modules may use one name twice; then both functions have to assert something.
                *tests.entry(name).or_insert(true) &= is_test && is_compiled;
            }
        }
    }
}

/// Whether the module above declares the file, so that it is compiled.
fn is_module(path: &Path) -> bool {
    let stem = path.file_stem().unwrap().to_str().unwrap();
    if ["main", "lib", "mod"].contains(&stem) {
        return true;
    }
    let declaration = format!("mod {stem};");
    let parent = path.parent().unwrap();
    ["main.rs", "lib.rs", "mod.rs"].iter().filter_map(|name| fs::read_to_string(parent.join(name)).ok()).any(|source| {
        source.lines().any(|line| line.trim_start_matches("pub(crate) ").trim_start_matches("pub ") == declaration)
    })
}

/// Returns the function directly after the attribute at `index`, and whether it runs and asserts something.
fn parse_test(lines: &[&str], index: usize) -> Option<(String, bool)> {
    let is_attribute = |line: &&&str| line.trim_start().starts_with("#[");
    let before = lines[..index].iter().rev().take_while(is_attribute).count();
    let after = lines[index..].iter().take_while(is_attribute).count();
    let first = index + after;
    let signature = lines.get(first)?.trim_start();
    let signature = signature.strip_prefix("async ").unwrap_or(signature).strip_prefix("fn ")?;
    let name = signature.split(['(', '<']).next()?.to_owned();
    let attributes = &lines[index - before..first];
    let runs = !attributes.iter().any(|line| line.contains("ignore") || line.contains("cfg"));
    let indentation = &lines[index][..lines[index].len() - lines[index].trim_start().len()];
    let end = format!("{indentation}}}");
    let asserts = lines[first + 1..]
        .iter()
        .take_while(|line| **line != end)
        .filter(|line| !line.trim_start().starts_with("//"))
        .any(|line| ASSERTIONS.iter().any(|assertion| line.contains(assertion)));
    Some((name, runs && asserts))
}

/// Returns the rows of a table: the requirement and its other columns.
fn rows(table: &str) -> Vec<(&str, &str)> {
    table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" | "))
        .filter(|(requirement, _)| requirement.starts_with(|letter: char| letter.is_ascii_digit()))
        .collect()
}

#[test]
fn every_test_named_in_asvs_table_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = BTreeMap::new();
    collect_tests(&root.join("src"), &mut tests);
    collect_tests(&root.join("tests"), &mut tests);
    let table = fs::read_to_string(root.join("docs/asvs.md")).unwrap();
    let mut requirements = BTreeSet::new();
    for (requirement, row) in rows(&table) {
        assert!(requirements.insert(requirement), "{requirement} has two rows");
        let names: Vec<_> = row.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty() || row.contains("none: "), "no test and no reason: {row}");
        for name in names {
            assert!(tests.contains_key(name), "{requirement}: there is no test {name}");
            assert!(tests[name], "{requirement}: the test {name} does not run or has no assertion");
        }
    }
    assert_eq!(requirements, TESTED.split_whitespace().collect(), "update this list when a row is added");
}

#[test]
fn every_requirement_for_documentation_has_its_section() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/security.md")).unwrap();
    let headings = page.lines().filter_map(|line| line.strip_prefix("## ")?.strip_suffix(')')?.split_once(" ("));
    let found: Vec<_> = headings.flat_map(|(_, requirements)| requirements.split(", ")).collect();
    let expected: BTreeSet<_> = DOCUMENTED.split_whitespace().collect();
    assert_eq!(found.len(), expected.len());
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
}

#[test]
fn only_functions_that_run_and_assert_count_as_tests() {
    let cases = [
        ("#[test]\nfn a() {\n    assert!(b());\n}", Some(true)),
        ("#[tokio::test]\nasync fn a() {\n    assert_eq!(1, b());\n}", Some(true)),
        ("#[test]\nfn a() {\n    b();\n}\nfn c() {\n    assert!(b());\n}", Some(false)),
        ("#[test]\nfn a() {\n    // assert!(b());\n}", Some(false)),
        ("#[test]\n#[ignore = \"slow\"]\nfn a() {\n    assert!(b());\n}", Some(false)),
        ("#[test]\n#[cfg(windows)]\nfn a() {\n    assert!(b());\n}", Some(false)),
        ("#[test]\n// fn a() {\nconst B: u8 = 0;\nfn a() {\n    assert!(b());\n}", None),
    ];
    for (source, expected) in cases {
        let lines: Vec<_> = source.lines().collect();
        assert_eq!(parse_test(&lines, 0).map(|(_, is_test)| is_test), expected, "{source}");
    }
    let ignored_above = ["#[ignore]", "#[test]", "fn a() {", "    assert!(b());", "}"];
    assert_eq!(parse_test(&ignored_above, 1), Some(("a".to_owned(), false)));
}
