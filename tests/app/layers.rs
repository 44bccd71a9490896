//! The layers of the source, as its `use` lines show them. A path in the middle of the code counts as well.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// The modules top down. A module imports only from those below it.
const LAYERS: [&str; 26] = [
    "cli",
    "server",
    "metrics",
    "maintenance",
    "routes",
    "pages",
    "api",
    "web",
    "accounts",
    "tokens",
    "sessions",
    "apps",
    "throttle",
    "passwords",
    "core",
    "transaction",
    "events",
    "db",
    "keys",
    "config",
    "identity",
    "worker_pool",
    "telemetry",
    "language",
    "client",
    // One layer: each is a leaf or uses the one before it.
    "request_id clock random",
];

/// A source file: its module path, such as `web/csrf/token`, its code without tests and comments, and its imports.
pub struct Module {
    pub path: String,
    pub code: String,
    imports: Vec<String>,
}

pub fn modules() -> Vec<Module> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut dirs = vec![root.clone()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else {
                files.push(path);
            }
        }
    }
    let module = |file: &std::path::PathBuf| {
        let path = file.strip_prefix(&root).unwrap().with_extension("").to_str().unwrap().to_owned();
        let source = fs::read_to_string(file).unwrap();
        let source = source.split("#[cfg(test)]\nmod tests").next().unwrap();
        let code: String =
            source.lines().filter(|line| !line.trim_start().starts_with("//")).fold(String::new(), |mut code, line| {
                code.push_str(line.trim());
                code.push(' ');
                code
            });
        let imports = imports(&code);
        Module { path, code, imports }
    };
    files.iter().map(module).filter(|module| module.path != "lib" && module.path != "main").collect()
}

/// Returns the paths of all `use` lines, with their trees unfolded, and of all `crate::` paths in the code.
fn imports(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for (start, _) in code.match_indices("use ") {
        let statement = code[start + 4..].split(';').next().unwrap();
        unfold("", &statement.replace(' ', ""), &mut paths);
    }
    for (start, _) in code.match_indices("crate::") {
        let path = code[start..].split(|letter: char| !(letter.is_alphanumeric() || "_:".contains(letter)));
        paths.extend(path.take(1).filter(|path| !path.ends_with(':')).map(str::to_owned));
    }
    paths
}

/// Unfolds `a::{b, c::{d}}` into `a::b` and `a::c::d`.
fn unfold(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let Some((head, rest)) = tree.split_once('{') else {
        paths.push(format!("{prefix}{tree}"));
        return;
    };
    let prefix = format!("{prefix}{head}");
    let (mut depth, mut start) = (1, 0);
    for (position, letter) in rest.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if (letter == ',' && depth == 1) || depth == 0 {
            if start < position {
                unfold(&prefix, &rest[start..position], paths);
            }
            start = position + 1;
        }
        if depth == 0 {
            return;
        }
    }
}

fn layer(path: &str) -> usize {
    let top = path.split('/').next().unwrap();
    LAYERS.iter().position(|names| names.split(' ').any(|name| name == top)).unwrap_or_else(|| {
        panic!("{top} is in no layer: add it to LAYERS, to src/lib.rs and to README.md");
    })
}

/// Returns the absolute path of an import: segments from the crate's root.
fn absolute(module: &str, import: &str) -> Option<Vec<String>> {
    let mut base: Vec<&str> = module.split('/').collect();
    if base.last() == Some(&"mod") {
        base.pop();
    }
    let mut segments = import.split("::").peekable();
    match segments.next()? {
        "crate" => base.clear(),
        "self" => {}
        "super" => {
            base.pop();
            while segments.next_if_eq(&"super").is_some() {
                base.pop();
            }
        }
        _ => return None,
    }
    Some(base.into_iter().chain(segments).map(str::to_owned).collect())
}

/// Returns the file that an absolute path leads to, through `pub use` where it names a re-export.
fn target(path: &[String], files: &BTreeSet<String>, exports: &BTreeMap<(String, String), String>) -> Option<String> {
    let length = (1..=path.len()).rev().find(|length| {
        let candidate = path[..*length].join("/");
        files.contains(&candidate) || files.contains(&format!("{candidate}/mod"))
    })?;
    let found = path[..length].join("/");
    if files.contains(&found) {
        return Some(found);
    }
    let directory = format!("{found}/mod");
    let name = path.get(length)?;
    Some(exports.get(&(directory.clone(), name.clone())).cloned().unwrap_or(directory))
}

#[test]
fn no_module_imports_from_a_layer_above() {
    let modules = modules();
    let mut checked = 0;
    for module in &modules {
        for import in &module.imports {
            let Some(path) = absolute(&module.path, import).filter(|path| !path.is_empty()) else { continue };
            checked += 1;
            assert!(
                layer(&module.path) <= layer(&path[0]),
                "src/{}.rs imports {import}, which is in a layer above",
                module.path
            );
        }
    }
    assert!(checked > 200, "only {checked} imports were found");
}

#[test]
fn modules_do_not_import_each_other_in_a_circle() {
    let modules = modules();
    let files: BTreeSet<String> = modules.iter().map(|module| module.path.clone()).collect();
    let mut exports = BTreeMap::new();
    for module in modules.iter().filter(|module| module.path.ends_with("mod")) {
        for import in module.imports.iter().filter(|import| import.starts_with("self::")) {
            let path = absolute(&module.path, import).unwrap();
            if let Some(file) = target(&path, &files, &BTreeMap::new()) {
                exports.insert((module.path.clone(), path.last().unwrap().clone()), file);
            }
        }
    }
    let mut edges: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for module in &modules {
        for import in &module.imports {
            let Some(path) = absolute(&module.path, import) else { continue };
            let Some(file) = target(&path, &files, &exports) else { continue };
            // A directory's `mod.rs` declares its files, and they use its types.
            let directory = |path: &str| path.rsplit_once('/').map(|(directory, _)| directory.to_owned());
            let is_parent = |parent: &str, other: &str| {
                parent.ends_with("/mod")
                    && directory(parent).is_some_and(|directory| other.starts_with(&format!("{directory}/")))
            };
            if file != module.path && !is_parent(&file, &module.path) && !is_parent(&module.path, &file) {
                edges.entry(&module.path).or_default().insert(file);
            }
        }
    }
    assert!(edges.values().map(BTreeSet::len).sum::<usize>() > 150);
    for start in edges.keys() {
        let mut reached: BTreeSet<&str> = BTreeSet::new();
        let mut next = vec![*start];
        while let Some(file) = next.pop() {
            for other in edges.get(file).into_iter().flatten() {
                assert_ne!(other, start, "src/{start}.rs and src/{file}.rs import each other in a circle");
                if reached.insert(other) {
                    next.push(other);
                }
            }
        }
    }
}

#[test]
fn only_the_database_and_the_stores_know_diesel() {
    let modules = modules();
    let mut stores = 0;
    for module in modules.iter().filter(|module| module.code.contains("diesel")) {
        let allowed = module.path.starts_with("db/") || module.path.ends_with("/store");
        assert!(allowed, "src/{}.rs uses Diesel", module.path);
        stores += usize::from(module.path.ends_with("/store"));
    }
    assert_eq!(stores, 16, "accounts, events and sessions with their parts, tokens, apps and throttle have a store");
}

// A long file has more than one job.
#[test]
fn no_source_file_has_more_than_400_lines_or_lines_of_more_than_120_characters() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut dirs: Vec<_> = ["src", "tests", "benches"].iter().map(|dir| root.join(dir)).collect();
    let mut files = 0;
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let source = fs::read_to_string(&path).unwrap();
                let name = path.display();
                assert!(source.lines().count() <= 400, "{name} has {} lines", source.lines().count());
                for (number, line) in (1..).zip(source.lines()) {
                    assert!(line.chars().count() <= 120, "{name}:{number} is too long");
                }
                files += 1;
            }
        }
    }
    assert!(files > 100, "only {files} files were found");
}
