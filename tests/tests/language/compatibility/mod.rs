//! The messages of `assert_compatible`, with the exact text for each kind of edit.
//!
//! Each case is a pair of workflows: the lock file holds `released`, and `edited` is compared with it.

// The stages of such a pair are declared but never called.
#![allow(dead_code, unused_variables)]
// `UPDATE_EXPECT=1` writes raw strings with hashes.
#![allow(clippy::needless_raw_string_hashes)]
// A check takes a reference to the ticket, also to a `String`.
#![allow(clippy::ptr_arg)]

mod edit;
mod messages;
mod graph;
mod fields;
mod values;
mod waiting;
mod choices;

use std::fs;
use std::path::Path;
use std::thread;

use expect_test::Expect;
use workflow_engine::Workflow;
use workflow_engine::testing::{assert_compatible, lock_of};

/// Returns the message of a failed assertion, with the path of the lock file shortened, or `None` if it passes.
fn message<W: Workflow>(lock_file: &Path) -> Option<String> {
    let path = lock_file.to_owned();
    // The message names the test after its thread, so the thread needs a name in every test runner.
    let test = thread::Builder::new().name("its_definition".to_owned());
    let outcome = test.spawn(move || assert_compatible::<W>(path)).unwrap().join();
    let panic = outcome.err()?;
    let message = panic.downcast_ref::<String>().unwrap();
    Some(message.replace(lock_file.to_str().unwrap(), "orders.lock.json"))
}

/// Returns the message about `Edited` when the lock file holds `Released`.
fn edited<Released: Workflow, Edited: Workflow>() -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.lock.json");
    fs::write(&path, lock_of::<Released>()).unwrap();
    message::<Edited>(&path)
}

/// Compares the reported changes, without the headline and the steps, which the module `messages` covers.
fn changes<Released: Workflow, Edited: Workflow>(expected: &Expect) {
    let message = edited::<Released, Edited>().unwrap_or_else(|| "compatible".to_owned());
    let lines = message.lines().skip_while(|line| !line.starts_with("  lock file")).skip(2);
    let changes: Vec<&str> = lines
        .take_while(|line| *line != "  what to do")
        .map(|line| line.get(2..).unwrap_or_default())
        .collect();
    let changes = if changes.is_empty() { message.as_str() } else { &changes.join("\n") };
    expected.assert_eq(&format!("{}\n", changes.trim_end()));
}
