//! `workflows`: the definitions in the store, also of programs that are not here.

mod list;
mod show;
mod drawing;
mod stats;

use clap::{Arg, ArgMatches, Command, value_parser};
use workflow_engine::Json;
use workflow_engine_server::view::VersionView;

use crate::api::Api;
use crate::client::Call;
use crate::failure::{Exit, Failure};
use crate::session::Session;

pub fn command() -> Command {
    Command::new("workflows")
        .about("Shows the workflows of the store: versions, stages, graphs, times")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands([list::command(), show::command(), drawing::command(), stats::command()])
}

pub async fn execute(session: &Session, api: Api, matches: &ArgMatches) -> Result<(), Failure> {
    match matches.subcommand() {
        Some(("list", _)) => list::execute(session, &api).await,
        Some(("show", matches)) => show::execute(session, &api, matches).await,
        Some(("stats", matches)) => stats::execute(session, &api, matches).await,
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

/// A version of a workflow, with its definition as it is.
struct Found {
    version: VersionView,
    description: Json,
}

/// Returns the definition that the arguments name: of several with one version, the one that was seen last.
async fn the_definition(api: &Api, matches: &ArgMatches) -> Result<Found, Failure> {
    let wanted = matches.get_one::<String>("workflow").map_or("", String::as_str);
    let number = matches.get_one::<u32>("version");
    let (_, workflows) = api.workflows().await?;
    let known: Vec<String> = workflows.iter().map(|workflow| workflow.id.clone()).collect();
    let versions = workflows.into_iter().flat_map(|workflow| {
        let is_named = workflow.id == wanted;
        workflow.versions.into_iter().filter(move |version| is_named || version.fingerprint == wanted)
    });
    let newest = versions
        .filter(|version| number.is_none_or(|number| *number == version.version))
        .max_by_key(|version| (version.version, version.first_seen_at));
    let Some(version) = newest else {
        let number = number.map(|number| format!(" in version {number}")).unwrap_or_default();
        let known = if known.is_empty() {
            "the store has none".to_owned()
        } else {
            format!("the store has {}", known.join(", "))
        };
        return Err(Failure::new(Exit::NotFound, format!("there is no workflow `{wanted}`{number}"))
            .advice(format!("{known}: see `workflows list`")));
    };
    let description = api.get(Call::get(format!("/definitions/{}", version.fingerprint))).await?;
    Ok(Found { version, description })
}
