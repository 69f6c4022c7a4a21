//! The runs of a command that acts: one by its id, or all that match a filter.
//!
//! What was previewed is what happens: the command lists the runs first, and acts on these and on no others.

use clap::{Arg, ArgAction, ArgMatches, Command};
use workflow_engine::{BulkOutcome, RunFilter, RunId, Status};
use workflow_engine_server::view::ListedRun;

use super::list;
use crate::api::{self, Api};
use crate::consent;
use crate::failure::{Exit, Failure};
use crate::output::{Format, Table, note};
use crate::run_filter;
use crate::session::Session;
use crate::values;

/// The runs that a preview shows.
const SAMPLES: usize = 20;

/// Adds the arguments that select the runs.
pub fn args(command: Command) -> Command {
    command
        .arg(
            values::run_id()
                .required(false)
                .help("The id of the run; without it, the options below select runs"),
        )
        .args(run_filter::args())
        .arg(
            Arg::new("dry-run")
                .long("dry-run")
                .action(ArgAction::SetTrue)
                .help("Only show what would happen"),
        )
}

/// The runs of a command.
pub enum Selection {
    /// One run.
    One(RunId),
    /// Those that match.
    Many(Box<RunFilter>),
}

impl Selection {
    /// Returns the runs that the arguments select.
    ///
    /// # Errors
    /// When they select none, or in two ways.
    pub fn of(matches: &ArgMatches) -> Result<Self, Failure> {
        match (matches.get_one::<RunId>("run"), run_filter::is_given(matches)) {
            (Some(&run_id), false) => Ok(Self::One(run_id)),
            (None, true) => run_filter::filter(matches).map(|filter| Self::Many(Box::new(filter))),
            (Some(_), true) => Err(Failure::usage("a run and a filter exclude each other")),
            (None, false) => Err(Failure::usage("no run is selected")
                .advice("name a run, or select runs: `--filter 'status:failed tag:customer=acme'`")),
        }
    }
}

/// An action on each of many runs.
pub struct Bulk<'a> {
    /// The verb, with a capital letter: `Cancel`.
    pub verb: &'static str,
    /// The statuses of the runs on which it can act, unless the filter names some.
    pub usual: &'a [Status],
    /// Whether it only shows the runs.
    pub dry_run: bool,
}

impl Bulk<'_> {
    /// Shows the runs that match, asks, and acts on each of them.
    ///
    /// # Errors
    /// When the user declines, the store is unavailable, or a run refused the action.
    pub async fn execute<F>(
        self,
        session: &Session,
        api: &Api,
        filter: Box<RunFilter>,
        act: impl Fn(RunId) -> F,
    ) -> Result<(), Failure>
    where
        F: Future<Output = Result<bool, Failure>>,
    {
        let filter = *filter;
        let filter =
            if filter.statuses.is_empty() { filter.statuses(self.usual.iter().copied()) } else { filter };
        let (ids, samples) = preview(api, &filter).await?;
        if self.dry_run {
            return show(session, &ids, &samples);
        }
        if ids.is_empty() {
            note("no run matches");
            return Ok(());
        }
        if session.out.is_table() && !session.has_consent() {
            session.out.table(list::table(session, &samples))?;
        }
        let runs = if ids.len() == 1 { "run" } else { "runs" };
        consent::ask(session, &format!("{} {} {runs}?", self.verb, ids.len())).await?;
        let mut numbers = [0; 3];
        for run_id in ids {
            let outcome = match act(run_id).await {
                Ok(true) => BulkOutcome::Done,
                Ok(false) => BulkOutcome::Skipped,
                Err(failure) if failure.is_retryable() => return Err(failure),
                Err(failure) => match failure.code() {
                    Some(code) if code == "RUN_NOT_FOUND" => BulkOutcome::Skipped,
                    Some(code) => BulkOutcome::Refused { code, message: failure.to_string() },
                    None => return Err(failure),
                },
            };
            print(session, run_id, &outcome)?;
            let place = match outcome {
                BulkOutcome::Done => 0,
                BulkOutcome::Skipped => 1,
                _ => 2,
            };
            numbers[place] += 1;
        }
        let [done, skipped, refused] = numbers;
        note(format!("{done} done, {skipped} skipped, {refused} refused"));
        if refused > 0 { Err(Failure::silent(Exit::Conflict)) } else { Ok(()) }
    }
}

async fn preview(api: &Api, filter: &RunFilter) -> Result<(Vec<RunId>, Vec<ListedRun>), Failure> {
    let call = api::runs("/runs", filter);
    let (mut ids, mut samples, mut after) = (Vec::new(), Vec::new(), None::<String>);
    loop {
        let page = api.page(call.clone(), after.as_deref(), api::PAGE).await?;
        let runs: Vec<ListedRun> = list::read(&page.items)?;
        ids.extend(runs.iter().map(|listed| listed.run.id));
        let missing = SAMPLES - samples.len();
        samples.extend(runs.into_iter().take(missing));
        after = page.next;
        if after.is_none() {
            return Ok((ids, samples));
        }
    }
}

fn show(session: &Session, ids: &[RunId], samples: &[ListedRun]) -> Result<(), Failure> {
    let out = &session.out;
    match out.format {
        Format::Table => {
            out.table(list::table(session, samples))?;
            note(match ids.len() {
                0 => "no run matches".to_owned(),
                1 => "1 run; nothing was changed".to_owned(),
                number if number > samples.len() => {
                    format!("{number} runs, of which {} are shown; nothing was changed", samples.len())
                }
                number => format!("{number} runs; nothing was changed"),
            });
        }
        Format::Json => out.json(&serde_json::json!({ "count": ids.len(), "samples": samples }))?,
        Format::Ndjson => ids.iter().try_for_each(|run_id| out.json(run_id))?,
    }
    Ok(())
}

/// Prints what happened to a run; JSON is a line each in both forms.
fn print(session: &Session, run_id: RunId, outcome: &BulkOutcome) -> Result<(), Failure> {
    let out = &session.out;
    if !out.is_table() {
        let line = serde_json::json!({ "run_id": run_id, "outcome": outcome });
        return Ok(out.line(line.to_string())?);
    }
    let mut table = Table::new(Vec::<String>::new());
    let outcome = match outcome {
        BulkOutcome::Done => "done".to_owned(),
        BulkOutcome::Refused { code, message } => format!("{code}: {message}"),
        _ => "skipped".to_owned(),
    };
    table.row([run_id.to_string(), outcome]);
    Ok(out.table(table)?)
}
