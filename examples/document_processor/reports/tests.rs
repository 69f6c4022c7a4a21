//! Tests of a report's files and of its text for a terminal.

use super::*;

fn report(folder: &std::path::Path, source: Source) -> Report {
    let files = ReportFiles::new(folder, &source);
    Report {
        title: "The harbour".into(),
        source,
        language: Language { code: "eng".into(), name: "English".into(), confidence: 0.987 },
        words: 120,
        truncated: false,
        keywords: vec![Keyword { term: "harbour".into(), count: 3, score: 3.0 }],
        summary: vec!["It was quiet.".into(), "Then boats came.".into()],
        files,
    }
}

#[test]
fn files_are_replaced_and_no_other_file_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let mut report = report(&folder.path().join("new"), Source::File("/notes/harbour.md".into()));
    write(&report, "test").unwrap();
    std::fs::write(folder.path().join("new/.test.partial"), "what a killed writer left").unwrap();
    report.words = 121;
    write(&report, "test").unwrap();

    let names = std::fs::read_dir(folder.path().join("new")).unwrap().count();
    assert_eq!(names, 2, "one JSON and one Markdown file");
    let stored: Report = serde_json::from_slice(&std::fs::read(&report.files.json).unwrap()).unwrap();
    assert_eq!(stored, report);
    let markdown = std::fs::read_to_string(&report.files.markdown).unwrap();
    assert!(markdown.contains("# The harbour") && markdown.contains("- Words: 121"), "{markdown}");
    assert!(markdown.contains("| harbour | 3 | 3 |"), "{markdown}");
}

#[test]
fn documents_with_the_same_name_have_different_files() {
    let folder = std::path::Path::new("reports");
    let one = ReportFiles::new(folder, &Source::File("/a/README.md".into()));
    let other = ReportFiles::new(folder, &Source::File("/b/README.md".into()));
    assert_ne!(one, other);
    assert_eq!(one, ReportFiles::new(folder, &Source::File("/a/README.md".into())));
    assert!(one.json.to_str().unwrap().starts_with("reports/readme-md-"));
}

#[test]
fn a_folder_that_is_a_file_is_a_permanent_failure() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = write(&report(file.path(), Source::File("/a.md".into())), "test").unwrap_err();
    assert!(!error.is_retryable() && error.message().contains("cannot be written"), "{error}");
}

#[test]
fn the_text_for_a_terminal_is_complete() {
    let shown =
        report(std::path::Path::new("out"), Source::Url("https://example.org/harbour".into())).to_string();
    for expected in [
        "The harbour",
        "English (99 % sure)",
        "120",
        "harbour (3)",
        "It was quiet.",
        "Then boats came.",
        "out/",
    ] {
        assert!(shown.contains(expected), "{expected} is missing in:\n{shown}");
    }
}
