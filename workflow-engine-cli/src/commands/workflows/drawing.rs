//! `workflows graph`: the graph of a workflow as text or as a drawing.

use clap::{Arg, ArgMatches, Command};

use super::{the_definition, with_workflow};
use crate::api::Api;
use crate::failure::Failure;
use crate::graph::Graph;
use crate::session::Session;

pub fn command() -> Command {
    with_workflow(Command::new("graph").about("Draws the graph of a workflow")).arg(
        Arg::new("format")
            .long("format")
            .value_name("FORM")
            .value_parser(["text", "mermaid", "dot", "json"])
            .default_value("text")
            .help("Lines of levels, a Mermaid flowchart, Graphviz, or the whole definition"),
    )
}

pub async fn execute(session: &Session, api: &Api, matches: &ArgMatches) -> Result<(), Failure> {
    let (version, out) = (the_definition(api, matches).await?, &session.out);
    let description = &version.definition.description;
    let format = matches.get_one::<String>("format").map_or("text", String::as_str);
    if format == "json" || (format == "text" && !out.is_table()) {
        return Ok(out.json(&description.decode::<serde_json::Value>()?)?);
    }
    let graph: Graph = description.decode()?;
    let drawing = match format {
        "mermaid" => graph.to_mermaid(),
        "dot" => graph.to_dot(),
        _ => graph.to_text(),
    };
    Ok(out.line(drawing.trim_end_matches('\n'))?)
}
