//! The check of a schedule, and the request of its runs.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::timing::Timing;
use crate::context::{SCHEDULE, with_scheduled_for};
use crate::error::{Error, ErrorCode};
use crate::kernel::Kernel;
use crate::kernel::commands::CreateRun;
use crate::kernel::stored_schema::{Edits, check_stored};
use crate::records::{CatchUp, Schedule};
use crate::value::Json;
use crate::value::setting::DAY;

const MAX_ID_BYTES: usize = 128;
const MAX_AT_MOST: u32 = 1_000;
/// One less than a run may have: each has the tag of its schedule.
const MAX_TAGS: usize = 15;

/// Checks a schedule, and its request for a run: with the workflow's types, or in a process that does not have them by the
/// stored schema of its input.
///
/// # Errors
/// `INVALID_SCHEDULE`, and the errors of [`CreateRun`].
pub(in crate::kernel) async fn check_schedule(kernel: &Kernel, schedule: &Schedule) -> Result<Timing, Error> {
    let invalid = |reason: String| Error::invalid_schedule(&schedule.id, reason);
    let id = &schedule.id;
    if id.is_empty() || id.len() > MAX_ID_BYTES || id.chars().any(char::is_control) {
        return Err(invalid(format!("its id must have 1 to {MAX_ID_BYTES} bytes and no control characters")));
    }
    let timing = Timing::of(schedule)?;
    if schedule.jitter > DAY {
        return Err(invalid(format!("its jitter is {:?}, but must be at most a day", schedule.jitter)));
    }
    if let CatchUp::All { at_most } = schedule.catch_up
        && !(1..=MAX_AT_MOST).contains(&at_most)
    {
        return Err(invalid(format!(
            "it catches up at most {at_most} ticks, but must catch up from 1 to {MAX_AT_MOST}"
        )));
    }
    if schedule.deadline == Some(Duration::ZERO) {
        return Err(invalid("its `deadline` must be longer than 0".to_owned()));
    }
    if schedule.tags.contains_key(SCHEDULE) || schedule.tags.len() > MAX_TAGS {
        return Err(invalid(format!(
            "it may have {MAX_TAGS} tags; each run has the tag `{SCHEDULE}` in addition"
        )));
    }
    if let Some(metadata) = &schedule.metadata
        && metadata.decode::<BTreeMap<String, Json>>().ok().is_none_or(|fields| fields.contains_key(SCHEDULE))
    {
        return Err(invalid(format!("its metadata must be an object without the field `{SCHEDULE}`")));
    }
    match request_of(schedule, DateTime::UNIX_EPOCH).check_only(kernel) {
        Err(error) if error.code() == ErrorCode::WorkflowNotFound => {
            let stored = kernel.store().definitions().await?;
            // By workflow and version: the newest is the last.
            let newest = stored.into_iter().rfind(|stored| stored.workflow_id == schedule.workflow_id);
            let Some(newest) = newest else { return Err(error) };
            let config = schedule.config.as_ref();
            let values = Edits { input: Some(&schedule.input), config, outputs: &BTreeMap::new() };
            check_stored(&schedule.workflow_id, &newest.description, &values, error)?;
        }
        checked => checked?,
    }
    Ok(timing)
}

/// Returns the request of the run of a tick.
pub(in crate::kernel) fn request_of(schedule: &Schedule, tick: DateTime<Utc>) -> CreateRun {
    let mut request = CreateRun::new(schedule.workflow_id.clone(), schedule.input.clone());
    request.config.clone_from(&schedule.config);
    request.priority = schedule.priority;
    request.metadata = with_scheduled_for(schedule.metadata.as_ref(), &schedule.id, tick);
    request.tags.clone_from(&schedule.tags);
    request.tags.insert(SCHEDULE.to_owned(), schedule.id.clone());
    request.budget = schedule.budget;
    request.deadline = schedule.deadline;
    request.idempotency_key = Some(key_of(&schedule.id, tick));
    request
}

/// Returns the idempotency key of the run of a tick.
pub(in crate::kernel) fn key_of(id: &str, tick: DateTime<Utc>) -> String {
    format!("schedule:{id}:{}", crate::error::shown(tick))
}
