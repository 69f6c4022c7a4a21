//! The commands: each has its arguments and its action in one file.

mod worker;
mod start;
mod runs;
mod workflows;
mod signal;
mod approvals;
mod dead_letters;
mod gc;
mod migrate;
mod doctor;
mod completions;
mod man;
mod token;
mod codegen;

use clap::{ArgMatches, Command};

use crate::api::Api;
use crate::failure::{Exit, Failure};
use crate::session::Session;

/// The end of the help text.
pub const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 the run failed, 2 wrong usage, 3 not found, 4 conflict, 5 unavailable, 6 denied,
            7 the run was cancelled, 70 internal error, 130 interrupted";

/// Returns all commands. Those that execute or start runs need the program's workflows.
pub fn all(has_workflows: bool) -> Vec<Command> {
    let own = [worker::command(), start::command()];
    let common = [
        runs::command(),
        workflows::command(),
        signal::command(),
        approvals::command(),
        dead_letters::command(),
        gc::command(),
        migrate::command(),
        doctor::command(),
        codegen::command(),
        token::command(),
        completions::command(),
        man::command(),
    ];
    own.into_iter().filter(|_| has_workflows).chain(common).collect()
}

/// Executes a command.
///
/// # Errors
/// When it fails, or the user interrupts it.
pub async fn execute(session: &Session, name: &str, matches: &mut ArgMatches) -> Result<(), Failure> {
    match name {
        // It drains when it is interrupted.
        "worker" => worker::execute(session, matches).await,
        "start" => unless_interrupted(start::execute(session, matches)).await,
        "runs" => on_store(session, |api| runs::execute(session, api, matches)).await,
        "workflows" => on_store(session, |api| workflows::execute(session, api, matches)).await,
        "signal" => on_store(session, |api| signal::execute(session, api, matches)).await,
        "approvals" => on_store(session, |api| approvals::execute(session, api, matches)).await,
        "dead-letters" => on_store(session, |api| dead_letters::execute(session, api, matches)).await,
        "gc" => on_store(session, |api| gc::execute(session, api, matches)).await,
        "migrate" => unless_interrupted(migrate::execute(session, matches)).await,
        "doctor" => unless_interrupted(doctor::execute(session, matches)).await,
        "codegen" => unless_interrupted(codegen::execute(session, matches)).await,
        "token" => token::execute(session, matches),
        "completions" => completions::execute(session, matches),
        "man" => man::execute(session, matches),
        _ => Err(Failure::usage(format!("`{name}` is not a command"))),
    }
}

/// Opens the store, executes a command on it, and closes it.
async fn on_store<F>(session: &Session, action: impl FnOnce(Api) -> F) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    unless_interrupted(async {
        let engine = session.open().await?;
        let outcome = action(Api::new(engine.clone())).await;
        engine.shutdown().await;
        outcome
    })
    .await
}

/// Ends a command when the user interrupts it.
///
/// # Errors
/// As the command; [`Exit::Interrupted`].
pub async fn unless_interrupted(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::select! {
        outcome = command => outcome,
        signal = tokio::signal::ctrl_c() => {
            signal?;
            Err(Failure::silent(Exit::Interrupted))
        }
    }
}
