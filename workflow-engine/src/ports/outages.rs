//! Outages of the store: the log has one line when the store goes away, and one when it is back.
//!
//! Many tasks of a process use the store and retry for as long as it is away: the claim loop, the services, the
//! heartbeat, the commits of outcomes, the watchers of other processes' commits. Each of them records the results of its
//! calls here instead of logging them. An outage begins with the first failure of any task, and ends when every task that
//! has failed lately has succeeded again.

#![allow(
    clippy::disallowed_methods,
    reason = "an outage takes real time, also where a test owns the engine's clock"
)]

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorCode};

/// A task that has reported nothing for this long does not keep an outage open: it may have ended.
const MAX_SILENCE: Duration = Duration::from_secs(30);

/// A store that fails again within this time is unsteady. The log then mentions only failures that last.
const UNSTEADY: Duration = Duration::from_secs(30);

/// How long a failure of an unsteady store lasts before the log mentions it.
const LASTING: Duration = Duration::from_secs(5);

/// The outages of one store in this process.
#[derive(Debug, Default)]
pub struct Outages {
    /// Whether any task fails, so that a success costs one load.
    is_any_failing: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    outage: Option<Outage>,
    /// When the last outage ended.
    ended: Option<Instant>,
    /// Tasks that fail for a reason other than the store, and since when.
    others: HashMap<String, Instant>,
}

#[derive(Debug)]
struct Outage {
    began: Instant,
    /// Whether the log has its first line.
    is_logged: bool,
    /// The tasks that fail, each with its latest failure.
    failing: HashMap<String, Instant>,
}

/// What the log has to say about a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    None,
    /// The store is away.
    Away,
    /// The store is back after this time.
    Back(Duration),
    /// A task fails, and the store is not to blame.
    TaskFails,
    /// That task works again after this time.
    TaskWorks(Duration),
}

impl Outages {
    /// Records a result of `task`, which retries after an error: an infinitive with its object, such as "claim work".
    /// Logs it where it is news.
    pub fn record<T>(&self, task: &str, result: &Result<T, Error>) {
        match result {
            Ok(_) => self.succeeded(task),
            Err(error) => self.failed(task, error),
        }
    }

    /// Records a success of `task`.
    pub fn succeeded(&self, task: &str) {
        if !self.is_any_failing.load(Ordering::Relaxed) {
            return;
        }
        let mut state = self.lock();
        let news = state.succeeded(task, Instant::now());
        self.is_any_failing.store(state.is_any_failing(), Ordering::Relaxed);
        drop(state);
        match news {
            News::Back(lasted) => {
                let seconds = lasted.as_secs_f64();
                tracing::warn!(task, seconds, "the store is available again");
            }
            News::TaskWorks(lasted) => {
                let seconds = lasted.as_secs_f64();
                tracing::warn!(task, seconds, "a task of the engine succeeds again");
            }
            _ => tracing::debug!(task, "a task of the engine succeeds again"),
        }
    }

    /// Records a failure of `task`.
    pub fn failed(&self, task: &str, error: &Error) {
        let mut state = self.lock();
        let is_outage = matches!(
            error.code(),
            ErrorCode::StoreUnavailable
                | ErrorCode::StoreLocked
                | ErrorCode::StoreFileReplaced
                | ErrorCode::DescriptorsExhausted
        );
        let news = if is_outage {
            state.store_failed(task, Instant::now())
        } else {
            state.task_failed(task, Instant::now())
        };
        self.is_any_failing.store(true, Ordering::Relaxed);
        drop(state);
        match news {
            News::Away => {
                tracing::error!(task, %error, "the store is unavailable; the engine retries until it is available again");
            }
            News::TaskFails => tracing::error!(task, %error, "a task of the engine failed and retries"),
            _ => tracing::debug!(task, %error, "a task of the engine failed again and retries"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_any_failing(&self) -> bool {
        self.outage.is_some() || !self.others.is_empty()
    }

    fn store_failed(&mut self, task: &str, now: Instant) -> News {
        self.others.remove(task);
        let is_steady = self.ended.is_none_or(|ended| now.duration_since(ended) > UNSTEADY);
        let outage = self.outage.get_or_insert_with(|| Outage {
            began: now,
            is_logged: false,
            failing: HashMap::new(),
        });
        outage.failing.insert(task.to_owned(), now);
        if outage.is_logged || !is_steady && now.duration_since(outage.began) < LASTING {
            return News::None;
        }
        outage.is_logged = true;
        News::Away
    }

    fn task_failed(&mut self, task: &str, now: Instant) -> News {
        if self.others.contains_key(task) {
            return News::None;
        }
        self.others.insert(task.to_owned(), now);
        News::TaskFails
    }

    fn succeeded(&mut self, task: &str, now: Instant) -> News {
        if let Some(began) = self.others.remove(task) {
            return News::TaskWorks(now.duration_since(began));
        }
        let Some(outage) = &mut self.outage else { return News::None };
        let latest_failure = outage.failing.values().copied().max().unwrap_or(now);
        let was_failing = outage.failing.remove(task).is_some();
        outage.failing.retain(|_, failed| now.duration_since(*failed) < MAX_SILENCE);
        if !outage.failing.is_empty() {
            return News::None;
        }
        let ended = if was_failing { now } else { latest_failure };
        let news = if outage.is_logged { News::Back(ended.duration_since(outage.began)) } else { News::None };
        self.outage = None;
        self.ended = Some(now);
        news
    }
}

#[cfg(test)]
#[path = "outages_tests.rs"]
mod tests;
