//! What STYLE.md promises and a program can check.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every Rust file of the workspace, but for what is built and what must not compile.
fn rust_files() -> Vec<(String, String)> {
    let mut files = Vec::new();
    visit(&root(), &mut files);
    assert!(files.len() > 50, "the walk found only {} files", files.len());
    files
}

fn visit(folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if !name.starts_with('.') && !matches!(name, "target" | "pass" | "fail" | "snapshots") {
                visit(&path, files);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let shown = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            files.push((shown, fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn no_file_has_more_than_400_lines() {
    let long: Vec<String> = rust_files()
        .iter()
        .filter(|(_, text)| text.lines().count() > 400)
        .map(|(path, text)| format!("{path}: {} lines", text.lines().count()))
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn every_module_says_what_it_is_for() {
    let mute: Vec<String> =
        rust_files().into_iter().filter(|(_, text)| !text.starts_with("//!")).map(|(path, _)| path).collect();
    assert!(mute.is_empty(), "these do not begin with `//!`: {mute:#?}");
}

#[test]
fn nothing_points_to_a_floor_above() {
    // A floor, and what it may not name.
    let floors: [(&str, &[&str]); 5] = [
        ("language", &["kernel", "ports", "records", "stores", "host", "engine"]),
        ("records", &["kernel", "ports", "stores", "host", "engine"]),
        ("ports", &["kernel", "stores", "host", "engine"]),
        ("kernel", &["stores", "host", "engine"]),
        ("stores", &["kernel", "host", "engine"]),
    ];
    let mut wrong = Vec::new();
    for (path, text) in rust_files() {
        for (floor, above) in floors {
            if !path.starts_with(&format!("workflow-engine/src/{floor}/")) {
                continue;
            }
            for name in above {
                let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
                if code.clone().any(|line| line.contains(&format!("crate::{name}::"))) {
                    wrong.push(format!("{path} names crate::{name}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn sql_stands_in_the_stores_alone() {
    let wrong: Vec<String> = rust_files()
        .into_iter()
        .filter(|(path, _)| path.starts_with("workflow-engine/src/") && !path.contains("/stores/"))
        .filter(|(_, text)| text.contains("sqlx"))
        .map(|(path, _)| path)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_test_is_switched_off_or_waits_for_a_fixed_time() {
    let this = "tests/tests/tidy.rs";
    let mut wrong = Vec::new();
    for (path, text) in rust_files().into_iter().filter(|(path, _)| path != this) {
        for (number, line) in text.lines().enumerate() {
            let off = line.contains("#[ignore") || line.contains("#[should_panic");
            let sleeps = path.contains("tests/") && line.contains("sleep(") && line.contains("::");
            if off || sleeps {
                wrong.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_tests_that_the_guarantees_name_exist() {
    let page = fs::read_to_string(root().join("docs/guarantees.md")).unwrap();
    let files = rust_files();
    let mut named = 0;
    for line in page.lines().filter(|line| line.starts_with("- `") || line.contains("(`tests/")) {
        let mut names = line.split('`').skip(1).step_by(2);
        let file = names.next().unwrap();
        assert!(files.iter().any(|(path, _)| path.contains(file)), "there is no {file}");
        for name in names {
            let signature = format!("fn {name}(");
            let exists = files.iter().any(|(path, text)| path.contains(file) && text.contains(&signature));
            assert!(exists, "there is no `{name}` in {file}");
            named += 1;
        }
    }
    assert!(named > 20, "the page was read: {named} tests");
}
