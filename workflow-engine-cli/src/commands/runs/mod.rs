//! `runs`: finds, shows and steers runs.

mod list;
mod show;
mod watch;
mod logs;
mod events;
mod timeline;
mod output;
mod compare;
mod difference;
mod selection;
mod cancel;
mod rerun;
mod fork;
mod wake;
mod budget;
mod annotate;

use clap::{ArgMatches, Command};

use crate::api::Api;
use crate::failure::Failure;
use crate::session::Session;

pub fn command() -> Command {
    Command::new("runs")
        .about("Finds, shows and steers runs")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands([
            list::command(),
            show::command(),
            watch::command(),
            logs::command(),
            events::command(),
            timeline::command(),
            output::command(),
            compare::command(),
            cancel::command(),
            rerun::command(),
            fork::command(),
            wake::command(),
            budget::command(),
            annotate::command(),
        ])
}

pub async fn execute(session: &Session, api: Api, matches: &ArgMatches) -> Result<(), Failure> {
    let Some((name, matches)) = matches.subcommand() else {
        return Err(Failure::usage("`runs` needs a command").advice("see `runs --help`"));
    };
    match name {
        "list" => list::execute(session, &api, matches).await,
        "show" => show::execute(session, &api, matches).await,
        "watch" => watch::execute(session, &api, matches).await,
        "logs" => logs::execute(session, &api, matches).await,
        "events" => events::execute(session, &api, matches).await,
        "timeline" => timeline::execute(session, &api, matches).await,
        "output" => output::execute(session, &api, matches).await,
        "compare" => compare::execute(session, &api, matches).await,
        "cancel" => cancel::execute(session, &api, matches).await,
        "rerun" => rerun::execute(session, &api, matches).await,
        "fork" => fork::execute(session, &api, matches).await,
        "wake" => wake::execute(session, &api, matches).await,
        "budget" => budget::execute(session, &api, matches).await,
        "annotate" => annotate::execute(session, &api, matches).await,
        _ => Err(Failure::usage(format!("`{name}` is not a command of `runs`"))),
    }
}
