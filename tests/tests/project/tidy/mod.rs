//! What STYLE.md promises and a program can check.

mod imports;
mod vocabulary;

use std::fs;
use std::path::{Path, PathBuf};

use imports::Library;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every Rust file of the workspace, except build output and files that must not compile.
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
            if !name.starts_with('.')
                && !matches!(name, "target" | "node_modules" | "pass" | "fail" | "snapshots")
            {
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
fn half_of_the_files_have_at_most_150_lines() {
    for place in ["workflow-engine/src/", "workflow-engine-macros/src/"] {
        let files = rust_files().into_iter().filter(|(path, _)| path.starts_with(place));
        let mut lengths: Vec<usize> = files.map(|(_, text)| text.lines().count()).collect();
        lengths.sort_unstable();
        let median = lengths[lengths.len() / 2];
        assert!(median <= 150, "{place}: the median file has {median} lines");
    }
}

#[test]
fn the_files_that_the_pages_for_maintainers_name_exist() {
    let mut number = 0;
    for page in ["ARCHITECTURE.md", "STYLE.md"] {
        let text = fs::read_to_string(root().join(page)).unwrap();
        let places = ["workflow-engine", "tests/", "docs/", "ui-tests/", "examples/", "benches/"];
        let is_path = |text: &&str| text.contains('/') && places.iter().any(|place| text.starts_with(place));
        for path in text.split('`').skip(1).step_by(2).filter(is_path) {
            assert!(root().join(path).exists(), "{page} names `{path}`, which does not exist");
            number += 1;
        }
    }
    assert!(number > 40, "the pages were read: {number} paths");
}

#[test]
fn every_module_says_what_it_is_for() {
    let mute: Vec<String> =
        rust_files().into_iter().filter(|(_, text)| !text.starts_with("//!")).map(|(path, _)| path).collect();
    assert!(mute.is_empty(), "these do not begin with `//!`: {mute:#?}");
}

/// A database with another encoding than UTF-8 refuses what it cannot hold, also in comments.
#[test]
fn migrations_are_plain_ascii() {
    for store in ["postgres", "sqlite"] {
        for entry in fs::read_dir(root().join("workflow-engine/migrations").join(store)).unwrap() {
            let path = entry.unwrap().path();
            assert!(fs::read_to_string(&path).unwrap().is_ascii(), "{}", path.display());
        }
    }
}

/// The library without its unit tests.
fn library() -> Library {
    let files = rust_files().into_iter().filter_map(|(path, text)| {
        let path = path.strip_prefix("workflow-engine/src/")?;
        let is_test = path.ends_with("tests.rs") || path.contains("/tests/");
        (!is_test).then(|| (path.to_owned(), text))
    });
    Library::read(files)
}

/// The folders of the library, from the lowest floor to the highest: each uses only itself and those before it.
const FLOORS: [&str; 19] = [
    "failpoints",
    "error",
    "value",
    "telemetry",
    "records",
    "ledger",
    "context",
    "definition",
    "language",
    "lower",
    "presets",
    "ports",
    "blobs",
    "sinks",
    "stores",
    "kernel",
    "host",
    "engine",
    "ai",
];

#[test]
fn no_folder_imports_from_a_floor_above_it() {
    let floors: Vec<&str> = FLOORS.into_iter().chain(["testing"]).collect();
    let wrong = library().upward(&floors);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let circles = library().circles();
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn the_imports_of_a_file_are_found() {
    let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let library = Library::read(
        [
            file("lib.rs", "mod a;\nmod b;\n"),
            file("a/mod.rs", "mod x;\nmod y;\n\npub use x::{One, Two as Deux};\n"),
            file("a/x.rs", "use super::y::Three;\n"),
            file("a/y.rs", "use std::fmt;\n\nfn f() -> super::x::One {}\n"),
            file("b.rs", "use crate::a::{\n    One,\n    y::{Four, Five},\n};\n// use crate::c::D;\n"),
        ]
        .into_iter(),
    );
    let expected = [("a", "a::x"), ("a::x", "a::y"), ("a::y", "a::x"), ("b", "a::x"), ("b", "a::y")];
    assert_eq!(library.arrows(), expected);
    assert_eq!(library.circles(), [["a/x.rs", "a/y.rs"]]);
    assert_eq!(library.upward(&["b", "a"]), ["b.rs imports a/x.rs", "b.rs imports a/y.rs"]);
}

/// Every Markdown file of the project.
fn pages_of(folder: &Path, pages: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir()
            && !path.is_symlink()
            && !name.starts_with('.')
            && !matches!(name, "target" | "node_modules" | "samples")
        {
            pages_of(&path, pages);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            let shown = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            pages.push((shown, fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn prose_is_plain() {
    let mut texts = Vec::new();
    pages_of(&root(), &mut texts);
    assert!(texts.len() > 8, "the walk found only {} pages", texts.len());
    // The rules themselves, and a file that names the system's account `nobody`.
    let is_exempt = |path: &str| {
        path.starts_with("tests/tests/project/tidy/") || path == "tests/src/postgres/binaries.rs"
    };
    texts.extend(rust_files().into_iter().filter(|(path, _)| !is_exempt(path)));
    let found: Vec<String> = texts
        .iter()
        .flat_map(|(path, text)| {
            vocabulary::avoided(text).into_iter().map(move |found| format!("{path}:{found}"))
        })
        .collect();
    assert!(found.is_empty(), "{} avoided words: {found:#?}", found.len());
}

#[test]
fn avoided_words_are_found_in_any_place() {
    let text =
        "/// Wakes whoever waits.\nlet nobody_waits = 1;\n// The far\tside, answers how.\n// answerstheir\n";
    let lines: Vec<_> =
        vocabulary::avoided(text).iter().map(|found| found.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(lines, ["1", "2", "3", "3"]);
}

/// Unit tests, the suite for stores and documentation may name a code by its text: it is stable.
#[test]
fn the_library_names_error_codes_by_their_type() {
    let texts: Vec<String> =
        workflow_engine::ErrorCode::ALL.iter().map(|code| format!("\"{code}\"")).collect();
    let mut wrong = Vec::new();
    for (path, text) in rust_files() {
        let is_library =
            path.starts_with("workflow-engine/src/") && !path.starts_with("workflow-engine/src/testing/");
        if !is_library || path.ends_with("error/code.rs") || path.contains("tests") {
            continue;
        }
        let code = text.split("\n#[cfg(test)]\n").next().unwrap_or_default();
        let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        let named = lines.filter(|line| texts.iter().any(|text| line.contains(text.as_str())));
        wrong.extend(named.map(|line| format!("{path}: {}", line.trim())));
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
    let this = "tests/tests/project/tidy/mod.rs";
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
