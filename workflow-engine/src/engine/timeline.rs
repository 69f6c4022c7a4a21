//! The timeline of a run, and the attempts of a stage.

use std::collections::{BTreeMap, HashMap, HashSet};

use futures_util::TryStreamExt;

use super::any_run::AnyRun;
use super::timeline_fold::{StageEvents, TimelineFold};
use crate::definition::{Graph, GraphStage};
use crate::error::Error;
use crate::records::{
    AttemptOutcome, AttemptRecord, CallStatus, RunRecord, StageTimeline, Status, Timeline,
    TimelineGeneration, WaitReason,
};
use crate::value::StageKey;

/// The most events of a run that are read for its timeline.
const MAX_EVENTS: u64 = 50_000;

impl AnyRun {
    /// Returns what the run has done over time: its generations, and the attempts and waits of each stage. The engine
    /// derives it from the events of the run; of a run with more than 50,000 events, from the first ones.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    ///
    /// #[stage]
    /// async fn double(number: u32) -> StageResult<u32> {
    ///     Ok(number * 2)
    /// }
    ///
    /// workflow! { Doubling = double }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// let engine = Engine::builder("memory:").register::<Doubling>().build().await?;
    /// let run = engine.start::<Doubling>(DoubleInput { number: 21 }).await?;
    /// run.output().await?;
    ///
    /// let timeline = run.timeline().await?;
    /// assert_eq!(timeline.generations[0].status, Status::Completed);
    /// assert_eq!(timeline.stages[0].attempts.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`AnyRun::record`].
    pub async fn timeline(&self) -> Result<Timeline, Error> {
        let fold = self.fold(None).await?;
        let run = self.record().await?;
        let last_sequence = fold.last_sequence;
        let (generations, mut stages) = fold.into_parts();
        let graph = if generations.is_empty() { Vec::new() } else { self.graph(&run).await? };
        let pending = match generations.last() {
            Some(last) if last.ended_at.is_none() => self.pending_stages().await?,
            _ => HashSet::new(),
        };
        note_ready(&mut stages, &generations, &graph, &pending);
        self.add_details(&mut stages).await?;
        let stages = graph.into_iter().flat_map(|stage| {
            let mut keys: Vec<StageKey> = stages.keys().filter(|key| key.id == stage.id).cloned().collect();
            if keys.is_empty() {
                keys.push(stage.key());
            }
            let of_place = keys.into_iter().map(|key| {
                let StageEvents { attempts, mut waits } = stages.remove(&key).unwrap_or_default();
                // The events do not tell what a stage waits for.
                let external = waits.iter_mut().filter(|wait| wait.reason == WaitReason::External);
                external.filter(|_| stage.child.is_some()).for_each(|wait| wait.reason = WaitReason::Child);
                StageTimeline {
                    stage_id: key.id,
                    place: key.place,
                    stage_name: stage.name.clone(),
                    stage_number: stage.number,
                    child_workflow_id: stage.child.clone(),
                    attempts,
                    waits,
                }
            });
            of_place.collect::<Vec<_>>()
        });
        Ok(Timeline {
            run_id: run.id,
            status: run.status,
            created_at: run.created_at,
            last_sequence,
            is_complete: last_sequence >= run.last_sequence,
            stages: stages.collect(),
            generations,
            workflow_id: run.workflow_id,
        })
    }

    /// Returns the attempts of a stage, in all generations of the run, oldest first: also those that failed before one
    /// that succeeded, and those before a rerun.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    /// use workflow_engine::records::AttemptOutcome;
    ///
    /// #[stage(retry(max_attempts = 2, initial = "1ms"))]
    /// async fn fetch(number: u32, ctx: &StageContext) -> StageResult<u32> {
    ///     if ctx.attempt() == 1 {
    ///         return Err(StageError::retryable("the service is unavailable"));
    ///     }
    ///     Ok(number)
    /// }
    ///
    /// workflow! { Fetching = fetch }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// let engine = Engine::builder("memory:").register::<Fetching>().build().await?;
    /// let run = engine.start::<Fetching>(FetchInput { number: 7 }).await?;
    /// run.output().await?;
    ///
    /// let attempts = run.attempts::<fetch>().await?;
    /// assert_eq!(attempts[0].outcome, AttemptOutcome::Retried);
    /// assert_eq!(attempts[0].error.as_deref(), Some("the service is unavailable"));
    /// assert_eq!(attempts[1].outcome, AttemptOutcome::Completed);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `RUN_NOT_FOUND`; `STAGE_NOT_FOUND` if the run has started and has no such stage; an error of the store.
    pub async fn attempts(&self, stage_key: impl Into<StageKey>) -> Result<Vec<AttemptRecord>, Error> {
        let stage_key = stage_key.into();
        let (generations, mut stages) = self.fold(Some(&stage_key)).await?.into_parts();
        if !generations.is_empty() && !stages.contains_key(&stage_key) {
            let run = self.record().await?;
            let is_defined = self.graph(&run).await?.iter().any(|stage| stage.id == stage_key.id);
            if !is_defined || !self.has_place(&stage_key).await? {
                return Err(Error::stage_not_found(self.id(), &stage_key));
            }
        }
        self.add_details(&mut stages).await?;
        Ok(stages.remove(&stage_key).unwrap_or_default().attempts)
    }

    /// Returns whether the run has the place of a stage.
    async fn has_place(&self, stage_key: &StageKey) -> Result<bool, Error> {
        let is_outside = stage_key.place.is_empty();
        Ok(is_outside || self.store().stage(self.id(), stage_key).await?.is_some())
    }

    /// Reads the events of one stage or of all.
    async fn fold<'a>(&self, only: Option<&'a StageKey>) -> Result<TimelineFold<'a>, Error> {
        let mut fold = TimelineFold::new(only);
        let mut events = self.event_history().limit(1_000).stream();
        while let Some(event) = events.try_next().await? {
            fold.read(event);
            if fold.last_sequence >= MAX_EVENTS {
                break;
            }
        }
        Ok(fold)
    }

    /// Returns the stages of the run's definition, in reading order. Of a definition that neither this process nor the
    /// store has, the stored stages, without their predecessors.
    async fn graph(&self, run: &RunRecord) -> Result<Vec<GraphStage>, Error> {
        let fingerprint = &run.definition_fingerprint;
        if let Some(registered) = self.engine().kernel().registry().by_fingerprint(fingerprint) {
            return Ok(Graph::of(registered.definition()).stages);
        }
        let definition = self.store().definition(fingerprint).await?;
        if let Some(graph) = definition.and_then(|definition| Graph::of_description(&definition.description))
        {
            return Ok(graph.stages);
        }
        let stages = self.store().stages(run.id).await?.into_iter().map(|stage| GraphStage {
            child: None,
            id: stage.stage_id,
            name: stage.stage_name,
            number: stage.stage_number,
            execution_group: stage.execution_group,
            predecessors: Vec::new(),
            reads: Vec::new(),
            max_attempts: 0,
            max_crashes: 0,
            budget: None,
            arms: None,
            delay: None,
        });
        Ok(stages.collect())
    }

    /// Returns the keys of the stages that wait for a worker or for their predecessors.
    async fn pending_stages(&self) -> Result<HashSet<StageKey>, Error> {
        let stages = self.store().stages(self.id()).await?.into_iter();
        Ok(stages.filter(|stage| stage.status == Status::Pending).map(|stage| stage.key()).collect())
    }

    /// Adds the names of workers and the costs of calls.
    async fn add_details(&self, stages: &mut BTreeMap<StageKey, StageEvents>) -> Result<(), Error> {
        let attempts = || stages.values().flat_map(|stage| &stage.attempts);
        if attempts().any(|attempt| attempt.outcome == AttemptOutcome::Running) {
            let snapshot = self.store().snapshot(self.id()).await?;
            for job in snapshot.ok_or_else(|| Error::run_not_found(self.id()))?.jobs {
                let last = stages.get_mut(&job.key()).and_then(|stage| stage.attempts.last_mut());
                if let Some(last) = last
                    && job.status == Status::Running
                    && last.outcome == AttemptOutcome::Running
                {
                    last.worker_id = job.worker_id;
                }
            }
        }
        self.add_workers(stages).await?;
        let mut calls = self.ai_calls().limit(1_000).stream();
        while let Some(call) = calls.try_next().await? {
            if call.outcome != CallStatus::Settled {
                continue;
            }
            let Some(stage) = call.stage_key().and_then(|key| stages.get_mut(&key)) else { continue };
            let of_call = |attempt: &&mut AttemptRecord| {
                attempt.generation == call.generation && attempt.number == call.attempt
            };
            // Of two with one number, the later one counted.
            if let Some(attempt) = stage.attempts.iter_mut().rev().find(of_call) {
                attempt.cost += call.cost;
            }
        }
        Ok(())
    }

    /// Adds the names of the workers whose numbers the events hold.
    async fn add_workers(&self, stages: &mut BTreeMap<StageKey, StageEvents>) -> Result<(), Error> {
        let attempts = stages.values().flat_map(|stage| &stage.attempts);
        let mut numbers: Vec<u32> = attempts.filter_map(|attempt| attempt.worker).collect();
        numbers.sort_unstable();
        numbers.dedup();
        if numbers.is_empty() {
            return Ok(());
        }
        let names = self.store().worker_ids(&numbers).await?;
        for attempt in stages.values_mut().flat_map(|stage| &mut stage.attempts) {
            if attempt.worker_id.is_none() {
                attempt.worker_id = attempt.worker.and_then(|number| names.get(&number).cloned());
            }
        }
        Ok(())
    }
}

/// Notes when each stage was ready for its first attempt of a generation: when the last of its predecessors had
/// completed.
fn note_ready(
    stages: &mut BTreeMap<StageKey, StageEvents>,
    generations: &[TimelineGeneration],
    graph: &[GraphStage],
    pending: &HashSet<StageKey>,
) {
    let mut completed = HashMap::new();
    for (stage_key, stage) in &*stages {
        for attempt in &stage.attempts {
            if let (AttemptOutcome::Completed, Some(at)) = (attempt.outcome, attempt.ended_at) {
                completed.entry(stage_key.clone()).or_insert_with(Vec::new).push((attempt.generation, at));
            }
        }
    }
    for generation in generations {
        let number = generation.number;
        let completed_by = |stage_key: &StageKey, number: u32| {
            let ends = completed.get(stage_key)?.iter();
            ends.filter(|(generation, _)| *generation <= number).map(|(_, at)| *at).next_back()
        };
        for stage in graph {
            let key = stage.key();
            let begun = stages
                .get(&key)
                .is_some_and(|stage| stage.attempts.iter().any(|attempt| attempt.generation == number));
            let waits = generation.ended_at.is_none() && pending.contains(&key);
            if !begun && !waits {
                continue;
            }
            let mut ready = Some(generation.started_at);
            for &predecessor in &stage.predecessors {
                let predecessor = graph[predecessor].key();
                ready = ready.and_then(|ready| Some(ready.max(completed_by(&predecessor, number)?)));
            }
            if let Some(ready) = ready {
                stages.entry(key).or_default().note_ready(number, ready, stage.delay);
            }
        }
    }
}
