//! What the test that protects a released definition says about an edit, each kind with its exact text.
//!
//! Each case is a pair of workflows: `released`, whose lock file is written, and `edited`, which is compared with it.

// A stage of such a pair is declared, never called.
#![allow(dead_code, unused_variables)]
// `UPDATE_EXPECT=1` writes them so.
#![allow(clippy::needless_raw_string_hashes)]
// A check takes a reference to the ticket as it is.
#![allow(clippy::ptr_arg)]

mod edit;
mod messages;
mod graph;
mod fields;
mod values;
mod waiting;

use std::fs;
use std::path::Path;
use std::thread;

use expect_test::Expect;
use workflow_engine::Workflow;
use workflow_engine::testing::{assert_compatible, lock_of};

/// The message about a lock file, with its path made short; `None` where the test passes.
fn message<W: Workflow>(lock_file: &Path) -> Option<String> {
    let path = lock_file.to_owned();
    // The message names the test by its thread, so the thread has a name here, however the tests are run.
    let test = thread::Builder::new().name("its_definition".to_owned());
    let outcome = test.spawn(move || assert_compatible::<W>(path)).unwrap().join();
    let panic = outcome.err()?;
    let message = panic.downcast_ref::<String>().unwrap();
    Some(message.replace(lock_file.to_str().unwrap(), "orders.lock.json"))
}

/// What is said of `Edited` where `Released` was released.
fn edited<Released: Workflow, Edited: Workflow>() -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.lock.json");
    fs::write(&path, lock_of::<Released>()).unwrap();
    message::<Edited>(&path)
}

/// Compares the changes that are told, without the headline and the steps that `messages` shows in full.
fn changes<Released: Workflow, Edited: Workflow>(expected: &Expect) {
    let message = edited::<Released, Edited>().unwrap_or_else(|| "compatible".to_owned());
    let lines = message.lines().skip_while(|line| !line.starts_with("  lock file")).skip(2);
    let told: Vec<&str> = lines
        .take_while(|line| *line != "  what to do")
        .map(|line| line.get(2..).unwrap_or_default())
        .collect();
    let told = if told.is_empty() { message.as_str() } else { &told.join("\n") };
    expected.assert_eq(&format!("{}\n", told.trim_end()));
}
