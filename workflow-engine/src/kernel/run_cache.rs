//! What this process remembers of the runs that it drives, so that it reads nothing twice.
//!
//! Only what can never change under a run's generation is remembered: its input, its configuration, and the stored
//! outputs of completed stages. Outputs are remembered as the text that was stored, never as the value that a body
//! returned: the two can differ (`#[serde(skip)]`, NaN).

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::value::{Json, RunId};

/// Runs beyond this number are forgotten, oldest first; they are read again when they are needed.
const CAPACITY: usize = 4_096;

/// Bytes of input and configuration that are kept of a run before it is started.
const SMALL: usize = 4_096;

/// How many turns an outcome gets whose answer is likely to have been given.
const TURNS: usize = 16;

/// One run in one generation.
#[derive(Debug)]
pub(super) struct RunMemory {
    pub(super) input: Json,
    /// By stage id.
    pub(super) config: HashMap<String, Json>,
    progress: Mutex<Progress>,
}

/// How far it is, as far as this process knows.
#[derive(Debug, Default)]
struct Progress {
    /// Of completed stages, by id.
    outputs: HashMap<String, Json>,
    /// Stages whose outcomes are with the store.
    under_way: Vec<String>,
    /// Stages that commits of this process made ready, and for which its worker had no room.
    queued: BTreeSet<String>,
}

impl RunMemory {
    pub(super) fn new(input: Json, config: HashMap<String, Json>) -> Self {
        Self { input, config, progress: Mutex::default() }
    }

    fn size(&self) -> usize {
        self.input.as_str().len() + self.config.values().map(|config| config.as_str().len()).sum::<usize>()
    }

    /// The stored output of a completed stage, if it is remembered. Two branches often complete in one commit, and
    /// whoever goes on first needs the other's output: so the task of one that is under way gets some turns to note it,
    /// for its answer has been given by then, and to read the store would take longer.
    pub(super) async fn output(&self, stage_id: &str) -> Option<Json> {
        for _ in 0..TURNS {
            {
                let progress = self.lock();
                let known = progress.outputs.get(stage_id);
                if known.is_some() || !progress.under_way.iter().any(|stage| stage == stage_id) {
                    return known.cloned();
                }
            }
            tokio::task::yield_now().await;
        }
        None
    }

    /// The outcome of a stage goes to the store.
    pub(super) fn begin(self: Arc<Self>, stage_id: &str) -> PendingOutput {
        self.lock().under_way.push(stage_id.to_owned());
        PendingOutput { memory: self, stage_id: stage_id.to_owned() }
    }

    /// Remembers what was committed.
    pub(super) fn remember(&self, stage_id: &str, output: Json) {
        let mut progress = self.lock();
        progress.queued.remove(stage_id);
        progress.outputs.insert(stage_id.to_owned(), output);
    }

    /// The stages that are likely to wait in the queue. Another worker may have claimed them meanwhile, so whoever
    /// claims them looks.
    pub(super) fn queued(&self) -> Vec<String> {
        self.lock().queued.iter().cloned().collect()
    }

    fn note_queued(&self, stage_ids: Vec<String>) {
        self.lock().queued.extend(stage_ids);
    }

    /// It waits no longer.
    pub(super) fn note_claimed(&self, stage_id: &str) {
        self.lock().queued.remove(stage_id);
    }

    /// Nobody waits for this outcome any longer: it has come back; or the store did not answer, and it may take long
    /// until it does.
    pub(super) fn settle(&self, stage_id: &str) {
        let mut progress = self.lock();
        if let Some(position) = progress.under_way.iter().position(|stage| stage == stage_id) {
            progress.under_way.swap_remove(position);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An outcome that is with the store, until this is dropped.
pub(super) struct PendingOutput {
    memory: Arc<RunMemory>,
    stage_id: String,
}

impl PendingOutput {
    /// It is committed, with this output; these stages wait in the queue from now.
    pub(super) fn committed(self, output: Json, queued: Vec<String>) {
        self.memory.remember(&self.stage_id, output);
        self.memory.note_queued(queued);
    }
}

impl Drop for PendingOutput {
    fn drop(&mut self) {
        self.memory.settle(&self.stage_id);
    }
}

/// The runs that are remembered, by id and generation.
#[derive(Debug, Default)]
pub(super) struct RunMemories {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    runs: HashMap<(RunId, u32), Arc<RunMemory>>,
    age: VecDeque<(RunId, u32)>,
}

impl RunMemories {
    pub(super) fn get(&self, run_id: RunId, generation: u32) -> Option<Arc<RunMemory>> {
        self.lock().runs.get(&(run_id, generation)).cloned()
    }

    /// Remembers a run; if another task has done so meanwhile, that memory is kept.
    pub(super) fn insert(&self, run_id: RunId, generation: u32, memory: RunMemory) -> Arc<RunMemory> {
        let mut state = self.lock();
        if let Some(known) = state.runs.get(&(run_id, generation)) {
            return Arc::clone(known);
        }
        while state.age.len() >= CAPACITY {
            if let Some(oldest) = state.age.pop_front() {
                state.runs.remove(&oldest);
            }
        }
        let memory = Arc::new(memory);
        state.runs.insert((run_id, generation), Arc::clone(&memory));
        state.age.push_back((run_id, generation));
        memory
    }

    /// Remembers a run that is still to be started, if it is small and there is ample room: those that run come first.
    pub(super) fn insert_early(&self, run_id: RunId, memory: RunMemory) {
        let has_room = self.lock().age.len() < CAPACITY / 2;
        if has_room && memory.size() <= SMALL {
            self.insert(run_id, 1, memory);
        }
    }

    /// Forgets a run that is over.
    pub(super) fn forget(&self, run_id: RunId, generation: u32) {
        let mut state = self.lock();
        if state.runs.remove(&(run_id, generation)).is_some() {
            // Runs end about in the order in which they began, so the entry is near the front.
            if let Some(position) = state.age.iter().position(|key| *key == (run_id, generation)) {
                state.age.remove(position);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
