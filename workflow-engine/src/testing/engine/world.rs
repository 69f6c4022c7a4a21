//! A simulated process with its store: the engine of a test, and everything that runs in it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::watch;

use super::faults::Faults;
use super::setup::Setup;
use super::virtual_time::VirtualTime;
use crate::engine::Engine;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::ports::Store;
use crate::stores::MemoryStore;
use crate::value::RunId;

type Running = FuturesUnordered<BoxFuture<'static, Result<Work, Error>>>;
type Actions = BTreeMap<(DateTime<Utc>, usize), BoxFuture<'static, ()>>;

/// The worker of a test engine. `drive` executes its work.
pub(super) struct World {
    pub(super) engine: Engine,
    pub(super) time: VirtualTime,
    pub(super) faults: Faults,
    /// The store, where it is the one in memory.
    pub(super) memory: Option<Arc<MemoryStore>>,
    /// The instant at which the test began.
    pub(super) began: DateTime<Utc>,
    /// The runs that were executed, in the order of their first start.
    pub(super) runs: Vec<RunId>,
    /// Bodies, checks and deliveries that have begun.
    ///
    /// In a lock that is never taken, because a reference to the engine of a test must be `Send`.
    running: Mutex<Running>,
    pub(super) is_flushing: bool,
    /// The store's hint that there may be new events.
    changes: watch::Receiver<u64>,
    /// Actions of the test by their instant, and by number.
    actions: Mutex<Actions>,
    planned_actions: usize,
    /// The crash that came before, for messages.
    pub(super) crash: String,
}

/// A kind of work that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    Job,
    Delivery,
}

impl World {
    /// A process with a new store in memory.
    pub(super) async fn in_memory(setup: &Setup, faults: &Faults) -> Self {
        let time = VirtualTime::new();
        let memory = Arc::new(MemoryStore::new(time.clock()).record_statements());
        let store: Arc<dyn Store> = Arc::clone(&memory) as _;
        let world = Self::new(setup, faults, &store, &time).await;
        let mut world = world.unwrap_or_else(|error| panic!("the engine cannot be built: {error}"));
        world.memory = Some(memory);
        world
    }

    /// A process on this store.
    pub(super) async fn new(
        setup: &Setup,
        faults: &Faults,
        store: &Arc<dyn Store>,
        time: &VirtualTime,
    ) -> Result<Self, Error> {
        let engine = setup.build(store, time, faults).await?;
        let mut changes = store.hints().watch_changes();
        // An earlier process may have left some.
        changes.mark_changed();
        Ok(Self {
            engine,
            time: time.clone(),
            faults: faults.clone(),
            memory: None,
            began: time.now(),
            runs: Vec::new(),
            running: Mutex::default(),
            is_flushing: false,
            changes,
            actions: Mutex::default(),
            planned_actions: 0,
            crash: String::new(),
        })
    }

    pub(super) fn kernel(&self) -> &Arc<Kernel> {
        self.engine.kernel()
    }

    pub(super) fn store(&self) -> &Arc<dyn Store> {
        self.kernel().store()
    }

    /// Plans an action of the test.
    pub(super) fn act_at(&mut self, instant: DateTime<Utc>, action: BoxFuture<'static, ()>) {
        self.planned_actions += 1;
        let number = self.planned_actions;
        self.actions().insert((instant, number), action);
    }

    /// Takes the action of the test that is due at `now`.
    pub(super) fn due_action(&mut self, now: DateTime<Utc>) -> Option<BoxFuture<'static, ()>> {
        let first = self.actions().first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// Returns the instant of the next action of the test.
    pub(super) fn next_action(&mut self) -> Option<DateTime<Utc>> {
        self.actions().keys().next().map(|(instant, _)| *instant)
    }

    fn actions(&mut self) -> &mut Actions {
        self.actions.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether there may be events that no delivery has taken up.
    pub(super) fn may_have_events(&self) -> bool {
        let has_subscribers = self.kernel().subscriber_names().next().is_some();
        has_subscribers && self.changes.has_changed().unwrap_or(false)
    }

    /// Notes that a delivery takes up the events.
    pub(super) fn begin_flush(&mut self) {
        self.changes.mark_unchanged();
        self.is_flushing = true;
    }

    /// Returns the work that has begun.
    pub(super) fn running(&mut self) -> &mut Running {
        self.running.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins work that runs beside other work.
    pub(super) fn begin(&mut self, work: BoxFuture<'static, Result<Work, Error>>) {
        self.running().push(work);
    }

    /// Lets the work that has begun run until one part of it ends, or until all of it waits. Returns whether a part ended.
    pub(super) async fn run_until_idle(&mut self) -> Result<bool, Error> {
        if self.running().is_empty() {
            return Ok(false);
        }
        let time = self.time.clone();
        self.run_until(time.let_tasks_run()).await
    }

    /// Lets the work that has begun run until one part of it ends, or until `end`. Returns whether a part ended. A process
    /// that dies leaves its leases behind.
    pub(super) async fn run_until(&mut self, end: impl Future<Output = ()>) -> Result<bool, Error> {
        let death = self.faults.death();
        tokio::select! {
            biased;
            () = death.cancelled() => {
                self.running().clear();
                self.is_flushing = false;
                self.faults.restart();
                Ok(true)
            }
            Some(ended) = self.running.get_mut().unwrap_or_else(PoisonError::into_inner).next() => {
                self.is_flushing &= ended? != Work::Delivery;
                Ok(true)
            }
            () = end => Ok(false),
        }
    }
}
