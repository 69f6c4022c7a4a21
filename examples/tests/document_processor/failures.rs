//! Documents that cannot be processed: each fails with its own message and does not affect the others.

use crate::program::{Desk, Finished};
use crate::server::{Server, unreachable_url};

const GOOD: &str = "The harbour is quiet in the morning. The boats of the harbour are out at sea.";

/// Asserts that the document fails with this message, and that another document has a report.
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
fn a_missing_document_does_not_affect_two_others() {
    let desk = Desk::new();
    desk.put("one.txt", GOOD);
    desk.put("two.md", "# Two\n\nThe ferry leaves at noon.\n");
    let finished = desk.run(&["one.txt", "missing.txt", "two.md"]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stderr.contains("error: missing.txt: the file does not exist"), "{finished:?}");
    assert_eq!(finished.stderr.matches("error: ").count(), 1, "{finished:?}");
    assert_eq!(desk.reports().len(), 2);
}

#[test]
fn an_empty_document_is_refused() {
    let desk = Desk::new();
    desk.put("empty.md", "\n");
    assert_refused(&desk, "empty.md", "the document is empty");
}

#[test]
fn a_binary_file_is_refused() {
    let desk = Desk::new();
    desk.put("picture.txt", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    assert_refused(&desk, "picture.txt", "binary");
}

#[test]
fn text_that_is_not_utf_8_is_refused() {
    let desk = Desk::new();
    desk.put("old.txt", b"Gr\xfc\xdfe aus dem Hafen");
    assert_refused(&desk, "old.txt", "not UTF-8");
}

#[test]
fn a_folder_is_refused() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path().join("letters")).unwrap();
    assert_refused(&desk, "letters", "the path is a folder");
}

#[test]
fn an_unreachable_server_is_retried() {
    let finished = assert_refused(&Desk::new(), &unreachable_url(), "cannot be reached");
    assert_eq!(finished.stderr.matches("failed and will be retried").count(), 4, "{finished:?}");
}

#[test]
fn a_page_that_does_not_exist_is_requested_once() {
    let server = Server::refusing("404 Not Found");
    assert_refused(&Desk::new(), &server.url("gone"), "404 Not Found");
    assert_eq!(server.requests(), 1);
}

#[test]
fn a_server_error_is_retried() {
    let server = Server::refusing("503 Service Unavailable");
    assert_refused(&Desk::new(), &server.url("busy"), "503 Service Unavailable");
    assert_eq!(server.requests(), 5);
}

#[test]
fn content_of_another_type_is_refused() {
    let server = Server::serving("application/pdf", "%PDF-1.7");
    assert_refused(&Desk::new(), &server.url("paper"), "`application/pdf` is not supported");
    assert_eq!(server.requests(), 1);
}

#[test]
fn a_database_that_cannot_be_opened_is_an_error() {
    let desk = Desk::new();
    desk.put("good.txt", GOOD);
    let finished = desk.run(&["--db", "no/such/folder/runs.db", "good.txt"]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stderr.starts_with("error: "), "{finished:?}");
}
