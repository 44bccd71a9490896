use std::fs;

/// Returns the Python example of `docs/api.md` that contains `text`, for the server at `address`.
pub fn example(text: &str, address: &str) -> String {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/api.md")).unwrap();
    let mut examples = page.split("\n```python\n").skip(1).map(|rest| rest.split("\n```").next().unwrap());
    let example = examples.find(|example| example.contains(text)).unwrap_or_else(|| panic!("no example has {text}"));
    example.replace("https://login.example.org", address)
}
