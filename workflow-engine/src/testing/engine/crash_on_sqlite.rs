//! Runs with one crash at each commit point on a SQLite file.

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::FutureExt;

use super::TestEngine;
use super::crash_points::{CrashTest, checked, each_crash};
use super::virtual_time::VirtualTime;
use crate::error::Error;
use crate::language::Workflow;
use crate::ports::{Clock, Store};
use crate::stores::{SqliteOptions, SqliteStore, Synchronous};
use crate::value::RunId;

impl<W: Workflow> TestEngine<W> {
    /// Like [`crash_everywhere`](Self::crash_everywhere), on SQLite files in the folder for temporary files: for stages
    /// that write to tables of the program with `ctx.transaction()`.
    ///
    /// `prepare` makes the program's tables in each file before its run; `check` reads them after it, and receives the
    /// output, or `None` if the crash was the last one that a stage allows.
    ///
    /// ```
    /// use std::path::Path;
    ///
    /// use rusqlite::Connection;
    /// use workflow_engine::Statement;
    /// use workflow_engine::prelude::*;
    /// use workflow_engine::testing::TestEngine;
    ///
    /// #[stage]
    /// async fn book(cents: i64, ctx: &StageContext) -> StageResult<i64> {
    ///     let booking = Statement::new("INSERT INTO ledger (cents) VALUES ($1)").bind(cents);
    ///     ctx.transaction().execute(booking)?;
    ///     Ok(cents)
    /// }
    ///
    /// workflow! { Booking = book }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let prepare = async |file: &Path| {
    ///     Connection::open(file).unwrap().execute_batch("CREATE TABLE ledger (cents INTEGER)").unwrap();
    /// };
    /// let check = async |file: &Path, output: Option<i64>| {
    ///     assert_eq!(output, Some(5));
    ///     let file = Connection::open(file).unwrap();
    ///     let booked = file.query_row("SELECT sum(cents) FROM ledger", [], |row| row.get::<_, i64>(0));
    ///     assert_eq!(booked.unwrap(), 5, "it is booked exactly once");
    /// };
    /// let mut test = TestEngine::<Booking>::new();
    /// test.crash_everywhere_on_sqlite(prepare, || BookInput { cents: 5 }, check).await;
    /// # }
    /// ```
    ///
    /// # Panics
    /// As `crash_everywhere`; when a file cannot be made; when the runtime is paused, because its clock would jump while
    /// SQLite writes.
    pub async fn crash_everywhere_on_sqlite(
        &mut self,
        prepare: impl AsyncFn(&Path),
        input: impl Fn() -> W::Input,
        check: impl AsyncFn(&Path, Option<W::Output>),
    ) -> usize {
        let test = CrashTest::<W>::new(&self.setup, &self.faults, self.config.take());
        each_crash(async |crash| {
            let time = VirtualTime::new();
            assert!(
                matches!(time, VirtualTime::Fake(_)),
                "a test on a SQLite file needs real time: write `#[tokio::test]` without `start_paused`"
            );
            let folder = Folder::new();
            let file = folder.0.join("test.db");
            let mut stores: Vec<Arc<dyn Store>> = Vec::new();
            // The second process has its own store, and sees what is in the file.
            for _ in 0..2 {
                let store = open(&file, time.clock()).await;
                stores.push(store.unwrap_or_else(|error| panic!("the file cannot be opened: {error}")));
            }
            prepare(&file).await;
            let run = test.one_run(&time, input(), crash, [&stores[0], &stores[1]]).await;
            for store in &stores {
                store.close().await;
            }
            let check = AssertUnwindSafe(check(&file, run.output)).catch_unwind();
            checked(check.await, &run.crash);
            run.commits
        })
        .await
    }
}

async fn open(file: &Path, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, Error> {
    let mut options = SqliteOptions::new(file.display().to_string());
    options.clock = clock;
    // The machine does not lose its power in this test.
    options.synchronous = Synchronous::Normal;
    Ok(Arc::new(SqliteStore::open(options).await?))
}

/// A folder for one file. Dropping it deletes it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("workflow-engine-{}", RunId::generate()));
        std::fs::create_dir_all(&path)
            .unwrap_or_else(|error| panic!("the folder {} cannot be made: {error}", path.display()));
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A file that stays behind in the folder for temporary files does no harm.
        _ = std::fs::remove_dir_all(&self.0);
    }
}
