//! The worker processes.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Several worker processes. They are killed when this value is dropped.
pub struct Crew {
    program: PathBuf,
    database: String,
    folder: PathBuf,
    workers: Vec<Child>,
}

impl Crew {
    /// Starts `count` processes of `program`, which write into `folder`.
    #[must_use]
    pub fn start(program: &str, database: &str, folder: &Path, count: usize) -> Self {
        let mut crew = Self {
            program: program.into(),
            database: database.to_owned(),
            folder: folder.to_owned(),
            workers: Vec::new(),
        };
        for _ in 0..count {
            let worker = crew.spawn();
            crew.workers.push(worker);
        }
        crew
    }

    fn spawn(&self) -> Child {
        let mut command = Command::new(&self.program);
        command.arg(&self.database).arg(self.folder.join("sink.txt")).arg(self.folder.join("log.txt"));
        // A worker neither reads its standard input nor writes to its output.
        command.stdin(Stdio::null()).spawn().expect("the program is built")
    }

    /// Returns the process ids.
    #[must_use]
    pub fn ids(&self) -> Vec<u32> {
        self.workers.iter().map(Child::id).collect()
    }

    /// Kills a worker, and starts another one.
    ///
    /// # Panics
    /// When no worker has this id.
    pub fn replace(&mut self, id: u32) {
        let index = self.workers.iter().position(|worker| worker.id() == id).expect("a worker of this crew");
        self.workers[index].kill().expect("a child of this process");
        self.workers[index].wait().expect("a child of this process");
        self.workers[index] = self.spawn();
    }

    /// Checks that no worker has ended by itself.
    ///
    /// # Panics
    /// When one has.
    pub fn assert_alive(&mut self) {
        for worker in &mut self.workers {
            if let Some(status) = worker.try_wait().expect("a child of this process") {
                panic!("worker {} ended by itself: {status}", worker.id());
            }
        }
    }

    /// Terminates all workers, and waits until they have ended.
    ///
    /// # Panics
    /// When one ends with an error.
    pub fn stop(&mut self) {
        for worker in &self.workers {
            send("TERM", worker.id());
        }
        for mut worker in self.workers.drain(..) {
            let status = worker.wait().expect("a child of this process");
            assert!(status.success(), "worker {} failed: {status}", worker.id());
        }
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        for worker in &mut self.workers {
            let _ = worker.kill();
            let _ = worker.wait();
        }
    }
}

/// Sends a signal to a process.
///
/// # Panics
/// When there is no such process.
pub fn send(signal: &str, id: u32) {
    let sent =
        Command::new("kill").args(["-s", signal, &id.to_string()]).status().expect("`kill` is installed");
    assert!(sent.success(), "{signal} to {id}");
}
