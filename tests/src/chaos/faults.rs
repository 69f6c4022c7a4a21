//! What befalls workers and server.

use super::crew::{Crew, send};
use super::{connect, until};
use crate::postgres::Cluster;
use crate::random::Random;

/// One misfortune.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL to a worker; another is started.
    Kill,
    /// SIGSTOP to a worker until others have taken its jobs, then SIGCONT: it goes on as if nothing had happened.
    Stop,
    /// A connection is cut by the server.
    Terminate,
    /// The server crashes and comes back.
    Crash,
}

/// The faults of `counts`, in a random order.
#[must_use]
pub fn shuffled(counts: &[(Fault, usize)], random: &mut Random) -> Vec<Fault> {
    let mut faults: Vec<Fault> =
        counts.iter().flat_map(|&(fault, count)| std::iter::repeat_n(fault, count)).collect();
    for last in (1..faults.len()).rev() {
        faults.swap(last, random.index(last + 1));
    }
    faults
}

/// A worker that is stopped goes on when it holds no job any more, or after a while when it held none.
pub struct Stopped {
    /// The process.
    pub id: u32,
}

impl Stopped {
    /// Stops it.
    #[must_use]
    pub fn stop(id: u32) -> Self {
        send("STOP", id);
        Self { id }
    }

    /// Whether nobody counts on it any more.
    pub async fn is_replaced(&self, cluster: &Cluster) -> bool {
        let Ok(mut db) = connect(cluster.url()).await else { return false };
        let held = sqlx::query_scalar::<_, i64>(
            "SELECT count(*) FROM job_queue WHERE status = 'RUNNING' AND worker_id LIKE '%-' || $1 || '-%'",
        );
        match held.bind(self.id.to_string()).fetch_one(&mut db).await {
            Ok(jobs) => jobs == 0,
            Err(error) => went_away(&error),
        }
    }

    /// It goes on.
    pub fn resume(self) {
        send("CONT", self.id);
    }
}

/// Cuts a connection of a worker.
pub async fn terminate_one(cluster: &Cluster) {
    until("the server takes a connection", async || {
        let Ok(mut db) = connect(cluster.url()).await else { return false };
        let cut = sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1",
        );
        match cut.execute(&mut db).await {
            Ok(_) => true,
            Err(error) => went_away(&error),
        }
    })
    .await;
}

/// `false`: it is to be asked again.
///
/// # Panics
/// When the server is there and says that the statement is wrong.
fn went_away(error: &sqlx::Error) -> bool {
    assert!(error.as_database_error().is_none(), "{error}");
    false
}

/// Carries out a fault on one of the workers that are not stopped.
pub async fn befall(
    fault: Fault,
    crew: &mut Crew,
    stopped: &mut Vec<Stopped>,
    cluster: &Cluster,
    random: &mut Random,
) {
    let awake: Vec<u32> =
        crew.ids().into_iter().filter(|id| stopped.iter().all(|other| other.id != *id)).collect();
    let victim = awake[random.index(awake.len())];
    match fault {
        Fault::Kill => crew.replace(victim),
        Fault::Stop => stopped.push(Stopped::stop(victim)),
        Fault::Terminate => terminate_one(cluster).await,
        Fault::Crash => {
            cluster.crash();
            cluster.restart();
        }
    }
}
