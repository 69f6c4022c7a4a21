//! A pipe: nothing is coloured there, and its reader may close it.

use std::io::{BufRead, BufReader};

use crate::programs::{run, start};
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

#[test]
fn a_pipe_gets_whole_lines_without_colours() {
    let world = World::new();
    let id = world.executed(NOTHING, &[]);
    for arguments in [&["runs", "list"][..], &["runs", "show", &id], &["runs", "output", &id]] {
        let mut command = world.wfe_command(arguments);
        command.env("TERM", "xterm-256color").env("COLUMNS", "40");
        let output = run(command);
        assert!(!output.stdout.contains('\x1b') && !output.stderr.contains('\x1b'), "{output:#?}");
        let printed = output.stdout + &output.stderr;
        assert!(printed.contains("there is no article `nothing`"), "{printed}");
    }
}
