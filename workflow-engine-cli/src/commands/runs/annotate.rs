//! `runs annotate`: attaches attributes to a run, or lists those that it has.

use clap::{Arg, ArgAction, ArgMatches, Command};
use workflow_engine::records::AnnotationRecord;
use workflow_engine::{Json, RunId, Status};
use workflow_engine_server::PageView;

use super::selection::{self, Bulk, Selection};
use crate::api::{Annotate, Api};
use crate::client::Call;
use crate::failure::Failure;
use crate::output::{Format, Table};
use crate::session::Session;
use crate::values;

pub fn command() -> Command {
    let option = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    let command = Command::new("annotate")
        .about("Attaches attributes to a run; without `--set` it lists those of the run")
        .arg(
            option(
                "set",
                "KEY=VALUE",
                "An attribute: `review.outcome=approved`. The value is JSON, or else a text",
            )
            .action(ArgAction::Append)
            .value_parser(values::pair),
        )
        .arg(option("stage", "STAGE", "The stage that the attributes are about"))
        .arg(option("actor", "NAME", "Who says so; default the user's name"))
        .arg(option("scope", "SCOPE", "The scope"))
        .arg(option("payload", "JSON", "Further data: JSON, @file, or - for standard input"));
    selection::args(command)
}

pub async fn execute(session: &Session, api: &Api, matches: &ArgMatches) -> Result<(), Failure> {
    let selection = Selection::of(matches)?;
    let Some(attributes) = matches.get_many::<(String, String)>("set") else {
        return match selection {
            Selection::One(run_id) => list(session, api, run_id).await,
            Selection::Many(_) => {
                Err(Failure::usage("no attribute is given").advice("write `--set key=value`"))
            }
        };
    };
    let mut request = Annotate::default();
    for (key, value) in attributes {
        let value = Json::parse(value).or_else(|_| Json::encode(value))?;
        request.attributes.insert(key.clone(), value);
    }
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    request.stage = text("stage");
    let actor = text("actor");
    request.scope = text("scope");
    request.payload = values::json_option(matches, "payload").await?;
    let dry_run = matches.get_flag("dry-run");
    match selection {
        Selection::Many(filter) => {
            let every =
                [Status::Pending, Status::Running, Status::Completed, Status::Failed, Status::Cancelled];
            let bulk = Bulk { verb: "Annotate", usual: &every, dry_run };
            let annotate = |run_id| {
                let (request, actor) = (&request, actor.clone());
                async move { api.annotate(run_id, request, actor).await.map(|_| true) }
            };
            bulk.execute(session, api, filter, annotate).await
        }
        Selection::One(run_id) => {
            let number = request.attributes.len();
            if !dry_run {
                api.annotate(run_id, &request, actor).await?;
            }
            if session.out.is_table() {
                let done = if dry_run { "would be attached" } else { "attached" };
                session.out.line(format!("{run_id}  {number} attributes {done}"))?;
            } else {
                session.out.json(&serde_json::json!({ "attached": number }))?;
            }
            Ok(())
        }
    }
}

async fn list(session: &Session, api: &Api, run_id: RunId) -> Result<(), Failure> {
    let items = api.all(Call::get(format!("/runs/{run_id}/annotations"))).await?;
    let out = &session.out;
    match out.format {
        Format::Table => out.table(table(session, &super::list::read(&items)?))?,
        Format::Json => out.json(&PageView { items, next: None, searched_to: None })?,
        Format::Ndjson => items.iter().try_for_each(|annotation| out.raw(annotation.as_str()))?,
    }
    Ok(())
}

fn table(session: &Session, annotations: &[AnnotationRecord]) -> Table {
    let at = format!("AT ({})", session.out.zone.name());
    let mut table = Table::new([&at, "STAGE", "KEY", "ACTOR", "VALUE"]);
    for annotation in annotations {
        let stage = annotation.stage_id.as_deref().unwrap_or_default();
        let stage = format!("{stage}{}", annotation.place);
        table.row([
            &session.out.zone.show(annotation.at),
            &stage,
            &annotation.key,
            annotation.actor.as_deref().unwrap_or_default(),
            annotation.value.as_str(),
        ]);
    }
    table
}
