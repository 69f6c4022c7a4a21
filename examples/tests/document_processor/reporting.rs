//! Documents that are processed without errors.

use std::fs;
use std::path::Path;

use crate::program::Desk;
use crate::server::Server;

fn sample(name: &str) -> String {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("document_processor/samples");
    samples.join(name).to_str().unwrap().to_owned()
}

#[test]
fn several_documents_are_reported_in_the_order_of_the_arguments() {
    let desk = Desk::new();
    let samples = ["lighthouse.txt", "leuchtturm.md", "marees.html"].map(sample);
    let finished = desk.run(&[&samples[0], &samples[1], &samples[2]]);
    assert_eq!(finished.code, Some(0), "{finished:?}");

    let titles = ["The lighthouse on Skerry Rock", "Der Leuchtturm auf der Klippe", "Les marées & la lune"];
    let places = titles.map(|title| finished.stdout.find(title).unwrap());
    assert!(places.is_sorted(), "{}", finished.stdout);
    for language in ["English", "German", "French"] {
        assert!(finished.stdout.contains(language), "{}", finished.stdout);
    }
    assert_eq!(desk.reports().len(), 3);
}

#[test]
fn every_stage_has_a_line() {
    let desk = Desk::new();
    desk.put("notes.txt", "The harbour is quiet in the morning. The boats of the harbour are out at sea.");
    let finished = desk.run(&["notes.txt"]);
    for stage in ["extract-text", "rank-keywords", "detect-language", "summarize", "report"] {
        let line = finished.stderr.lines().find(|line| line.contains(stage));
        let line = line.unwrap_or_else(|| panic!("{stage} has no line: {finished:?}"));
        assert!(
            line.starts_with("notes.txt  ") && line.contains("completed in") && line.ends_with("ms"),
            "{line}"
        );
    }
}

#[test]
fn a_web_page_is_a_document() {
    let desk = Desk::new();
    let server = Server::serving(
        "text/html; charset=utf-8",
        "<title>Harbour news</title><p>The ferry to the islands leaves the harbour at noon. The ferry is full.</p>",
    );
    let finished = desk.run(&[&server.url("news")]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(
        finished.stdout.contains("Harbour news") && finished.stdout.contains("ferry (2)"),
        "{finished:?}"
    );
    assert_eq!(server.requests(), 1);
}

#[test]
fn a_repeated_run_replaces_its_report() {
    let desk = Desk::new();
    desk.put("notes.txt", "The harbour is quiet in the morning.");
    assert_eq!(desk.run(&["notes.txt"]).code, Some(0));
    desk.put("notes.txt", "The ferry leaves at noon from the old harbour.");
    assert_eq!(desk.run(&["notes.txt"]).code, Some(0));
    let reports = desk.reports();
    assert_eq!(reports.len(), 1);
    assert!(fs::read_to_string(&reports[0]).unwrap().contains("ferry"));
}

#[test]
fn the_database_and_the_folder_can_be_chosen() {
    let desk = Desk::new();
    desk.put("notes.txt", "The harbour is quiet in the morning.");
    let finished = desk.run(&["--db", "sqlite://runs.db", "--out", "out/today", "notes.txt"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(desk.path().join("runs.db").is_file() && !desk.path().join("workflows.db").exists());
    assert_eq!(fs::read_dir(desk.path().join("out/today")).unwrap().count(), 2);

    let finished = desk.run(&["--db", "memory:", "notes.txt"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(!desk.path().join("workflows.db").exists());
}

#[test]
fn without_work_it_prints_a_hint() {
    let desk = Desk::new();
    let finished = desk.run(&[]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.stderr.contains("no unfinished documents"), "{finished:?}");
}
