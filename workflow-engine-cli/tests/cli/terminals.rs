//! A closed pipe, and a terminal.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::programs::start;
use crate::world::{NOTHING, World};

#[test]
fn a_reader_that_closes_the_pipe_ends_the_program_quietly() {
    let world = World::new();
    let run = world.executed(NOTHING, &[]);
    for arguments in
        [&["runs", "events", &run][..], &["runs", "list"], &["-o", "json", "runs", "list"], &["--help"]]
    {
        let mut child = start(world.wfe_command(arguments));
        // Nothing is read, so the first line that is written finds a closed pipe.
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    }
    let mut child = start(world.wfe_command(&["runs", "events", &run]));
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("workflow:created"), "{line}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// Runs a command in a terminal of 60 columns; `None` where the system has no `script`.
fn in_terminal(command: &Command) -> Option<String> {
    let quote = |text: &std::ffi::OsStr| format!("'{}'", text.to_str().unwrap().replace('\'', r"'\''"));
    let words: Vec<String> =
        std::iter::once(command.get_program()).chain(command.get_args()).map(quote).collect();
    let line = format!("stty cols 60 rows 20; {}", words.join(" "));
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]).stdin(Stdio::null());
    let output = script.output().ok()?;
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_table_fits_its_terminal() {
    let world = World::new();
    world.executed(NOTHING, &[]);
    let Some(table) = in_terminal(&world.wfe_command(&["runs", "list"])) else { return };
    let lines: Vec<&str> = table.lines().map(|line| line.trim_end_matches('\r')).collect();
    assert_eq!(lines.len(), 3, "{table:?}");
    assert!(lines.iter().all(|line| line.chars().count() <= 60), "{table}");
    assert!(lines[2].starts_with("    STAGE_FAILED: ") && lines[2].ends_with('…'), "{table}");
}
