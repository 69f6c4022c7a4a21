//! Named points. In a child process one of them is armed: when it is reached for the n-th time, the process reacts.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::outage;

/// The reaction at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Reaction {
    /// The process waits there until it is killed.
    Kill,
    /// The call fails.
    Fail,
    /// The process waits there for longer than its leases, then continues.
    Pause,
    /// The caller of the engine stops waiting, and calls again.
    Abandon,
    /// The last handle of the engine is dropped, and another engine takes over in the same process.
    DropEngine,
    /// The runtime of the engine is shut down, and the engine is called on another one.
    EndRuntime,
    /// The process reaches the store no longer, until another process has finished its run.
    CutOff,
    /// The process reaches the store no longer, and shuts its engine down.
    ShutDown,
    /// Another program locks the table of the bookings for several leases, while the process lives and renews its own.
    Lock,
    /// The body lasts for several leases, in a process whose end no other process can prove.
    Hold,
    /// The process is killed, and no other process can prove that.
    KillUnseen,
}

impl Reaction {
    /// The reactions that take something away from the engine in a process that lives on. No attempt may be lost.
    pub const WITHIN_PROCESS: [Self; 3] = [Self::Abandon, Self::DropEngine, Self::EndRuntime];

    /// The reactions that take the store away from a process that lives on.
    pub const WITHOUT_STORE: [Self; 2] = [Self::CutOff, Self::ShutDown];

    /// Returns whether the process lives on and keeps its leases, so that nothing may be lost or executed again.
    #[must_use]
    pub const fn is_steady(self) -> bool {
        matches!(self, Self::Lock | Self::Hold)
    }

    /// Returns whether other processes cannot know whether the process lives, so that its leases decide.
    #[must_use]
    pub const fn is_unseen(self) -> bool {
        matches!(self, Self::Hold | Self::KillUnseen)
    }
}

/// A point with a reaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Armed {
    /// The name of the point.
    pub point: String,
    /// The occurrence that triggers the reaction, from 1.
    pub time: usize,
    /// The reaction.
    pub reaction: Reaction,
}

/// The renewals of leases after which a process that keeps its leases tells its parent: three lengths of a lease.
const RENEWALS: usize = 9;

#[derive(Default)]
struct Points {
    /// How often each point was reached; `None` in a process that is no child.
    counts: Option<BTreeMap<String, usize>>,
    armed: Option<Armed>,
    /// The number of renewals since the armed point was reached; `None` before.
    renewals: Option<usize>,
}

impl Points {
    /// Counts a renewal; returns whether it is the one that the parent waits for.
    fn is_last_renewal(&mut self, point: &str) -> bool {
        let is_steady = self.armed.as_ref().is_some_and(|armed| armed.reaction.is_steady());
        let Some(renewals) = self.renewals.as_mut().filter(|_| is_steady) else { return false };
        *renewals += usize::from(point == "store.renew_leases: after");
        *renewals == RENEWALS && point == "store.renew_leases: after"
    }
}

static POINTS: LazyLock<Mutex<Points>> = LazyLock::new(Mutex::default);
static REACHED: LazyLock<watch::Sender<()>> = LazyLock::new(|| watch::Sender::new(()));
static TAKEN: LazyLock<watch::Sender<Option<Reaction>>> = LazyLock::new(|| watch::Sender::new(None));

fn points() -> MutexGuard<'static, Points> {
    // A panic under this lock ends the child, and its parent notices that.
    POINTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts counting points, in a child.
pub fn watch(armed: Option<Armed>) {
    *points() = Points { counts: Some(BTreeMap::new()), armed, renewals: None };
    workflow_engine::failpoints::install(reach);
}

/// Returns whether this process is a child.
pub fn are_watched() -> bool {
    points().counts.is_some()
}

/// Returns how often each point was reached.
pub fn counts() -> BTreeMap<String, usize> {
    points().counts.clone().unwrap_or_default()
}

/// Notes that a point is reached; returns whether the call has to fail.
pub fn reach(point: &str) -> bool {
    let reaction = {
        let mut points = points();
        let Some(counts) = &mut points.counts else { return false };
        let count = counts.entry(point.to_owned()).or_default();
        *count += 1;
        let is_armed = points.armed.as_ref().is_some_and(|armed| {
            armed.point == point && points.counts.as_ref().is_some_and(|counts| counts[point] == armed.time)
        });
        if points.is_last_renewal(point) {
            send("renewed");
        }
        if is_armed {
            points.renewals = Some(0);
        }
        if is_armed { points.armed.as_ref().map(|armed| armed.reaction) } else { None }
    };
    REACHED.send_replace(());
    match reaction {
        None => false,
        Some(Reaction::Fail) => {
            send("hit");
            true
        }
        Some(reaction @ (Reaction::Abandon | Reaction::DropEngine | Reaction::EndRuntime)) => {
            send("hit");
            TAKEN.send_replace(Some(reaction));
            false
        }
        Some(reaction @ (Reaction::CutOff | Reaction::ShutDown)) => {
            send("hit");
            outage::begin();
            TAKEN.send_replace(Some(reaction));
            // The call of the store fails; a body begins, or ends, without the store.
            !point.starts_with("executor.")
        }
        Some(Reaction::Kill | Reaction::Pause | Reaction::Lock | Reaction::Hold | Reaction::KillUnseen) => {
            send("hit");
            // The parent kills or pauses the process now, or locks the table.
            await_parent();
            false
        }
    }
}

/// Blocks this thread until the parent writes a line.
pub fn await_parent() {
    let mut line = String::new();
    let _ = std::io::stdin().lock().read_line(&mut line);
}

/// Waits until the armed point takes something away from the engine; returns what.
pub async fn taken() -> Reaction {
    let mut taken = TAKEN.subscribe();
    // The sender is static, so this never fails.
    match taken.wait_for(Option::is_some).await {
        Ok(reaction) => reaction.unwrap_or(Reaction::Abandon),
        Err(_) => std::future::pending().await,
    }
}

/// Waits until each of these points was reached; returns at once in a process that is no child, and in one whose leases
/// are too long to be renewed.
pub async fn reached(names: &[&str]) {
    let has_long_lease =
        |armed: &Armed| Reaction::WITHIN_PROCESS.contains(&armed.reaction) || armed.reaction.is_steady();
    if points().armed.as_ref().is_some_and(has_long_lease) {
        return;
    }
    let mut changes = REACHED.subscribe();
    while points().counts.as_ref().is_some_and(|counts| names.iter().any(|name| !counts.contains_key(*name)))
    {
        // The sender is static, so this never fails.
        let _ = changes.changed().await;
    }
}

/// Sends a line to the parent.
pub fn send(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}
