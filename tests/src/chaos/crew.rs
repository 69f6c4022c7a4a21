//! The worker processes.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Several workers, which are killed when this is dropped.
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
        // The engine waits for nothing on its standard input, and says nothing on its output.
        command.stdin(Stdio::null()).spawn().expect("the program is built")
    }

    /// The process ids.
    #[must_use]
    pub fn ids(&self) -> Vec<u32> {
        self.workers.iter().map(Child::id).collect()
    }

    /// Kills one, and starts another in its place.
    ///
    /// # Panics
    /// When there is none with this id.
    pub fn replace(&mut self, id: u32) {
        let place = self.workers.iter().position(|worker| worker.id() == id).expect("it is of this crew");
        self.workers[place].kill().expect("it is ours");
        self.workers[place].wait().expect("it is ours");
        self.workers[place] = self.spawn();
    }

    /// Fails when a worker has ended by itself.
    ///
    /// # Panics
    /// Then.
    pub fn assert_alive(&mut self) {
        for worker in &mut self.workers {
            if let Some(status) = worker.try_wait().expect("it is ours") {
                panic!("worker {} ended by itself: {status}", worker.id());
            }
        }
    }

    /// Asks all to end, and waits until they have.
    ///
    /// # Panics
    /// When one does not end well.
    pub fn stop(&mut self) {
        for worker in &self.workers {
            send("TERM", worker.id());
        }
        for mut worker in self.workers.drain(..) {
            let status = worker.wait().expect("it is ours");
            assert!(status.success(), "worker {} ended badly: {status}", worker.id());
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
    let sent = Command::new("kill").args(["-s", signal, &id.to_string()]).status().expect("there is `kill`");
    assert!(sent.success(), "{signal} to {id}");
}
