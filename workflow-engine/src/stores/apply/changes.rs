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
        // Written after those of the run itself.
        Change::OtherRun(_) => Ok(()),
        Change::CompleteIdempotencyKey { command, key, result } => draft.complete_key(command, key, result),

        // Jobs.
        Change::Enqueue { stage_key, max_attempts, max_crashes, claim } => {
            jobs::enqueue(draft, stage_key, (*max_attempts, *max_crashes), claim.as_ref())
        }
        Change::Release { stage_key, max_attempts, max_crashes, claim } => {
            jobs::release(draft, stage_key, (*max_attempts, *max_crashes), claim.as_ref())
        }
        Change::Delay { stage_key, delay } => jobs::delay(draft, stage_key, *delay),
        Change::Claim { stage_key, claim } => jobs::claim(draft, stage_key, claim),
        Change::ClaimQueued { stage_keys, claim, room } => {
            jobs::claim_queued(draft, stage_keys, claim, *room)
        }
        Change::ReturnJob { stage_key, reason } => jobs::return_job(draft, stage_key, reason),

        // Outcomes of a stage.
        Change::Complete { stage_key, output, elapsed } => {
            stages::complete(draft, stage_key, output, *elapsed)
        }
        Change::TakeOver { stage_key, output } => stages::take_over(draft, stage_key, output),
        Change::Choose { stage_key, arm } => stages::choose(draft, stage_key, *arm),
        Change::Catch { stage_key, failed, failure } => stages::catch(draft, stage_key, failed, failure),
        Change::Skip { stage_key, because } => stages::skip(draft, stage_key, because),
        Change::Retry { stage_key, error, delay } => stages::retry(draft, stage_key, error, *delay),
        Change::NoteError { stage_key, error } => stages::note_error(draft, stage_key, error),
        Change::RecordCrash { stage_key, error } => stages::record_crash(draft, stage_key, error),
        Change::Fail { stage_key, error } => stages::fail(draft, stage_key, error),
        Change::Cancel { stage_key } => stages::cancel(draft, stage_key),

        // Waiting for something outside.
        Change::Suspend { stage_key, ticket, check_after, give_up_after, awaits_signal } => {
            if *awaits_signal {
                signals::note_answered(draft, stage_key)?;
            }
            suspension::suspend(draft, stage_key, ticket, *check_after, *give_up_after)
        }
        Change::Signal { stage_key, stage_name, payload, actor } => {
            signals::signal(draft, (stage_key, stage_name), payload, actor.as_deref())
        }
        Change::ConsumeSignal { stage_key, number } => signals::consume(draft, stage_key, *number),
        Change::Postpone { stage_key, check_after } => suspension::postpone(draft, stage_key, *check_after),
        Change::Wake { stage_key } => suspension::wake(draft, stage_key),

        // Side rows.
        Change::PutBlob { key, value } => {
            side_rows::put_blob(draft, key, value);
            Ok(())
        }
        Change::Log { stage_key, level, message, fields } => {
            side_rows::log(draft, stage_key.as_ref(), *level, message, fields)
        }
        Change::Progress { stage_key, fraction, message } => {
            side_rows::progress(draft, stage_key, *fraction, message)
        }
        Change::Tag { tags } => {
            side_rows::tag(draft, tags);
            Ok(())
        }
        Change::Dequeue => {
            draft.dequeue();
            Ok(())
        }
        Change::Annotate { stage_key, annotation } => {
            side_rows::annotate(draft, stage_key.as_ref(), annotation)
        }
        Change::PutArtifact { stage_key, key, value } => {
            side_rows::artifact(draft, stage_key, key, Some(value))
        }
        Change::DeleteArtifact { stage_key, key } => side_rows::artifact(draft, stage_key, key, None),
        Change::RecordMetrics { stage_key, metrics } => side_rows::record_metrics(draft, stage_key, metrics),
        Change::Execute { stage_key, statements } => {
            side_rows::execute(draft, stage_key, statements);
            Ok(())
        }

        // Calls of models, and budgets.
        Change::ReserveCall { stage_key, call_id, call, budget } => {
            calls::reserve(draft, stage_key, *call_id, call, *budget)
        }
        Change::SettleCall { stage_key, call_id, end } => calls::settle(draft, stage_key, *call_id, end),
        Change::SetBudget { stage_key, budget } => budget::set(draft, stage_key.as_ref(), *budget),
        Change::AwaitBudget { stage_key, error, reserve, budget } => {
            budget::wait(draft, stage_key, error, *reserve, *budget)
        }
        Change::Resume { stage_key } => budget::resume(draft, stage_key),
    }
}
