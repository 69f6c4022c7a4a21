//! `codegen`: code for programs in other languages.

use clap::{Arg, ArgAction, ArgMatches, Command};
use workflow_engine::{Engine, Json};

use crate::api::Api;
use crate::client::{Call, Client, Database};
use crate::failure::{Exit, Failure};
use crate::session::Session;
use crate::typescript;

pub fn command() -> Command {
    Command::new("codegen")
        .about("Generates code for programs in other languages")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("typescript")
                .about("Prints the types of the workflows and a client, as one file without dependencies")
                .arg(
                    Arg::new("workflow")
                        .value_name("WORKFLOW")
                        .action(ArgAction::Append)
                        .help("The ids of the workflows; default all"),
                ),
        )
}

pub async fn execute(session: &Session, matches: &ArgMatches) -> Result<(), Failure> {
    let Some((_, matches)) = matches.subcommand() else {
        return Err(Failure::usage("`codegen` needs a language").advice("write `codegen typescript`"));
    };
    let wanted: Vec<&String> = matches.get_many("workflow").into_iter().flatten().collect();
    let definitions = if let Some(api) = session.remote()? {
        definitions(&api, &wanted).await?
    } else {
        let engine = engine(session).await?;
        let definitions = match Database::new(engine.clone()) {
            Ok(database) => definitions(&Api::new(Client::new(database)), &wanted).await,
            Err(failure) => Err(failure),
        };
        engine.shutdown().await;
        definitions?
    };
    if definitions.is_empty() {
        return Err(Failure::new(Exit::NotFound, "the store has no workflows")
            .advice("a program stores its definitions when it starts"));
    }
    Ok(session.out.line(typescript::generate(&definitions)?.trim_end())?)
}

/// Returns an engine that has the definitions: a program has its own, `wfe` finds them in the store.
async fn engine(session: &Session) -> Result<Engine, Failure> {
    if !session.program().has_workflows() {
        return session.open().await;
    }
    let builder = session.program().configure(Engine::builder("memory:"), session.options())?;
    Ok(builder.without_worker().build().await?)
}

/// Returns the newest definition of each workflow that is wanted.
async fn definitions(api: &Api, wanted: &[&String]) -> Result<Vec<Json>, Failure> {
    let (_, workflows) = api.workflows().await?;
    if let Some(unknown) = wanted.iter().find(|id| workflows.iter().all(|known| known.id != ***id)) {
        return Err(Failure::new(Exit::NotFound, format!("there is no workflow `{unknown}`")));
    }
    let mut definitions = Vec::new();
    for workflow in workflows {
        if !wanted.is_empty() && !wanted.iter().any(|id| **id == workflow.id) {
            continue;
        }
        // The newest is the first.
        if let Some(version) = workflow.versions.first() {
            definitions.push(api.get(Call::get(format!("/definitions/{}", version.fingerprint))).await?);
        }
    }
    Ok(definitions)
}
