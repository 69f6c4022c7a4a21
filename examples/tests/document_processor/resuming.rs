//! A program that is killed and restarted.

use std::fmt::Write;

use crate::program::{Desk, Running};
use crate::server::Server;

/// Returns a page so long that the analysis is still in progress when the test sees that the text is extracted.
fn long_page() -> String {
    let mut page = "<title>The log of the lighthouse</title>".to_owned();
    for night in 0..8_000 {
        write!(
            page,
            "<p>In night {night} the keeper of the lighthouse saw {} ships and wrote them down.</p>",
            night % 7
        )
        .unwrap();
    }
    page
}

/// Starts the program for a long page, whose URL it returns, and stops it between the extraction of the text and the report.
/// On a busy machine, the program may come first, so it is tried three times.
fn stopped<T>(stop: impl Fn(Running) -> T) -> (Desk, Server, String, T) {
    for _ in 0..3 {
        let desk = Desk::new();
        let server = Server::serving("text/html", &long_page());
        let url = server.url("log");
        let mut running = desk.start(&[&url]);
        running.wait_for("extract-text");
        let stopped = stop(running);
        if desk.reports().is_empty() {
            return (desk, server, url, stopped);
        }
    }
    panic!("the stop came too late to show anything");
}

#[test]
fn stages_that_completed_before_a_kill_are_not_repeated() {
    let (desk, server, _, ()) = stopped(Running::kill);

    let finished = desk.run(&[]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.stderr.contains("resuming 1 unfinished document"), "{finished:?}");
    let extracted = finished.stderr.lines().find(|line| line.contains("extract-text"));
    assert!(extracted.is_some_and(|line| line.ends_with("already completed")), "{finished:?}");
    assert!(finished.stdout.contains("The log of the lighthouse"), "{finished:?}");
    assert_eq!(server.requests(), 1, "the page was fetched once, before the kill");
    assert_eq!(desk.reports().len(), 1);

    assert!(desk.run(&[]).stderr.contains("no unfinished documents"));
}

#[test]
fn the_same_command_finishes_the_run_instead_of_starting_another() {
    let (desk, server, url, ()) = stopped(Running::kill);

    let finished = desk.run(&[&url]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(server.requests(), 1);
    assert_eq!(finished.stdout.matches("The log of the lighthouse").count(), 1, "{finished:?}");
}

#[test]
fn unfinished_documents_come_before_new_ones() {
    let (desk, _server, _, ()) = stopped(Running::kill);
    desk.put("new.txt", "The ferry leaves at noon from the old harbour.");

    let finished = desk.run(&["new.txt"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let log = finished.stdout.find("The log of the lighthouse").unwrap();
    let new = finished.stdout.find("new.txt").unwrap();
    assert!(log < new, "{finished:?}");
}

#[cfg(unix)]
#[test]
fn an_interrupt_prints_how_to_continue_and_a_second_one_stops_at_once() {
    let desk = Desk::new();
    let silent = Server::silent();
    let mut running = desk.start(&[&silent.url("never")]);
    silent.wait_for_request();
    running.signal("INT");
    assert!(running.wait_for("stopping").contains("run the same command again"));
    running.signal("INT");
    let finished = running.finish();
    assert_eq!(finished.code, Some(130), "{finished:?}");
}

#[cfg(unix)]
#[test]
fn after_an_interrupt_the_running_stages_finish() {
    let (desk, server, _, interrupted) = stopped(|running| {
        running.signal("INT");
        running.finish()
    });
    assert_eq!(interrupted.code, Some(130), "{interrupted:?}");

    let finished = desk.run(&[]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(finished.stderr.matches("already completed").count(), 4, "{finished:?}");
    assert_eq!(server.requests(), 1);
}
