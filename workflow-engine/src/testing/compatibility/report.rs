//! The messages of a failed assertion: the effects of the edit, change by change, and what to do about them.

use std::env;
use std::fmt::Write;
use std::path::Path;
use std::thread;

use super::UPDATE;
use super::change::{Change, Effect};
use super::lock::Lock;

/// The message for a definition that differs from the released one.
pub(super) fn incompatible(lock_file: &str, old: &Lock, new: &Lock, changes: &[Change]) -> String {
    let raised = old.id == new.id && new.version > old.version;
    let strands = changes.iter().any(|change| change.effect == Effect::Strands);
    let mut text = if raised {
        format!(
            "workflow `{}` has version {}, and its lock file still holds version {}",
            new.id, new.version, old.version
        )
    } else if strands {
        format!("this edit of workflow `{}` strands runs in flight", new.id)
    } else {
        format!("this edit of workflow `{}` needs a new version", new.id)
    };
    push(&mut text, format_args!("\n\n  lock file    {lock_file}\n"));
    for Change { effect, what, consequence } in changes {
        let effect = match effect {
            Effect::Strands => "strands",
            Effect::NewVersion => "new version",
        };
        push(&mut text, format_args!("\n  {effect:<13}{what}\n  {:<13}{consequence}\n", ""));
    }
    let keep =
        format!("keep a worker of the released build until the runs of version {} have ended", old.version);
    let update = update();
    if raised {
        steps(&mut text, &[&format!("write the new version into the lock file: {update}"), &keep]);
    } else {
        let undo = match (strands, old.id == new.id) {
            (true, _) => "revert the changes that strand runs, or",
            (false, _) => "revert the edit, or",
        };
        let next = old.version.max(new.version).saturating_add(1);
        let raise = format!("{undo} raise the version: `#[workflow(version = {next})]`");
        steps(&mut text, &[&raise, &format!("write it into the lock file: {update}"), &keep]);
    }
    text
}

/// The message for a missing lock file.
pub(super) fn missing(lock_file: &str, workflow: &str, base: &Path) -> String {
    let mut text = format!("workflow `{workflow}` has no lock file\n\n  lock file    {lock_file}\n");
    push(&mut text, format_args!("  in           {}\n", base.display()));
    steps(&mut text, &[&format!("write it: {}", update()), "commit it beside the code"]);
    text
}

/// The message for a lock file that cannot be read or parsed.
pub(super) fn unreadable(lock_file: &str, workflow: &str, why: &str) -> String {
    let mut text =
        format!("the lock file of workflow `{workflow}` cannot be read\n\n  lock file    {lock_file}\n");
    push(&mut text, format_args!("  because      {why}\n"));
    let restore = "restore it from version control";
    steps(
        &mut text,
        &[
            restore,
            &format!("or, if the current definition is the released one, write the file again: {}", update()),
        ],
    );
    text
}

/// The message for a lock file that cannot be written.
pub(super) fn unwritable(lock_file: &str, workflow: &str, error: &std::io::Error) -> String {
    format!(
        "the lock file of workflow `{workflow}` cannot be written\n\n  lock file    {lock_file}\n  because      {error}\n"
    )
}

fn steps(text: &mut String, steps: &[&str]) {
    text.push_str("\n  what to do\n");
    for (index, step) in steps.iter().enumerate() {
        push(text, format_args!("    {}. {step}\n", index + 1));
    }
}

fn push(text: &mut String, more: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(more);
}

/// Returns the command that writes the lock file, limited to this package, and to this test if the name of the thread
/// tells which one it is.
fn update() -> String {
    let mut command = format!("{UPDATE}=1 cargo test");
    if let Ok(package) = env::var("CARGO_PKG_NAME") {
        push(&mut command, format_args!(" -p {package}"));
    }
    match thread::current().name() {
        None | Some("main") => {}
        Some(test) => push(&mut command, format_args!(" {test}")),
    }
    command
}
