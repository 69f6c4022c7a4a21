//! Signals: a queue for each stage that waits for them, the oldest first.

use super::draft::Draft;
use super::mismatch::Mismatch;
use super::suspension;
use crate::ports::Change;
use crate::records::{EventKind, SignalRecord, Status};
use crate::stores::working_set::{ConsumedSignal, SignalQueue};
use crate::value::{Json, StageKey};

/// Writes `Change::Signal`.
pub(super) fn signal(
    draft: &mut Draft<'_>,
    (stage_key, stage_name): (&StageKey, &str),
    payload: &Json,
    actor: Option<&str>,
) -> Result<(), Mismatch> {
    let queue = draft.signals(stage_key);
    let is_suspended = draft.stage(stage_key).is_ok_and(|stage| stage.status == Status::Suspended);
    // The queue is read under the run's guard, so of two signals at the same time the second one sees the first.
    if is_suspended && queue.waiting() > 0 {
        return Err(Mismatch::StageIsAnswered(stage_key.clone(), queue.first_actor));
    }
    if queue.waiting() >= Change::MAX_SIGNALS {
        return Err(Mismatch::TooManySignals(stage_key.clone()));
    }
    let first_actor = if queue.waiting() == 0 { actor.map(str::to_owned) } else { queue.first_actor.clone() };
    let queue = SignalQueue { last: queue.last + 1, first_actor, ..queue };
    let StageKey { id: stage_id, place } = stage_key.clone();
    let signal = SignalRecord {
        run_id: draft.run_id(),
        stage_id: stage_id.clone(),
        place: place.clone(),
        number: queue.last,
        payload: payload.clone(),
        actor: actor.map(str::to_owned),
        at: draft.now(),
        consumed_at: None,
        consumed_by: None,
    };
    draft.add_signal(queue, signal);
    if is_suspended {
        suspension::wake(draft, stage_key)?;
    }
    draft.event(EventKind::StageSignalled {
        stage_id,
        place,
        stage_name: stage_name.to_owned(),
        actor: actor.map(str::to_owned),
    })
}

/// Writes `Change::ConsumeSignal`.
pub(super) fn consume(draft: &mut Draft<'_>, stage_key: &StageKey, number: u64) -> Result<(), Mismatch> {
    let queue = draft.signals(stage_key);
    if number != queue.consumed + 1 || queue.waiting() == 0 {
        return Err(Mismatch::SignalIsNotNext(stage_key.clone(), number));
    }
    let consumed = ConsumedSignal {
        run_id: draft.run_id(),
        stage_key: stage_key.clone(),
        number,
        generation: draft.run()?.generation,
        at: draft.now(),
    };
    draft.consume_signal(SignalQueue { consumed: number, first_actor: None, ..queue }, consumed);
    Ok(())
}

/// Notes that a stage which begins to wait is due at once, if a signal has come before.
pub(super) fn note_answered(draft: &mut Draft<'_>, stage_key: &StageKey) -> Result<(), Mismatch> {
    if draft.signals(stage_key).waiting() > 0 {
        draft.job_mut(stage_key)?.woken = true;
    }
    Ok(())
}
