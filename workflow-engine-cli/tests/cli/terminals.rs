//! A terminal: its width, its colours, questions, and Ctrl-C.

use crate::pty::{COLUMNS, Terminal, in_terminal};
use crate::world::{NOTHING, TEA, World};

#[test]
fn a_table_fits_its_terminal() {
    let world = World::new();
    world.executed(NOTHING, &[]);
    let list = in_terminal(&world.wfe_command(&["runs", "list"]), &[("NO_COLOR", "1")]);
    let lines = list.lines();
    assert_eq!((list.code, lines.len()), (0, 3), "{list:#?}");
    assert!(lines.iter().all(|line| line.chars().count() <= COLUMNS), "{list:#?}");
    assert!(lines[2].starts_with("    STAGE_FAILED: ") && lines[2].ends_with('…'), "{list:#?}");
}

#[test]
fn statuses_and_errors_have_colours_unless_the_user_refuses_them() {
    let world = World::new();
    let (failed, done) = (world.executed(NOTHING, &[]), world.executed(TEA, &[]));
    let (red, green, end) = ("\x1b[31m\x1b[1m", "\x1b[32m", "\x1b[0m");
    let show = |run: &str, variables: &[(&str, &str)]| {
        in_terminal(&world.wfe_command(&["runs", "show", run]), variables)
    };
    let screen = show(&done, &[]).screen;
    assert!(screen.contains(&format!("price    {green}COMPLETED{end}")), "{screen}");
    let screen = show(&failed, &[]).screen;
    assert!(screen.contains(&format!("price    {red}FAILED{end}")), "{screen}");
    let output = in_terminal(&world.wfe_command(&["runs", "output", &failed]), &[]);
    assert_eq!(output.code, 1, "{output:#?}");
    assert!(output.screen.contains(&format!("{red}error{end}: run `{failed}` failed")), "{output:#?}");

    for refusal in [("NO_COLOR", "1"), ("CLICOLOR", "0"), ("TERM", "dumb")] {
        let screen = show(&failed, &[refusal]).screen;
        assert!(screen.contains("FAILED") && !screen.contains('\x1b'), "{refusal:?}: {screen:?}");
    }
}

#[test]
fn a_question_changes_nothing_unless_the_user_agrees() {
    let world = World::new();
    world.started("stirring", r#"{"pot":1}"#, &[]);
    let cancel = world.wfe_command(&["runs", "cancel", "--filter", "workflow:stirring"]);
    let open = || world.wfe(&["runs", "list", "--status", "open", "--count"]).done();
    for refusal in ["n\n", "\n", "what?\n", "\x04", "\x03"] {
        let mut terminal = Terminal::start(&cancel, &[]);
        terminal.wait_for("Cancel 1 run? [y/N] ");
        terminal.type_text(refusal);
        let ended = terminal.end();
        assert!(ended.code == 130 && ended.is_restored, "{refusal:?}: {ended:#?}");
        assert_eq!(open(), "1\n", "{refusal:?}");
    }
    let mut terminal = Terminal::start(&cancel, &[]);
    terminal.wait_for("[y/N] ");
    terminal.type_text("y\n");
    let ended = terminal.end();
    assert!(ended.code == 0 && ended.is_restored && ended.screen.contains("1 done"), "{ended:#?}");
    assert_eq!(open(), "0\n");
}

#[test]
fn ctrl_c_ends_what_watches_and_leaves_the_terminal_as_it_was() {
    let world = World::new();
    let run = world.started("stirring", r#"{"pot":1}"#, &[]);
    let mut worker = crate::programs::start(world.shop_command(&["worker", "--drain-timeout", "0s"]));
    for (arguments, sign) in [
        (&["runs", "watch", &run][..], "50 % stirring"),
        (&["runs", "events", &run, "--follow"], "stage:progress"),
        (&["runs", "output", &run, "--wait"], "50 % stirring"),
    ] {
        let mut terminal = Terminal::start(&world.wfe_command(arguments), &[]);
        terminal.wait_for(sign);
        terminal.type_text("\x03");
        let ended = terminal.end();
        assert!(ended.code == 130 && ended.is_restored, "{arguments:?}: {ended:#?}");
        // The cursor, where it was hidden, is shown again.
        let (hidden, shown) = (ended.screen.rfind("\x1b[?25l"), ended.screen.rfind("\x1b[?25h"));
        assert!(hidden <= shown, "{arguments:?}: {ended:#?}");
    }
    crate::programs::signal(&worker, "TERM");
    assert_eq!(worker.wait().unwrap().code(), Some(0));
}

#[test]
fn a_watched_run_shows_a_line_for_each_stage_that_is_redrawn() {
    let world = World::new();
    let arguments = ["start", "ordering", "--input", TEA, "--wait", "--worker"];
    let ended = in_terminal(&world.shop_command(&arguments), &[]);
    assert!(ended.code == 0 && ended.is_restored, "{ended:#?}");
    for stage in ["price", "reserve", "invoice", "ship"] {
        assert!(ended.screen.contains(&format!("{stage}: completed in ")), "{stage}: {ended:#?}");
    }
    // The last line of the progress reaches to the margin, so the output begins on a line of its own.
    let shown = ended.screen.rsplit("ship: ").next().unwrap();
    let (progress, output) = shown.split_at(shown.find('"').unwrap());
    assert!(progress.starts_with("completed in "), "{ended:#?}");
    assert_eq!("  ship: ".len() + progress.chars().count(), COLUMNS, "{ended:#?}");
    assert_eq!(output, "\"6 EUR, the shop\"\r\n", "{ended:#?}");
}
