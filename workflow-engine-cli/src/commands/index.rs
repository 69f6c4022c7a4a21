//! `index`: adds and drops optional indexes.

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgMatches, Command};
use workflow_engine::Engine;
use workflow_engine::ports::OptionalIndex;

use crate::failure::Failure;
use crate::session::Session;

pub fn command() -> Command {
    let names = PossibleValuesParser::new(OptionalIndex::ALL.iter().map(|index| index.name()));
    let index = Arg::new("index").value_name("INDEX").required(true).value_parser(names).help("The name");
    Command::new("index")
        .about("Adds or drops an index that the store has on request only; `doctor` shows those that it has")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("add")
                .about("Adds an index: `by-workflow` lists, counts and times the runs of a rare workflow at once")
                .long_about("Adds an index. `by-workflow` lists, counts and times the runs of a rare workflow at once among very many others; each run writes an entry. On a SQLite file, commits wait while it is made; on PostgreSQL, runs continue.")
                .arg(index.clone()),
        )
        .subcommand(Command::new("drop").about("Drops an index").arg(index))
}

pub async fn execute(session: &Session, matches: &ArgMatches) -> Result<(), Failure> {
    session.needs_store("index")?;
    let (is_added, matches) = match matches.subcommand() {
        Some(("add", matches)) => (true, matches),
        Some(("drop", matches)) => (false, matches),
        _ => return Err(Failure::usage("`index` needs a command")),
    };
    // clap requires it, and knows the names.
    let index = matches.get_one::<String>("index").map_or("", String::as_str).parse()?;
    let engine = session.open().await?;
    let changed = change(&engine, index, is_added).await;
    engine.shutdown().await;
    let changed = changed?;
    let out = &session.out;
    if !out.is_table() {
        return Ok(out.json(&serde_json::json!({ "index": index, "changed": changed }))?);
    }
    let state = match (is_added, changed) {
        (true, true) => "is added",
        (true, false) => "was there already",
        (false, true) => "is dropped",
        (false, false) => "was not there",
    };
    Ok(out.line(format!("{index}  {state}"))?)
}

async fn change(
    engine: &Engine,
    index: OptionalIndex,
    is_added: bool,
) -> Result<bool, workflow_engine::Error> {
    if is_added { engine.add_index(index).await } else { engine.drop_index(index).await }
}
