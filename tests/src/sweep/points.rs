//! Named points. In a child process one of them is armed: the first time it is reached, or the n-th, something happens.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Reaction {
    /// The process stands still there, until it is killed.
    Kill,
    /// What is called there fails.
    Fail,
    /// The process stands still there, for longer than its leases last, and goes on.
    Pause,
}

/// Where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Armed {
    /// The point.
    pub point: String,
    /// 1 for the first time that it is reached.
    pub time: usize,
    /// What happens then.
    pub reaction: Reaction,
}

#[derive(Default)]
struct Points {
    /// `None` in a process that is no child.
    counts: Option<BTreeMap<String, usize>>,
    armed: Option<Armed>,
}

static POINTS: LazyLock<Mutex<Points>> = LazyLock::new(Mutex::default);
static REACHED: LazyLock<watch::Sender<()>> = LazyLock::new(|| watch::Sender::new(()));

fn points() -> MutexGuard<'static, Points> {
    // A panic under this lock is a panic of the child, which its parent sees.
    POINTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins to watch, in a child.
pub fn watch(armed: Option<Armed>) {
    *points() = Points { counts: Some(BTreeMap::new()), armed };
    workflow_engine::failpoints::install(reach);
}

/// Whether this process is a child.
pub fn are_watched() -> bool {
    points().counts.is_some()
}

/// How often each point was reached.
pub fn counts() -> BTreeMap<String, usize> {
    points().counts.clone().unwrap_or_default()
}

/// A point is reached. `true` where it is to fail.
pub fn reach(point: &str) -> bool {
    let reaction = {
        let mut points = points();
        let Some(counts) = &mut points.counts else { return false };
        let count = counts.entry(point.to_owned()).or_default();
        *count += 1;
        let is_it = points.armed.as_ref().is_some_and(|armed| {
            armed.point == point && points.counts.as_ref().is_some_and(|counts| counts[point] == armed.time)
        });
        if is_it { points.armed.as_ref().map(|armed| armed.reaction) } else { None }
    };
    REACHED.send_replace(());
    match reaction {
        None => false,
        Some(Reaction::Fail) => {
            say("hit");
            true
        }
        Some(Reaction::Kill | Reaction::Pause) => {
            say("hit");
            // The whole process is stopped or killed now. This thread goes on when it is told to, and not before.
            let mut order = String::new();
            let _ = std::io::stdin().lock().read_line(&mut order);
            false
        }
    }
}

/// Waits until each of these was reached; not at all in a process that is no child.
pub async fn reached(names: &[&str]) {
    let mut changes = REACHED.subscribe();
    while points().counts.as_ref().is_some_and(|counts| names.iter().any(|name| !counts.contains_key(*name)))
    {
        // The sender is static.
        let _ = changes.changed().await;
    }
}

/// Tells the parent.
pub fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}
