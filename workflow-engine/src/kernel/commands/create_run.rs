//! `run.create`: stores a run, and starts it where the host has free slots.

mod child;
mod options;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tracing::{Instrument, Span};

use super::Command;
use crate::context::with_traceparent;
use crate::definition::WorkflowDefinition;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::kernel::idempotency;
use crate::kernel::registry::Registered;
use crate::kernel::run_cache::CachedRun;
use crate::kernel::run_request::check_request;
use crate::kernel::slots::Reservation;
use crate::kernel::start_plan::{first_stages, start_changes};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use crate::ports::EnqueuedRun;
use crate::ports::{Change, Commit, Decision, IdempotencyEntry, NewRun, Precondition};
#[cfg(feature = "schedules")]
use crate::records::ScheduleRecord;
use crate::records::{Annotation, Claimant, RunParent, RunRequest, Status, check_tags};
use crate::telemetry::spans;
use crate::value::{Cost, Json, RunId};

/// Creates a run. Input and configuration are checked against the compiled types first, and absent fields of the
/// configuration are filled with their defaults, at every depth. When the command returns, the run is on disk.
///
/// On an engine whose worker has free slots the run has started by then: its first stages are claimed in the commit that
/// creates it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CreateRun {
    /// The idempotency key, at most 255 bytes. The same key with the same request returns the run of the first request;
    /// with another request it is an `IDEMPOTENCY_CONFLICT`. `None` creates a run each time.
    ///
    /// The workflow, the input and the configuration identify a request, as the caller wrote them: the order of keys does
    /// not count, nor how a number is written (`1` or `1.0`). Defaults are not part of it, so a deployment that changes
    /// one does not turn a repeated request into a conflict. Version, priority, metadata, tags, annotations, budget, start
    /// and deadline do not count: of two requests that differ in them, the first one decides.
    pub idempotency_key: Option<String>,
    /// The workflow's id.
    pub workflow_id: String,
    /// The version of the workflow; `None` means the newest that this process has registered.
    #[serde(default)]
    pub version: Option<u32>,
    /// The workflow's input.
    pub input: Json,
    /// The configuration: an object from stage ids to their fields. Absent fields take their defaults.
    pub config: Option<Json>,
    /// The priority. Higher is claimed first; `None` means 5.
    pub priority: Option<i32>,
    /// The caller's own data, stored with the run.
    pub metadata: Option<Json>,
    /// The tags by which the run can be found: at most 16, with keys of 64 bytes and values of 256 bytes.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The annotations of the run, written in the commit that creates it.
    #[serde(default)]
    pub annotations: Vec<Annotation>,
    /// The highest cost of its calls of models, over all its generations; `None` for no limit.
    #[serde(default)]
    pub budget: Option<Cost>,
    /// The instant at which the run starts; `None` for at once, and so is an instant that has passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_at: Option<DateTime<Utc>>,
    /// How long after its creation the run starts, in milliseconds in JSON; not together with `start_at`.
    #[serde(
        rename = "start_after_ms",
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::value::maybe_milliseconds"
    )]
    pub start_after: Option<Duration>,
    /// The longest time of the run, in milliseconds in JSON: from its creation, or from the instant at which it starts
    /// later. `None` means the option `deadline` of the workflow.
    #[serde(
        rename = "deadline_ms",
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::value::maybe_milliseconds"
    )]
    pub deadline: Option<Duration>,
}

/// The run that this request or an earlier one with the same key created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CreateRunOutput {
    /// The run's id.
    pub run_id: RunId,
    /// The run's status now.
    pub status: Status,
}

#[async_trait]
impl Command for CreateRun {
    type Output = CreateRunOutput;
    const NAME: &'static str = "run.create";

    /// # Errors
    /// `WORKFLOW_NOT_FOUND`, `INVALID_INPUT`, `INVALID_CONFIG`, `INVALID_TAG`, `INVALID_ANNOTATION`,
    /// `IDEMPOTENCY_CONFLICT`; `INVALID_REQUEST` for a key that is too long, both `start_at` and `start_after`, or a deadline
    /// of 0; `PAYLOAD_TOO_LARGE`, `PAYLOAD_TOO_DEEP` or `PAYLOAD_UNREADABLE` for values that cannot be stored.
    async fn execute(self, kernel: &Kernel) -> Result<CreateRunOutput, Error> {
        self.create(kernel, RunId::generate(), false).await
    }
}

/// The checked parts of a request.
struct Checked<'k> {
    registered: &'k Arc<Registered>,
    request: RunRequest,
    /// The complete configuration by stage id.
    config: BTreeMap<String, Json>,
    entry: Option<IdempotencyEntry>,
}

/// Where a request comes from.
enum Origin {
    Caller,
    /// A program has enqueued it in a transaction of its own.
    Enqueued,
    #[cfg(feature = "schedules")]
    Schedule(Box<ScheduleMove>),
}

/// A schedule that is written with its run.
#[cfg(feature = "schedules")]
pub(in crate::kernel) struct ScheduleMove {
    /// The version of the stored schedule.
    pub(in crate::kernel) expected: u64,
    pub(in crate::kernel) record: ScheduleRecord,
}

/// What has become of the run of a schedule.
#[cfg(feature = "schedules")]
pub(in crate::kernel) enum Created {
    New(RunId),
    /// An earlier request with the same key has created this run; the schedule is not written.
    Existing(RunId),
    /// Another process has written the schedule meanwhile. Nothing was written.
    ScheduleChanged,
}

/// The outcome of the commit, and the status of the run if it was created.
struct Outcome {
    commit: Commit,
    status: Status,
}

impl CreateRun {
    fn check<'k>(&self, kernel: &'k Kernel, run_id: RunId) -> Result<Checked<'k>, Error> {
        let registered = kernel.registry().for_new_run(&self.workflow_id, self.version)?;
        let limits = kernel.config().limits;
        let metadata = self.metadata.clone();
        let (request, config) =
            check_request(registered, limits, &self.input, self.config.as_ref(), metadata.clone())?;
        let entry = self.entry(run_id)?;
        self.annotations.iter().try_for_each(Annotation::check).map_err(Error::invalid_annotation)?;
        check_tags(&self.tags).map_err(Error::invalid_tag)?;
        self.check_times()?;
        Ok(Checked { registered, request, config, entry })
    }

    /// Checks the command, and creates nothing.
    pub(crate) fn check_only(&self, kernel: &Kernel) -> Result<(), Error> {
        self.check(kernel, RunId::generate()).map(drop)
    }

    /// Checks the command, and returns it as a program's own transaction stores it.
    ///
    /// # Errors
    /// As the command; `INVALID_REQUEST` if it cannot be written as JSON.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn to_enqueue(&self, kernel: &Kernel) -> Result<EnqueuedRun, Error> {
        let run_id = RunId::generate();
        let Checked { entry, .. } = self.check(kernel, run_id)?;
        let metadata = traced_metadata(kernel, self.metadata.clone(), &Span::current());
        let command = serde_json::to_string(&Self { metadata, ..self.clone() }).map_err(|error| {
            Error::invalid_request(format!("the request cannot be written as JSON: {error}"))
        })?;
        Ok(EnqueuedRun {
            run_id,
            workflow_id: self.workflow_id.clone(),
            idempotency_key: self.idempotency_key.clone(),
            request_hash: entry.map(|entry| entry.request_hash),
            command,
        })
    }

    /// Creates the run, with this id. The run may have been enqueued by a program; another process may then have created
    /// it meanwhile.
    pub(crate) async fn create(
        mut self,
        kernel: &Kernel,
        run_id: RunId,
        is_enqueued: bool,
    ) -> Result<CreateRunOutput, Error> {
        // The caller of an enqueued run has left its transaction long ago.
        let span = if is_enqueued { Span::none() } else { self.trace(kernel) };
        let created = self.create_or_find(kernel, run_id, is_enqueued).instrument(span.clone()).await;
        match &created {
            Ok(created) => spans::created(&span, created.run_id),
            Err(error) => spans::failed(&span, error.code().as_str()),
        }
        created
    }

    fn new_run(
        &self,
        definition: &WorkflowDefinition,
        request: RunRequest,
        parent: Option<RunParent>,
    ) -> NewRun {
        NewRun {
            workflow_id: definition.id.clone(),
            workflow_name: definition.name.clone(),
            definition_fingerprint: definition.fingerprint().to_owned(),
            parent,
            priority: self.priority.unwrap_or(Claimant::DEFAULT_PRIORITY),
            request,
        }
    }

    /// Creates the run of a schedule, with this id, and writes the schedule in the same commit.
    #[cfg(feature = "schedules")]
    pub(in crate::kernel) async fn create_by_schedule(
        mut self,
        kernel: &Kernel,
        run_id: RunId,
        schedule: ScheduleMove,
    ) -> Result<Created, Error> {
        let span = self.trace(kernel);
        let origin = Origin::Schedule(Box::new(schedule));
        let created = self.commit(kernel, run_id, origin).instrument(span.clone()).await;
        let created = created.and_then(|(outcome, _)| match outcome.commit {
            Commit::Applied(_) => Ok(Created::New(run_id)),
            // Also where its input was another one: the tick has had its run.
            Commit::Duplicate { result, .. } => {
                let existing = result.decode().map(Created::Existing);
                existing.map_err(|error| Error::stored_answer("schedule", Self::NAME, error))
            }
            Commit::PreconditionFailed => Ok(Created::ScheduleChanged),
        });
        match &created {
            Ok(Created::New(run_id) | Created::Existing(run_id)) => spans::created(&span, *run_id),
            Ok(Created::ScheduleChanged) => {}
            Err(error) => spans::failed(&span, error.code().as_str()),
        }
        created
    }

    /// Begins the span of the creation, and notes its trace.
    fn trace(&mut self, kernel: &Kernel) -> Span {
        let span = spans::create(&self.workflow_id);
        self.metadata = traced_metadata(kernel, self.metadata.take(), &span);
        span
    }

    async fn create_or_find(
        self,
        kernel: &Kernel,
        run_id: RunId,
        is_enqueued: bool,
    ) -> Result<CreateRunOutput, Error> {
        let origin = if is_enqueued { Origin::Enqueued } else { Origin::Caller };
        let (outcome, entry) = self.commit(kernel, run_id, origin).await?;
        let first = match (&outcome.commit, entry) {
            (Commit::Applied(_), _) => return Ok(CreateRunOutput { run_id, status: outcome.status }),
            (Commit::Duplicate { request_hash, result }, Some(entry)) => {
                idempotency::first_output(&entry, request_hash, result)?
            }
            (Commit::PreconditionFailed, _) if is_enqueued => run_id,
            (Commit::Duplicate { .. } | Commit::PreconditionFailed, _) => {
                return Err(Error::run_id_taken(run_id));
            }
        };
        let run = kernel.store().run(first).await?.ok_or_else(|| Error::run_not_found(first))?;
        Ok(CreateRunOutput { run_id: first, status: run.status })
    }

    /// Commits the decision that creates the run. Returns the entry of its idempotency key, too.
    async fn commit(
        self,
        kernel: &Kernel,
        run_id: RunId,
        origin: Origin,
    ) -> Result<(Outcome, Option<IdempotencyEntry>), Error> {
        let Checked { registered, request, config, entry } = self.check(kernel, run_id)?;
        let definition = registered.definition();
        let input = request.input.clone();
        let metadata = request.metadata.clone();
        let priority = self.priority.unwrap_or(Claimant::DEFAULT_PRIORITY);

        let mut changes = vec![Change::CreateRun(self.new_run(definition, request, None))];
        let precondition = match origin {
            Origin::Caller => Precondition::Absent,
            Origin::Enqueued => {
                changes.push(Change::Dequeue);
                Precondition::Absent
            }
            #[cfg(feature = "schedules")]
            Origin::Schedule(moved) => {
                let ScheduleMove { expected: version, record } = *moved;
                let id = record.schedule.id.clone();
                changes.push(Change::MoveSchedule(Box::new(record)));
                Precondition::Schedule { id, version }
            }
        };
        if !self.tags.is_empty() {
            changes.push(Change::Tag { tags: self.tags.clone() });
        }
        let annotations = self.annotations.iter().cloned();
        changes.extend(annotations.map(|annotation| Change::Annotate { stage_key: None, annotation }));
        changes.extend(self.budget.map(|budget| Change::SetBudget { stage_key: None, budget }));
        let (start, deadline) = (self.start(kernel), self.deadline.or(definition.deadline));
        if start.is_some() || deadline.is_some() {
            changes.push(Change::SetTimes { start, deadline });
        }
        // The host decides here whether it executes the run itself.
        let placement = kernel.placement().filter(|_| start.is_none());
        let has_host = placement.is_some();
        let wanted = first_stages(definition).count();
        let reservation = placement.and_then(|placement| placement.reserve(wanted, priority));
        if let Some(Reservation { claimant, slots, .. }) = &reservation {
            changes.extend(start_changes(definition, Some(claimant), *slots));
        }
        let idempotency = entry.clone();
        let decision = Decision { run_id, command: Self::NAME, precondition, idempotency, changes };

        let (shared, created) = (kernel.shared(), Arc::clone(registered));
        let commit = async move {
            let mut commit = shared.commit_measured(Arc::new(decision)).await?;
            let Commit::Applied(applied) = &mut commit else {
                return Ok(Outcome { commit, status: Status::Pending });
            };
            created.meters().runs_started.increment();
            let run = CachedRun::new(input, config, metadata);
            let status = if let Some(reservation) = reservation {
                shared.run_cache().insert(run_id, 1, run);
                (reservation.run)(std::mem::take(&mut applied.claimed));
                Status::Running
            } else {
                // This process probably claims the run as soon as it has a free slot.
                if has_host {
                    shared.run_cache().insert_early(run_id, run);
                }
                Status::Pending
            };
            Ok::<_, Error>(Outcome { commit, status })
        };
        // The claimed stages run although the caller has stopped waiting.
        Ok((kernel.detach(commit, |_, _| {}).await?, entry))
    }
}

/// Returns the metadata with the trace of the caller, if a trace is recorded and the caller has given none.
fn traced_metadata(kernel: &Kernel, metadata: Option<Json>, span: &Span) -> Option<Json> {
    let Some(port) = &kernel.config().trace_context else { return metadata };
    // A program may record its own spans and not those of the engine.
    let traceparent =
        if span.is_disabled() { port.traceparent(&Span::current()) } else { port.traceparent(span) };
    match traceparent {
        Some(traceparent) => with_traceparent(metadata, &traceparent),
        None => metadata,
    }
}

/// What identifies a request: the workflow, the input and the configuration.
#[derive(Serialize)]
struct Request<'a>(&'a str, &'a Json, &'a Json);

impl CreateRun {
    fn entry(&self, run_id: RunId) -> Result<Option<IdempotencyEntry>, Error> {
        let Some(key) = &self.idempotency_key else { return Ok(None) };
        let none = Json::trusted("{}");
        let request = Request(&self.workflow_id, &self.input, self.config.as_ref().unwrap_or(&none));
        idempotency::entry(Self::NAME, key, &request, &run_id).map(Some)
    }
}
