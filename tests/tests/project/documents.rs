//! What the Markdown files promise and a program can check: complete lists, links that lead somewhere, and snippets that
//! the documentation tests of this crate compile.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use workflow_engine::ErrorCode;

/// Markdown that is no text for readers of the repository: input of an example.
const SAMPLES: &str = "examples/document_processor/samples/";

/// Texts that a crate includes as its own documentation: their links are rustdoc's, and their snippets are documentation
/// tests of that crate.
const CRATE_DOCS: [&str; 3] =
    ["workflow-engine/docs/", "workflow-engine-macros/docs/", "workflow-engine-server/docs/"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every Markdown file of the repository with its text, by its path.
fn documents() -> Vec<(String, String)> {
    let mut paths = Vec::new();
    visit(&root(), &mut paths);
    paths.sort();
    assert!(paths.len() > 15, "the walk found only {paths:?}");
    paths.into_iter().map(|path| (path.clone(), read(&path))).collect()
}

fn visit(folder: &Path, paths: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let (path, file_type) = (entry.path(), entry.file_type().unwrap());
        let name = path.file_name().unwrap().to_str().unwrap();
        // A link leads to files that the walk finds in their own place.
        if file_type.is_dir() && !name.starts_with('.') && !matches!(name, "target" | "node_modules") {
            visit(&path, paths);
        } else if file_type.is_file() && path.extension().is_some_and(|extension| extension == "md") {
            let shown = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
            if !shown.starts_with(SAMPLES) && !CRATE_DOCS.iter().any(|folder| shown.starts_with(folder)) {
                paths.push(shown);
            }
        }
    }
}

/// Lines with their numbers.
type Lines<'a> = Vec<(usize, &'a str)>;

/// The lines outside of code fences, and the language of each fence.
fn prose_and_fences(text: &str) -> (Lines<'_>, Lines<'_>) {
    let (mut prose, mut fences) = (Vec::new(), Vec::new());
    let mut is_code = false;
    for (number, line) in (1..).zip(text.lines()) {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            if !is_code {
                fences.push((number, language));
            }
            is_code = !is_code;
        } else if !is_code {
            prose.push((number, line));
        }
    }
    (prose, fences)
}

#[test]
fn every_code_fence_names_its_language() {
    // A fence without a name is Rust to a documentation test.
    let mut nameless = Vec::new();
    for (path, text) in documents() {
        let fences = prose_and_fences(&text).1;
        nameless.extend(
            fences.iter().filter(|fence| fence.1.is_empty()).map(|fence| format!("{path}:{}", fence.0)),
        );
    }
    assert!(nameless.is_empty(), "write `rust`, `text` or another name after these fences: {nameless:#?}");
}

#[test]
fn every_rust_snippet_is_a_documentation_test() {
    let listed = read("tests/src/markdown.rs");
    let has_rust = |text: &str| prose_and_fences(text).1.iter().any(|fence| fence.1.starts_with("rust"));
    let missing: Vec<String> = documents()
        .into_iter()
        .filter(|(_, text)| has_rust(text))
        .filter(|(path, _)| !listed.contains(&format!("\"{path}\"")))
        .map(|(path, _)| path)
        .collect();
    assert!(missing.is_empty(), "add these to tests/src/markdown.rs: {missing:#?}");
}

#[test]
fn no_snippet_of_the_guide_or_the_readme_is_left_out() {
    let mut ignored = Vec::new();
    for (path, text) in documents() {
        if path == "README.md" || path.starts_with("docs/guide/") {
            let fences = prose_and_fences(&text).1;
            let is_left_out =
                |language: &str| language.contains("ignore") || language.contains("compile_fail");
            ignored.extend(
                fences.iter().filter(|fence| is_left_out(fence.1)).map(|fence| format!("{path}:{}", fence.0)),
            );
        }
    }
    assert!(ignored.is_empty(), "these snippets do not compile in a test: {ignored:#?}");
}

#[test]
fn every_relative_link_leads_to_a_file() {
    let mut broken = Vec::new();
    for (path, text) in documents() {
        let folder = root().join(&path).parent().unwrap().to_owned();
        for (number, line) in prose_and_fences(&text).0 {
            for target in targets(line) {
                let file = target.split('#').next().unwrap_or_default();
                let is_elsewhere = file.is_empty() || file.contains("://") || file.contains("::");
                if !is_elsewhere && !folder.join(file).exists() {
                    broken.push(format!("{path}:{number}: {target}"));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Where the links of a line lead: `[text](target)` and `[label]: target`.
fn targets(line: &str) -> Vec<&str> {
    if let Some((_, target)) = line.strip_prefix('[').and_then(|line| line.split_once("]: ")) {
        return vec![target.trim()];
    }
    let links = line.match_indices("](").map(|(at, _)| &line[at + 2..]);
    links.filter_map(|rest| rest.split(')').next()).filter(|target| !target.contains([' ', '`'])).collect()
}

#[test]
fn every_label_of_a_link_is_defined() {
    // `[text][label]` without a definition is shown as it is written.
    let mut undefined = Vec::new();
    for (path, text) in documents() {
        let prose = prose_and_fences(&text).0;
        let defined: BTreeSet<&str> = prose
            .iter()
            .filter_map(|(_, line)| line.strip_prefix('[')?.split_once("]: ").map(|(label, _)| label))
            .collect();
        for (number, line) in &prose {
            let labels = line.match_indices("][").filter_map(|(at, _)| line[at + 2..].split(']').next());
            undefined.extend(
                labels
                    .filter(|label| !defined.contains(label))
                    .map(|label| format!("{path}:{number}: {label}")),
            );
        }
    }
    assert!(undefined.is_empty(), "{undefined:#?}");
}

/// The chapters of the guide, in reading order.
fn chapters() -> Vec<(String, String)> {
    let is_chapter = |path: &str| {
        path.strip_prefix("docs/guide/")
            .is_some_and(|name| name.starts_with(|first: char| first.is_ascii_digit()))
    };
    documents().into_iter().filter(|(path, _)| is_chapter(path)).collect()
}

#[test]
fn the_guide_is_complete_in_its_index_and_in_the_documentation_of_the_crate() {
    let (index, module) = (read("docs/guide/README.md"), read("workflow-engine/src/guide.rs"));
    let labels = read("workflow-engine/docs/links.md");
    for (number, (path, text)) in (1..).zip(chapters()) {
        let file = path.rsplit('/').next().unwrap();
        let name = file.split_once('-').unwrap().1.trim_end_matches(".md");
        let title = text.lines().next().unwrap().trim_start_matches("# ");
        assert!(file.starts_with(&format!("{number:02}-")), "{path} is not number {number}");
        assert!(index.contains(&format!("[{number}. {title}][{name}]")), "the index lacks {path}, `{title}`");
        assert!(index.contains(&format!("[{name}]: {file}")), "the index lacks a link to {path}");
        assert!(module.contains(&format!("{name} \"{file}\";")), "workflow-engine/src/guide.rs lacks {path}");
        assert!(labels.contains(&format!("[{name}]: crate::guide::{name}\n")), "links.md lacks `{name}`");
    }
}

#[test]
fn a_chapter_can_be_read_in_ten_minutes_and_has_an_example() {
    for (path, text) in chapters() {
        let lines = text.lines().count();
        assert!((60..=200).contains(&lines), "{path} has {lines} lines");
        assert!(text.contains("```rust"), "{path} has no example");
    }
}

#[test]
fn a_link_to_a_chapter_has_the_label_that_the_documentation_of_the_crate_defines() {
    // A link that is written in another way would lead nowhere there.
    let labels = read("workflow-engine/docs/links.md");
    for (path, text) in chapters() {
        for (number, line) in prose_and_fences(&text).0 {
            assert!(
                !line.contains(".md)"),
                "{path}:{number}: write `[text][label]`, and define the label below"
            );
            if let Some((label, _)) = line.strip_prefix('[').and_then(|line| line.split_once("]: ")) {
                assert!(
                    labels.contains(&format!("[{label}]: ")),
                    "{path}:{number}: links.md lacks `{label}`"
                );
            }
        }
    }
}

#[test]
fn troubleshooting_has_every_error_code() {
    let page = read("docs/guide/16-troubleshooting.md");
    let missing: Vec<&str> = ErrorCode::ALL
        .iter()
        .map(|code| code.as_str())
        .filter(|code| !page.contains(&format!("`{code}`")))
        .collect();
    assert!(missing.is_empty(), "the chapter lacks {missing:?}");
}
