//! `workflows`: the definitions in the store, also of programs that are not here.

mod list;
mod show;
mod drawing;

use clap::{Arg, ArgMatches, Command, value_parser};
use workflow_engine::WorkflowVersion;

use crate::api::Api;
use crate::failure::{Exit, Failure};
use crate::session::Session;

pub fn command() -> Command {
    Command::new("workflows")
        .about("Shows the workflows of the store: versions, stages, graphs")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands([list::command(), show::command(), drawing::command()])
}

pub async fn execute(session: &Session, api: Api, matches: &ArgMatches) -> Result<(), Failure> {
    match matches.subcommand() {
        Some(("list", _)) => list::execute(session, &api).await,
        Some(("show", matches)) => show::execute(session, &api, matches).await,
        Some(("graph", matches)) => drawing::execute(session, &api, matches).await,
        _ => Err(Failure::usage("`workflows` needs a command").advice("see `workflows --help`")),
    }
}

/// Adds the arguments that name a definition.
fn with_workflow(command: Command) -> Command {
    command
        .arg(
            Arg::new("workflow")
                .value_name("WORKFLOW")
                .required(true)
                .help("The id of the workflow, or a fingerprint"),
        )
        .arg(
            Arg::new("version")
                .long("version")
                .value_name("NUMBER")
                .value_parser(value_parser!(u32))
                .help("The version; default the newest"),
        )
}

/// Returns the definition that the arguments name: of several with one version, the one that was seen last.
async fn the_definition(api: &Api, matches: &ArgMatches) -> Result<WorkflowVersion, Failure> {
    let wanted = matches.get_one::<String>("workflow").map_or("", String::as_str);
    let version = matches.get_one::<u32>("version");
    let versions = api.versions().await?;
    let mut known: Vec<&str> = versions.iter().map(|known| known.definition.workflow_id.as_str()).collect();
    known.dedup();
    let known = if known.is_empty() {
        "the store has none".to_owned()
    } else {
        format!("the store has {}", known.join(", "))
    };
    let is_wanted = |known: &WorkflowVersion| {
        let definition = &known.definition;
        let is_named = definition.workflow_id == wanted || definition.fingerprint == wanted;
        is_named && version.is_none_or(|version| *version == definition.version)
    };
    let newest = versions
        .into_iter()
        .filter(is_wanted)
        .max_by_key(|known| (known.definition.version, known.definition.first_seen_at));
    newest.ok_or_else(|| {
        let version = version.map(|version| format!(" in version {version}")).unwrap_or_default();
        Failure::new(Exit::NotFound, format!("there is no workflow `{wanted}`{version}"))
            .advice(format!("{known}: see `workflows list`"))
    })
}
