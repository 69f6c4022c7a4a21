//! A pseudo-terminal, which the program `script` of util-linux opens.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The columns of the terminal.
pub const COLUMNS: usize = 60;

/// A program in a terminal of its own.
pub struct Terminal {
    folder: tempfile::TempDir,
    child: Child,
    keyboard: ChildStdin,
    output: ChildStdout,
    /// What the program has written so far.
    screen: String,
}

/// How a program has ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    /// What it has written, with its control sequences and what the terminal has echoed.
    pub screen: String,
    /// Whether the modes of the terminal are what they were before.
    pub is_restored: bool,
}

impl Ended {
    /// Returns the lines.
    pub fn lines(&self) -> Vec<&str> {
        self.screen.lines().map(|line| line.trim_end_matches('\r')).collect()
    }
}

impl Terminal {
    /// Starts a command in a terminal. `variables` are those of its environment that decide about colours.
    pub fn start(command: &Command, variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let quote = |text: &std::ffi::OsStr| format!("'{}'", text.to_str().unwrap().replace('\'', r"'\''"));
        let words: Vec<String> =
            std::iter::once(command.get_program()).chain(command.get_args()).map(quote).collect();
        // Ctrl-C reaches the shell too, which has to read the modes afterwards.
        let line = format!(
            "stty cols {COLUMNS} rows 20; stty --save > before; trap : INT; {}; code=$?; stty --save > after; exit $code",
            words.join(" ")
        );
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--echo", "always", "--command", &line, "/dev/null"]);
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
            script.env_remove(name);
        }
        script.env("SHELL", "/bin/sh").env("TERM", "xterm-256color").envs(variables.iter().copied());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => script.env(name, value),
                None => script.env_remove(name),
            };
        }
        script.current_dir(&folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = script.spawn().expect("util-linux has the program `script`");
        let (keyboard, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { folder, child, keyboard, output, screen: String::new() }
    }

    /// Waits until the program has written this text.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        let mut bytes = self.screen.clone().into_bytes();
        while !String::from_utf8_lossy(&bytes).contains(text) {
            let mut next = [0; 1];
            let is_end = self.output.read(&mut next).unwrap() == 0;
            assert!(!is_end, "`{text}` is missing: {}", String::from_utf8_lossy(&bytes));
            bytes.extend(next);
        }
        self.screen = String::from_utf8(bytes).unwrap();
    }

    /// Types a text; `\x03` is Ctrl-C.
    pub fn type_text(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Waits for the end of the program.
    pub fn end(mut self) -> Ended {
        self.output.read_to_string(&mut self.screen).unwrap();
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        let modes = |name: &str| std::fs::read_to_string(self.folder.path().join(name)).unwrap();
        Ended { code, screen: self.screen, is_restored: modes("before") == modes("after") }
    }
}

/// Runs a command to its end in a terminal.
pub fn in_terminal(command: &Command, variables: &[(&str, &str)]) -> Ended {
    Terminal::start(command, variables).end()
}
