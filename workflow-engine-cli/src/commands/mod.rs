//! The commands: each has its arguments and its action in one file.

mod worker;
mod start;
mod runs;
mod workflows;
mod signal;
mod approvals;
mod schedules;
mod dead_letters;
mod queue;
mod workers;
mod costs;
mod actions;
mod serve;
mod openapi;
mod gc;
mod migrate;
mod index;
mod doctor;
mod completions;
mod man;
mod token;
mod codegen;

use clap::{ArgMatches, Command};

use crate::api::Api;
use crate::client::{Client, Database};
use crate::failure::{Exit, Failure};
use crate::session::Session;

/// The end of the help text.
pub const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 the run failed, 2 wrong usage, 3 not found, 4 conflict, 5 unavailable, 6 denied,
            7 the run was cancelled, 70 internal error, 130 interrupted";

/// Returns all commands. Those that execute runs need the program's workflows.
pub fn all(has_workflows: bool) -> Vec<Command> {
    let own = [worker::command()];
    let common = [
        serve::command(has_workflows),
        start::command(has_workflows),
        runs::command(),
        workflows::command(),
        signal::command(),
        approvals::command(),
        schedules::command(),
        queue::command(),
        workers::command(),
        costs::command(),
        actions::command(),
        dead_letters::command(),
        gc::command(),
        migrate::command(),
        index::command(),
        doctor::command(),
        codegen::command(),
        openapi::command(),
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
        "serve" => serve::execute(session, matches).await,
        "start" => unless_interrupted(start::execute(session, matches)).await,
        "runs" => on_api(session, |api| runs::execute(session, api, matches)).await,
        "workflows" => on_api(session, |api| workflows::execute(session, api, matches)).await,
        "signal" => on_api(session, |api| signal::execute(session, api, matches)).await,
        "approvals" => on_api(session, |api| approvals::execute(session, api, matches)).await,
        "schedules" => on_api(session, |api| schedules::execute(session, api, matches)).await,
        "dead-letters" => on_api(session, |api| dead_letters::execute(session, api, matches)).await,
        "queue" => on_api(session, |api| queue::execute(session, api)).await,
        "workers" => on_api(session, |api| workers::execute(session, api)).await,
        "costs" => on_api(session, |api| costs::execute(session, api, matches)).await,
        "actions" => on_api(session, |api| actions::execute(session, api, matches)).await,
        "gc" => unless_interrupted(gc::execute(session, matches)).await,
        "migrate" => unless_interrupted(migrate::execute(session, matches)).await,
        "index" => unless_interrupted(index::execute(session, matches)).await,
        "doctor" => unless_interrupted(doctor::execute(session, matches)).await,
        "codegen" => unless_interrupted(codegen::execute(session, matches)).await,
        "openapi" => openapi::execute(session),
        "token" => token::execute(session, matches),
        "completions" => completions::execute(session, matches),
        "man" => man::execute(session, matches),
        _ => Err(Failure::usage(format!("`{name}` is not a command"))),
    }
}

/// Executes a command on the server that the user names, or else on the store, which it opens and closes.
async fn on_api<F>(session: &Session, action: impl FnOnce(Api) -> F) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    unless_interrupted(async {
        if let Some(api) = session.remote()? {
            return action(api).await;
        }
        let engine = session.open().await?;
        let outcome = match Database::new(engine.clone()) {
            Ok(database) => action(Api::new(Client::new(database))).await,
            Err(failure) => Err(failure),
        };
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
