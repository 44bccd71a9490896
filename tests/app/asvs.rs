use std::{collections::BTreeSet, fs, path::Path};

fn functions(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            functions(&path, names);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            names.extend(text.split("fn ").skip(1).map(|rest| rest.split(['(', '<']).next().unwrap().to_owned()));
        }
    }
}

// The table is worth something only while what it names exists.
#[test]
fn every_test_named_in_asvs_table_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut names = BTreeSet::new();
    functions(&root.join("src"), &mut names);
    functions(&root.join("tests"), &mut names);
    let table = fs::read_to_string(root.join("docs/asvs.md")).unwrap();
    let rows: Vec<_> =
        table.lines().filter(|line| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit()).collect();
    assert_eq!(rows.len(), 85);
    for row in rows {
        let tests: Vec<_> = row.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty() || row.contains("none: "), "{row}");
        for name in tests {
            assert!(names.contains(name), "{name} in: {row}");
        }
    }
}
