//! The cache of the runs that this process drives, so that it reads nothing twice.
//!
//! It holds only what cannot change within a run's generation: the input, the configuration, the metadata, and the stored outputs of
//! completed stages. Outputs are cached as the stored text, never as the value that a body returned, because the two
//! can differ (`#[serde(skip)]`, NaN).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::value::{IdMap, Json, RunId, StageKey};

/// The number of cached runs. Beyond it the oldest is evicted, and read again when it is needed.
const CAPACITY: usize = 4_096;

/// The largest input and configuration, in bytes, that are cached before the run starts.
const MAX_EARLY_BYTES: usize = 4_096;

/// How often a reader yields for an outcome whose commit has probably returned.
const MAX_YIELDS: usize = 16;

/// One run in one generation.
#[derive(Debug)]
pub(super) struct CachedRun {
    pub(super) input: Json,
    /// By stage id.
    pub(super) config: BTreeMap<String, Json>,
    pub(super) metadata: Option<Json>,
    progress: Mutex<Progress>,
}

/// The progress of a run, as far as this process has observed it.
#[derive(Debug, Default)]
struct Progress {
    /// Outputs of completed stages.
    outputs: BTreeMap<StageKey, Json>,
    /// The arms that these outputs have chosen, by the matched stage.
    arms: BTreeMap<StageKey, u32>,
    /// Stages whose outcomes are being committed.
    pending: Vec<StageKey>,
    /// Stages that commits of this process made ready, and for which its worker had no slot.
    queued: BTreeSet<StageKey>,
}

impl CachedRun {
    pub(super) fn new(input: Json, config: BTreeMap<String, Json>, metadata: Option<Json>) -> Self {
        Self { input, config, metadata, progress: Mutex::default() }
    }

    fn size(&self) -> usize {
        let values = std::iter::once(&self.input).chain(self.config.values()).chain(&self.metadata);
        values.map(|value| value.as_str().len()).sum()
    }

    /// Returns the stored output of a completed stage, if it is cached.
    ///
    /// Two branches often complete in one commit, and the one that continues first needs the other's output. The commit
    /// of both has returned by then, so yielding a few times until the other task has cached its output is faster than
    /// reading the store.
    pub(super) async fn output(&self, stage_key: &StageKey) -> Option<Json> {
        for _ in 0..MAX_YIELDS {
            {
                let progress = self.lock();
                let cached = progress.outputs.get(stage_key);
                if cached.is_some() || !progress.pending.iter().any(|stage| stage == stage_key) {
                    return cached.cloned();
                }
            }
            tokio::task::yield_now().await;
        }
        None
    }

    /// Returns the arm that the output of a stage has chosen, if it is cached.
    pub(super) async fn arm(&self, stage_key: &StageKey) -> Option<u32> {
        self.output(stage_key).await?;
        self.lock().arms.get(stage_key).copied()
    }

    /// Caches the arm that the output of a stage has chosen.
    pub(super) fn insert_arm(&self, stage_key: &StageKey, arm: u32) {
        self.lock().arms.insert(stage_key.clone(), arm);
    }

    /// Notes that the outcome of a stage is being committed.
    pub(super) fn begin(self: Arc<Self>, stage_key: &StageKey) -> PendingOutput {
        self.lock().pending.push(stage_key.clone());
        PendingOutput { run: self, stage_key: stage_key.clone() }
    }

    /// Caches a committed output.
    pub(super) fn insert_output(&self, stage_key: &StageKey, output: Json) {
        let mut progress = self.lock();
        progress.queued.remove(stage_key);
        progress.outputs.insert(stage_key.clone(), output);
    }

    /// Returns the stages that are probably in the queue. Another worker may have claimed them meanwhile, so the commit
    /// that claims them must check.
    pub(super) fn queued(&self) -> Vec<StageKey> {
        self.lock().queued.iter().cloned().collect()
    }

    fn note_queued(&self, stage_keys: Vec<StageKey>) {
        self.lock().queued.extend(stage_keys);
    }

    /// Notes that a stage has left the queue.
    pub(super) fn note_claimed(&self, stage_key: &StageKey) {
        self.lock().queued.remove(stage_key);
    }

    /// Ends the wait for an outcome: its commit has returned, or the store is unavailable and may be so for long.
    pub(super) fn settle(&self, stage_key: &StageKey) {
        let mut progress = self.lock();
        if let Some(position) = progress.pending.iter().position(|stage| stage == stage_key) {
            progress.pending.swap_remove(position);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An outcome that is being committed, until this is dropped.
pub(super) struct PendingOutput {
    run: Arc<CachedRun>,
    stage_key: StageKey,
}

impl PendingOutput {
    /// Caches the output and the arm that it has chosen after their commit, and notes the stages that the commit put in the queue.
    pub(super) fn committed(self, output: Json, arm: Option<u32>, queued: Vec<StageKey>) {
        if let Some(arm) = arm {
            self.run.insert_arm(&self.stage_key, arm);
        }
        self.run.insert_output(&self.stage_key, output);
        self.run.note_queued(queued);
    }
}

impl Drop for PendingOutput {
    fn drop(&mut self) {
        self.run.settle(&self.stage_key);
    }
}

/// The cached runs, by id and generation. The generation keeps a rerun from using outputs of the one before.
#[derive(Debug, Default)]
pub(super) struct RunCache {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    runs: IdMap<(RunId, u32), Arc<CachedRun>>,
    age: VecDeque<(RunId, u32)>,
}

impl RunCache {
    pub(super) fn get(&self, run_id: RunId, generation: u32) -> Option<Arc<CachedRun>> {
        self.lock().runs.get(&(run_id, generation)).cloned()
    }

    /// Caches a run. If another task has cached it meanwhile, that entry is kept and returned.
    pub(super) fn insert(&self, run_id: RunId, generation: u32, run: CachedRun) -> Arc<CachedRun> {
        let mut state = self.lock();
        if let Some(cached) = state.runs.get(&(run_id, generation)) {
            return Arc::clone(cached);
        }
        while state.age.len() >= CAPACITY {
            if let Some(oldest) = state.age.pop_front() {
                state.runs.remove(&oldest);
            }
        }
        let run = Arc::new(run);
        state.runs.insert((run_id, generation), Arc::clone(&run));
        state.age.push_back((run_id, generation));
        run
    }

    /// Caches a run that has not started, if it is small and at most half of the cache is used: runs that have started
    /// take precedence.
    pub(super) fn insert_early(&self, run_id: RunId, run: CachedRun) {
        let has_room = self.lock().age.len() < CAPACITY / 2;
        if has_room && run.size() <= MAX_EARLY_BYTES {
            self.insert(run_id, 1, run);
        }
    }

    /// Removes a run that has finished.
    pub(super) fn remove(&self, run_id: RunId, generation: u32) {
        let mut state = self.lock();
        if state.runs.remove(&(run_id, generation)).is_some() {
            // Runs finish roughly in the order in which they started, so the entry is near the front.
            if let Some(position) = state.age.iter().position(|key| *key == (run_id, generation)) {
                state.age.remove(position);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
