//! `costs`: what the calls of models have cost.

use clap::{Arg, ArgAction, ArgMatches, Command};
use workflow_engine::records::{CostGroup, CostReport, CostSums};

use crate::api::Api;
use crate::client::Call;
use crate::failure::Failure;
use crate::output::{Table, note};
use crate::run_filter::instant;
use crate::session::Session;

pub fn command() -> Command {
    let option = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    Command::new("costs")
        .about("Shows what calls of models have cost, also of deleted runs")
        .arg(
            option("by", "KEYS", "The groups: hour, day, workflow, stage, model; several with commas")
                .value_parser(["hour", "day", "workflow", "stage", "model"])
                .value_delimiter(',')
                .action(ArgAction::Append)
                .default_value("day"),
        )
        .arg(option("since", "TIME", "Calls of this time or later: 30d, 2026-01-31; full hours count"))
        .arg(option("before", "TIME", "Calls before this time"))
}

pub async fn execute(session: &Session, api: Api, matches: &ArgMatches) -> Result<(), Failure> {
    let time = |name: &str| matches.get_one::<String>(name).map(|text| instant(text)).transpose();
    let mut call = Call::get("/costs");
    let by: Vec<&String> = matches.get_many("by").into_iter().flatten().collect();
    for key in &by {
        call = call.query("by", key);
    }
    let call = call
        .maybe("from", time("since")?.map(|at| at.to_rfc3339()))
        .maybe("until", time("before")?.map(|at| at.to_rfc3339()));
    let json = api.get(call).await?;
    let out = &session.out;
    if !out.is_table() {
        return Ok(out.raw(json.as_str())?);
    }
    let report: CostReport = json.decode()?;
    out.table(table(&report, &by))?;
    if !report.is_complete {
        note("there are more groups; the sums of all calls are complete");
    }
    if report.unfinished.runs > 0 {
        let more = if report.unfinished.is_exact { "" } else { "+" };
        note(format!(
            "{}{more} runs have not ended: {} so far, at most {} more",
            report.unfinished.runs, report.unfinished.cost, report.unfinished.reserved
        ));
    }
    Ok(())
}

fn table(report: &CostReport, by: &[&String]) -> Table {
    let keys = by.iter().map(|key| match key.as_str() {
        "hour" => "HOUR (UTC)".to_owned(),
        "day" => "DAY (UTC)".to_owned(),
        other => other.to_ascii_uppercase(),
    });
    let heads = ["CALLS", "FAILED", "INPUT TOKENS", "OUTPUT TOKENS", "COST", "RESERVED", "UNKNOWN"];
    let numbers = by.len()..by.len() + heads.len();
    let table = Table::new(keys.chain(heads.map(str::to_owned)));
    let mut table = numbers.fold(table, Table::number);
    for group in &report.groups {
        table.row(by.iter().map(|key| name(group, key)).chain(sums(&group.sums)));
    }
    if !by.is_empty() {
        let names =
            by.iter().enumerate().map(|(index, _)| if index == 0 { "all".to_owned() } else { String::new() });
        table.row(names.chain(sums(&report.total)));
    }
    table
}

fn name(group: &CostGroup, key: &str) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".to_owned());
    match key {
        "hour" => group.at.map(|at| at.format("%Y-%m-%d %H:00").to_string()).unwrap_or_default(),
        "day" => group.at.map(|at| at.format("%Y-%m-%d").to_string()).unwrap_or_default(),
        "workflow" => text(&group.workflow_id),
        "stage" => text(&group.stage_id),
        _ => text(&group.model_key),
    }
}

fn sums(sums: &CostSums) -> [String; 7] {
    [
        sums.calls.to_string(),
        sums.failed_calls.to_string(),
        sums.input_tokens.to_string(),
        sums.output_tokens.to_string(),
        sums.cost.to_string(),
        sums.reserved.to_string(),
        sums.unknown_cost.to_string(),
    ]
}
