//! Runs the programs, and keeps what they print.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What a program printed, and its exit code.
#[derive(Debug)]
pub struct Output {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// Returns the text of standard output of a command that is done.
    #[track_caller]
    pub fn done(self) -> String {
        assert_eq!(self.code, 0, "{self:#?}");
        self.stdout
    }

    /// Returns standard output as JSON.
    #[track_caller]
    pub fn json(self) -> serde_json::Value {
        let text = self.done();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Checks the exit code and the beginning of standard error.
    #[track_caller]
    pub fn fails(&self, code: i32, message: &str) {
        assert_eq!(self.code, code, "{self:#?}");
        assert!(self.stderr.contains(message), "{self:#?}");
    }
}

/// The program `wfe`.
pub fn wfe() -> Command {
    clean(Command::new(env!("CARGO_BIN_EXE_wfe")))
}

/// The example `shop`, which `cargo test` builds.
pub fn shop() -> Command {
    clean(Command::new(example("shop")))
}

fn example(name: &str) -> PathBuf {
    let test_program = std::env::current_exe().unwrap();
    let folder = test_program.parent().and_then(Path::parent).unwrap().join("examples");
    let program = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(
        program.is_file(),
        "{} is missing: `cargo test -p durable-stages-cli` builds it",
        program.display()
    );
    program
}

/// Returns a command without the variables of the user.
fn clean(mut command: Command) -> Command {
    for name in ["WORKFLOW_ENGINE_DB", "WORKFLOW_ENGINE_SERVER", "WORKFLOW_ENGINE_TOKEN_FILE", "RUST_LOG"] {
        command.env_remove(name);
    }
    command.env("TZ", "UTC").stdin(Stdio::null());
    command
}

/// Runs a program to its end.
pub fn run(mut command: Command) -> Output {
    let output = command.output().unwrap();
    Output {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Starts a program whose output is read while it runs.
pub fn start(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Sends a signal to a program.
pub fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}
