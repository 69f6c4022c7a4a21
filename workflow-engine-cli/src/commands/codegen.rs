//! `codegen`: code for programs in other languages.

use clap::{Arg, ArgAction, ArgMatches, Command};
use workflow_engine::Engine;
use workflow_engine::WorkflowVersion;
use workflow_engine::records::DefinitionRecord;

use crate::api::Api;
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
    let engine = engine(session).await?;
    let versions = Api::new(engine.clone()).versions().await;
    engine.shutdown().await;
    let wanted: Vec<&String> = matches.get_many("workflow").into_iter().flatten().collect();
    let newest = newest(versions?);
    if let Some(unknown) = wanted.iter().find(|id| newest.iter().all(|known| known.workflow_id != ***id)) {
        return Err(Failure::new(Exit::NotFound, format!("there is no workflow `{unknown}`")));
    }
    let chosen: Vec<DefinitionRecord> = newest
        .into_iter()
        .filter(|known| wanted.is_empty() || wanted.iter().any(|id| **id == known.workflow_id))
        .collect();
    if chosen.is_empty() {
        return Err(Failure::new(Exit::NotFound, "the store has no workflows")
            .advice("a program stores its definitions when it starts"));
    }
    Ok(session.out.line(typescript::generate(&chosen)?.trim_end())?)
}

/// Returns an engine that has the definitions: a program has its own, `wfe` finds them in the store.
async fn engine(session: &Session) -> Result<Engine, Failure> {
    if !session.program().has_workflows() {
        return session.open().await;
    }
    let builder = session.program().configure(Engine::builder("memory:"), session.options())?;
    Ok(builder.without_worker().build().await?)
}

/// Returns the newest definition of each workflow.
fn newest(versions: Vec<WorkflowVersion>) -> Vec<DefinitionRecord> {
    let mut newest: Vec<DefinitionRecord> = Vec::new();
    for version in versions {
        let definition = version.definition;
        match newest.iter_mut().find(|known| known.workflow_id == definition.workflow_id) {
            Some(known) => {
                if (known.version, known.first_seen_at) < (definition.version, definition.first_seen_at) {
                    *known = definition;
                }
            }
            None => newest.push(definition),
        }
    }
    newest
}
