//! Runs the program and reads its output.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::programs;

/// The longest time without output: longer than any step takes on a slow machine.
const MAX_SILENCE: Duration = Duration::from_mins(2);

/// A temporary folder with the program's database, reports and documents.
pub struct Desk(tempfile::TempDir);

/// The output and the exit code of a process.
#[derive(Debug)]
pub struct Finished {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A process in progress.
pub struct Running {
    child: Child,
    messages: Receiver<String>,
    lines: Vec<String>,
}

impl Desk {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Puts a document into the folder.
    pub fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path().join(name), content).unwrap();
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Finished {
        self.start(arguments).finish()
    }

    /// Starts the program.
    pub fn start(&self, arguments: &[&str]) -> Running {
        let mut command = Command::new(programs::built("document_processor"));
        command.args(arguments).current_dir(self.path());
        // A proxy would not reach the servers of these tests.
        for variable in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env_remove(variable);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, messages) = mpsc::channel();
        thread::spawn(move || {
            for line in stderr.lines() {
                if line.is_ok_and(|line| sender.send(line).is_ok()) {
                    continue;
                }
                break;
            }
        });
        Running { child, messages, lines: Vec::new() }
    }

    /// Returns the paths of the Markdown reports, sorted.
    pub fn reports(&self) -> Vec<PathBuf> {
        let Ok(folder) = fs::read_dir(self.path().join("reports")) else {
            return Vec::new();
        };
        let mut paths: Vec<PathBuf> = folder
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
            .collect();
        paths.sort();
        paths
    }
}

impl Running {
    /// Waits until the program prints a line with this text.
    pub fn wait_for(&mut self, text: &str) -> String {
        loop {
            match self.messages.recv_timeout(MAX_SILENCE) {
                Ok(line) => {
                    self.lines.push(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(error) => panic!("no line with `{text}` ({error}) but:\n{}", self.lines.join("\n")),
            }
        }
    }

    /// Kills the process, as a power failure would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends the process a signal by its name, `INT` for example.
    #[cfg(unix)]
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Waits for the end of the process.
    pub fn finish(mut self) -> Finished {
        loop {
            match self.messages.recv_timeout(MAX_SILENCE) {
                Ok(line) => self.lines.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    self.child.kill().unwrap();
                    panic!("the program does not end; its output:\n{}", self.lines.join("\n"));
                }
            }
        }
        let mut stdout = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        let code = self.child.wait().unwrap().code();
        Finished { code, stdout, stderr: self.lines.join("\n") }
    }
}
