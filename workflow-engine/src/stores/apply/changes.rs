//! Routes each change to the function that writes it.

use super::draft::Draft;
use super::mismatch::Mismatch;
use super::{budget, calls, jobs, rerun, runs, side_rows, signals, stages, suspension};
use crate::ports::Change;

/// Writes one change. Without a wildcard: a new change does not compile until it is routed here.
pub(super) fn write(draft: &mut Draft<'_>, change: &Change) -> Result<(), Mismatch> {
    match change {
        // The run.
        Change::CreateRun(new) => runs::create(draft, new),
        Change::MoveSchedule(record) => {
            draft.move_schedule(record);
            Ok(())
        }
        Change::SetTimes { start, deadline } => runs::set_times(draft, *start, *deadline),
        Change::StartRun { stages, waiting_on } => runs::start(draft, stages, *waiting_on),
        Change::ReleaseRun { output, stages } => runs::release(draft, output.as_ref(), stages),
        Change::EndRun(end) => runs::end(draft, end),
        Change::Rerun { stages, waiting_on } => rerun::rerun(draft, stages, *waiting_on),
        Change::Recount { active, suspended } => runs::recount(draft, *active, *suspended),
        Change::CompleteIdempotencyKey { command, key, result } => draft.complete_key(command, key, result),

        // Jobs.
        Change::Enqueue { stage_id, max_attempts, max_crashes, claim } => {
            jobs::enqueue(draft, stage_id, (*max_attempts, *max_crashes), claim.as_ref())
        }
        Change::Release { stage_id, max_attempts, max_crashes, claim } => {
            jobs::release(draft, stage_id, (*max_attempts, *max_crashes), claim.as_ref())
        }
        Change::Delay { stage_id, delay } => jobs::delay(draft, stage_id, *delay),
        Change::Claim { stage_id, claim } => jobs::claim(draft, stage_id, claim),
        Change::ClaimQueued { stage_ids, claim, room } => jobs::claim_queued(draft, stage_ids, claim, *room),
        Change::ReturnJob { stage_id, reason } => jobs::return_job(draft, stage_id, reason),

        // Outcomes of a stage.
        Change::Complete { stage_id, output, elapsed } => stages::complete(draft, stage_id, output, *elapsed),
        Change::TakeOver { stage_id, output } => stages::take_over(draft, stage_id, output),
        Change::Choose { stage_id, arm } => stages::choose(draft, stage_id, *arm),
        Change::Catch { stage_id, failed, failure } => stages::catch(draft, stage_id, failed, failure),
        Change::Skip { stage_id, because } => stages::skip(draft, stage_id, because),
        Change::Retry { stage_id, error, delay } => stages::retry(draft, stage_id, error, *delay),
        Change::NoteError { stage_id, error } => stages::note_error(draft, stage_id, error),
        Change::RecordCrash { stage_id, error } => stages::record_crash(draft, stage_id, error),
        Change::Fail { stage_id, error } => stages::fail(draft, stage_id, error),
        Change::Cancel { stage_id } => stages::cancel(draft, stage_id),

        // Waiting for something outside.
        Change::Suspend { stage_id, ticket, check_after, give_up_after, awaits_signal } => {
            if *awaits_signal {
                signals::note_answered(draft, stage_id)?;
            }
            suspension::suspend(draft, stage_id, ticket, *check_after, *give_up_after)
        }
        Change::Signal { stage_id, stage_name, payload, actor } => {
            signals::signal(draft, (stage_id, stage_name), payload, actor.as_deref())
        }
        Change::ConsumeSignal { stage_id, number } => signals::consume(draft, stage_id, *number),
        Change::Postpone { stage_id, check_after } => suspension::postpone(draft, stage_id, *check_after),
        Change::Wake { stage_id } => suspension::wake(draft, stage_id),

        // Side rows.
        Change::PutBlob { key, value } => {
            side_rows::put_blob(draft, key, value);
            Ok(())
        }
        Change::Log { stage_id, level, message, fields } => {
            side_rows::log(draft, stage_id.as_deref(), *level, message, fields)
        }
        Change::Progress { stage_id, fraction, message } => {
            side_rows::progress(draft, stage_id, *fraction, message)
        }
        Change::Tag { tags } => {
            side_rows::tag(draft, tags);
            Ok(())
        }
        Change::Dequeue => {
            draft.dequeue();
            Ok(())
        }
        Change::Annotate { stage_id, annotation } => {
            side_rows::annotate(draft, stage_id.as_deref(), annotation)
        }
        Change::PutArtifact { stage_id, key, value } => {
            side_rows::artifact(draft, stage_id, key, Some(value))
        }
        Change::DeleteArtifact { stage_id, key } => side_rows::artifact(draft, stage_id, key, None),
        Change::RecordMetrics { stage_id, metrics } => side_rows::record_metrics(draft, stage_id, metrics),
        Change::Execute { stage_id, statements } => {
            side_rows::execute(draft, stage_id, statements);
            Ok(())
        }

        // Calls of models, and budgets.
        Change::ReserveCall { stage_id, call_id, call, budget } => {
            calls::reserve(draft, stage_id, *call_id, call, *budget)
        }
        Change::SettleCall { stage_id, call_id, end } => calls::settle(draft, stage_id, *call_id, end),
        Change::SetBudget { stage_id, budget } => budget::set(draft, stage_id.as_deref(), *budget),
        Change::AwaitBudget { stage_id, error, reserve, budget } => {
            budget::wait(draft, stage_id, error, *reserve, *budget)
        }
        Change::Resume { stage_id } => budget::resume(draft, stage_id),
    }
}
