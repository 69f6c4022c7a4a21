//! The engine's store under measurement, and the resources that it and this process use.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::sync::Arc;

use workflow_engine::EngineBuilder;
use workflow_engine::ports::{Persistence, Store, SystemClock};
use workflow_engine::stores::{PostgresOptions, PostgresStore, SqliteOptions, SqliteStore, Synchronous};

use crate::Outcome;
use crate::place::Place;
use crate::tuning::Tuning;

/// An open store of the engine.
pub enum Opened {
    Sqlite(Arc<SqliteStore>),
    Postgres(Arc<PostgresStore>),
}

impl Opened {
    pub async fn open(place: &Place, tuning: &Tuning) -> Outcome<Self> {
        Ok(match place {
            Place::Sqlite { file } => {
                let mut options = SqliteOptions::new(file);
                if tuning.is_relaxed {
                    options.synchronous = Synchronous::Normal;
                }
                Self::Sqlite(Arc::new(SqliteStore::open(options).await?))
            }
            Place::Postgres { url } => {
                let relaxed = match (tuning.is_relaxed, url.contains('?')) {
                    (false, _) => "",
                    (true, true) => "&options=-c%20synchronous_commit%3Doff",
                    (true, false) => "?options=-c%20synchronous_commit%3Doff",
                };
                let mut options = PostgresOptions::new(format!("{url}{relaxed}"));
                options.connections = tuning.connections;
                Self::Postgres(Arc::new(PostgresStore::open(options).await?))
            }
        })
    }

    /// Returns an engine builder with this store.
    pub fn builder(&self, tuning: &Tuning) -> EngineBuilder {
        let store: Arc<dyn Store> = match self {
            Self::Sqlite(store) => store.clone(),
            Self::Postgres(store) => store.clone(),
        };
        EngineBuilder::with_store(store, Arc::new(SystemClock)).concurrency(tuning.concurrency)
    }

    /// Closes the store.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(store) => store.close().await,
            Self::Postgres(store) => store.close().await,
        }
    }

    /// Returns the store's own counts of commits, statements and requests so far.
    pub fn counts(&self) -> [f64; 3] {
        let counts = match self {
            Self::Sqlite(store) => {
                let read = store.statistics();
                [read.transactions, read.statements, read.requests]
            }
            Self::Postgres(store) => {
                let read = store.statistics();
                [read.transactions, read.statements, read.requests]
            }
        };
        counts.map(|count| count as f64)
    }
}

/// Returns the processor time of this process so far, in seconds.
pub fn processor_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program, in parentheses, may contain spaces.
    let (_, rest) = stat.rsplit_once(')').unwrap_or_default();
    let ticks = |field: usize| rest.split_whitespace().nth(field).and_then(|ticks| ticks.parse::<f64>().ok());
    (ticks(11).unwrap_or_default() + ticks(12).unwrap_or_default()) / 100.0
}

/// Returns a value of `/proc/self/status` in MiB: `VmHWM` is the peak resident memory, `VmRSS` the present one.
pub fn memory(line: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|found| found.starts_with(line)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or_default() / 1024.0
}

/// The number of times that each thread of this process has gone to sleep so far, which equals its wake-ups.
pub struct Switches(HashMap<OsString, f64>);

impl Switches {
    pub fn so_far() -> Self {
        let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        let of = |thread: fs::DirEntry| {
            let status = fs::read_to_string(thread.path().join("status")).unwrap_or_default();
            let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches"))?;
            Some((thread.file_name(), line.split_whitespace().nth(1)?.parse().ok()?))
        };
        Self(threads.filter_map(of).collect())
    }

    /// Returns the number since then, of the threads that still exist.
    pub fn since(&self) -> f64 {
        let before = |thread| self.0.get(thread).copied().unwrap_or_default();
        Self::so_far().0.iter().map(|(thread, switches)| switches - before(thread)).sum()
    }
}
