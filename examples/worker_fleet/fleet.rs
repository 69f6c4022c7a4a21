//! Worker processes: this program again.

use std::io;
use std::process::{Child, Command, Stdio};

/// The workers. Those that still run are killed when this is dropped.
pub struct Fleet {
    workers: Vec<Child>,
}

impl Fleet {
    /// Starts workers on a database.
    pub fn start(db: &str, count: usize) -> io::Result<Self> {
        let program = std::env::current_exe()?;
        let mut fleet = Self { workers: Vec::new() };
        for _ in 0..count {
            // The URL may hold a password: in the environment, not in the list of processes.
            let mut worker = Command::new(&program);
            worker.arg("--worker").env("DATABASE_URL", db).stdin(Stdio::null());
            fleet.workers.push(worker.spawn()?);
        }
        Ok(fleet)
    }

    /// Their process ids.
    pub fn ids(&self) -> Vec<u32> {
        self.workers.iter().map(Child::id).collect()
    }

    /// Ends one of them as a power failure would; answers which. The last one is spared.
    pub fn kill_one(&mut self) -> io::Result<Option<u32>> {
        if self.workers.len() < 2 {
            return Ok(None);
        }
        let mut worker = self.workers.remove(0);
        let killed = worker.kill();
        worker.wait()?;
        killed.map(|()| Some(worker.id()))
    }

    /// Has them drain, and waits for their end.
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
            // It may be gone already.
            let _ = worker.kill();
            let _ = worker.wait();
        }
    }
}

/// SIGTERM, on which a worker drains.
#[cfg(unix)]
fn terminate(worker: &mut Child) -> io::Result<()> {
    let id = worker.id().to_string();
    Command::new("kill").args(["-s", "TERM", &id]).status().map(drop)
}

#[cfg(not(unix))]
fn terminate(worker: &mut Child) -> io::Result<()> {
    worker.kill()
}
