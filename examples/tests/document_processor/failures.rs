//! Documents that cannot be processed: each fails with a line of its own, and the others are unharmed.

use crate::program::{Desk, Finished};
use crate::server::{Server, nobody};

const GOOD: &str = "The harbour is quiet in the morning. The boats of the harbour are out at sea.";

/// The document fails with this message, and beside it a good one is reported.
fn assert_refused(desk: &Desk, document: &str, message: &str) -> Finished {
    desk.put("good.txt", GOOD);
    let finished = desk.run(&["good.txt", document]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let expected = format!("error: {document}: ");
    let error = finished.stderr.lines().find(|line| line.starts_with(&expected));
    let error = error.unwrap_or_else(|| panic!("no line begins with `{expected}`: {finished:?}"));
    assert!(error.contains(message), "{error}");
    assert_eq!(desk.reports().len(), 1, "the other document has its report");
    finished
}

#[test]
fn two_documents_are_unharmed_by_a_missing_third() {
    let desk = Desk::new();
    desk.put("one.txt", GOOD);
    desk.put("two.md", "# Two\n\nThe ferry leaves at noon.\n");
    let finished = desk.run(&["one.txt", "missing.txt", "two.md"]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stderr.contains("error: missing.txt: there is no such file"), "{finished:?}");
    assert_eq!(finished.stderr.matches("error: ").count(), 1, "{finished:?}");
    assert_eq!(desk.reports().len(), 2);
}

#[test]
fn an_empty_document() {
    let desk = Desk::new();
    desk.put("empty.md", "\n");
    assert_refused(&desk, "empty.md", "the document is empty");
}

#[test]
fn a_binary_file() {
    let desk = Desk::new();
    desk.put("picture.txt", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    assert_refused(&desk, "picture.txt", "binary");
}

#[test]
fn text_that_is_not_utf_8() {
    let desk = Desk::new();
    desk.put("old.txt", b"Gr\xfc\xdfe aus dem Hafen");
    assert_refused(&desk, "old.txt", "not UTF-8");
}

#[test]
fn a_folder() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path().join("letters")).unwrap();
    assert_refused(&desk, "letters", "this is a folder");
}

#[test]
fn an_address_where_nobody_answers_is_tried_again() {
    let finished = assert_refused(&Desk::new(), &nobody(), "cannot be reached");
    assert_eq!(finished.stderr.matches("will be tried again").count(), 4, "{finished:?}");
}

#[test]
fn a_page_that_does_not_exist_is_asked_for_once() {
    let server = Server::refusing("404 Not Found");
    assert_refused(&Desk::new(), &server.url("gone"), "404 Not Found");
    assert_eq!(server.requests(), 1);
}

#[test]
fn a_server_in_trouble_is_asked_again() {
    let server = Server::refusing("503 Service Unavailable");
    assert_refused(&Desk::new(), &server.url("busy"), "503 Service Unavailable");
    assert_eq!(server.requests(), 5);
}

#[test]
fn content_of_another_kind() {
    let server = Server::serving("application/pdf", "%PDF-1.7");
    assert_refused(&Desk::new(), &server.url("paper"), "`application/pdf` is not supported");
    assert_eq!(server.requests(), 1);
}

#[test]
fn a_database_that_cannot_be_opened() {
    let desk = Desk::new();
    desk.put("good.txt", GOOD);
    let finished = desk.run(&["--db", "no/such/folder/runs.db", "good.txt"]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stderr.starts_with("error: "), "{finished:?}");
}
