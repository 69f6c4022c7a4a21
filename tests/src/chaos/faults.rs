//! Injects faults into workers, connections and the server.

use super::crew::{Crew, send};
use super::{connect, until};
use crate::postgres::Cluster;
use crate::random::Random;

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A worker receives SIGKILL, and another one is started.
    Kill,
    /// A worker receives SIGSTOP until others have taken over its jobs, then SIGCONT: it continues unaware of that.
    Stop,
    /// The server terminates a connection.
    Terminate,
    /// The server crashes and restarts.
    Crash,
}

/// Returns the faults of `counts` in a random order.
#[must_use]
pub fn shuffled(counts: &[(Fault, usize)], random: &mut Random) -> Vec<Fault> {
    let mut faults: Vec<Fault> =
        counts.iter().flat_map(|&(fault, count)| std::iter::repeat_n(fault, count)).collect();
    for last in (1..faults.len()).rev() {
        faults.swap(last, random.index(last + 1));
    }
    faults
}

/// A stopped worker. It is to be resumed when it holds no job.
pub struct StoppedWorker {
    /// The process.
    pub id: u32,
}

impl StoppedWorker {
    /// Stops a worker.
    #[must_use]
    pub fn stop(id: u32) -> Self {
        send("STOP", id);
        Self { id }
    }

    /// Returns whether the worker holds no lease.
    pub async fn is_replaced(&self, cluster: &Cluster) -> bool {
        let Ok(mut db) = connect(cluster.url()).await else { return false };
        let held = sqlx::query_scalar::<_, i64>(
            "SELECT count(*) FROM workflow_leases WHERE worker_id LIKE '%-' || $1 || '-%'",
        );
        match held.bind(self.id.to_string()).fetch_one(&mut db).await {
            Ok(jobs) => jobs == 0,
            Err(error) => {
                assert_unavailable(&error);
                false
            }
        }
    }

    /// Lets the worker continue.
    pub fn resume(self) {
        send("CONT", self.id);
    }
}

/// Terminates a random connection of a worker.
pub async fn terminate_connection(cluster: &Cluster) {
    until("the server takes a connection", async || {
        let Ok(mut db) = connect(cluster.url()).await else { return false };
        let terminate = sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1",
        );
        match terminate.execute(&mut db).await {
            Ok(_) => true,
            Err(error) => {
                assert_unavailable(&error);
                false
            }
        }
    })
    .await;
}

/// Checks that a statement failed because the server is unavailable.
///
/// # Panics
/// When the server has refused the statement.
fn assert_unavailable(error: &sqlx::Error) {
    assert!(error.as_database_error().is_none(), "{error}");
}

/// Injects a fault; if it concerns a worker, into one that is not stopped.
pub async fn inject(
    fault: Fault,
    crew: &mut Crew,
    stopped: &mut Vec<StoppedWorker>,
    cluster: &Cluster,
    random: &mut Random,
) {
    let awake: Vec<u32> =
        crew.ids().into_iter().filter(|id| stopped.iter().all(|other| other.id != *id)).collect();
    let victim = awake[random.index(awake.len())];
    match fault {
        Fault::Kill => crew.replace(victim),
        Fault::Stop => stopped.push(StoppedWorker::stop(victim)),
        Fault::Terminate => terminate_connection(cluster).await,
        Fault::Crash => {
            cluster.crash();
            cluster.restart();
        }
    }
}
