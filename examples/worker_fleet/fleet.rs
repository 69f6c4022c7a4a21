//! Worker processes, which run this same program.

use std::io;
use std::process::{Child, Command, Stdio};

/// The workers. Those that still run are killed on drop.
pub struct Fleet {
    workers: Vec<Child>,
}

impl Fleet {
    /// Starts workers on a database.
    pub fn start(db: &str, count: usize) -> io::Result<Self> {
        let program = std::env::current_exe()?;
        let mut fleet = Self { workers: Vec::new() };
        for _ in 0..count {
            // Passed in the environment: the URL may contain a password, and arguments are visible to other users.
            let mut worker = Command::new(&program);
            worker.arg("worker").env("WORKFLOW_ENGINE_DB", db).stdin(Stdio::null()).stderr(Stdio::null());
            fleet.workers.push(worker.spawn()?);
        }
        Ok(fleet)
    }

    /// Returns the process ids of the workers.
    pub fn ids(&self) -> Vec<u32> {
        self.workers.iter().map(Child::id).collect()
    }

    /// Kills one worker, as a power failure would, and returns its process id. Does not kill the last worker.
    pub fn kill_one(&mut self) -> io::Result<Option<u32>> {
        if self.workers.len() < 2 {
            return Ok(None);
        }
        let mut worker = self.workers.remove(0);
        let killed = worker.kill();
        worker.wait()?;
        killed.map(|()| Some(worker.id()))
    }

    /// Drains the workers and waits until they have ended.
    pub fn stop(&mut self) -> io::Result<()> {
        for worker in &mut self.workers {
            terminate(worker)?;
        }
        for mut worker in self.workers.drain(..) {
            worker.wait()?;
        }
        Ok(())
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for worker in &mut self.workers {
            // The process may have ended already.
            let _ = worker.kill();
            let _ = worker.wait();
        }
    }
}

/// Sends SIGTERM, on which a worker drains.
#[cfg(unix)]
fn terminate(worker: &mut Child) -> io::Result<()> {
    let id = worker.id().to_string();
    Command::new("kill").args(["-s", "TERM", &id]).status().map(drop)
}

#[cfg(not(unix))]
fn terminate(worker: &mut Child) -> io::Result<()> {
    worker.kill()
}
