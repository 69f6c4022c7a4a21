//! `workflows graph`: the graph of a workflow as text or as a drawing.

use clap::{Arg, ArgMatches, Command};
use workflow_engine::definition::Graph;

use super::{Found, the_definition, with_workflow};
use crate::api::Api;
use crate::failure::{Exit, Failure};
use crate::session::Session;

pub fn command() -> Command {
    with_workflow(Command::new("graph").about("Draws the graph of a workflow")).arg(
        Arg::new("format")
            .long("format")
            .value_name("FORM")
            .value_parser(["text", "mermaid", "dot", "svg", "json"])
            .default_value("text")
            .help("Lines of levels, a Mermaid flowchart, Graphviz, a picture, or the whole definition"),
    )
}

pub async fn execute(session: &Session, api: &Api, matches: &ArgMatches) -> Result<(), Failure> {
    let (Found { description, .. }, out) = (the_definition(api, matches).await?, &session.out);
    let format = matches.get_one::<String>("format").map_or("text", String::as_str);
    if format == "json" || (format == "text" && !out.is_table()) {
        return Ok(out.raw(description.as_str())?);
    }
    let unreadable = || Failure::new(Exit::Internal, "the definition is not one that this version can draw");
    let graph = Graph::of_description(&description).ok_or_else(unreadable)?;
    let drawing = match format {
        "mermaid" => graph.to_mermaid(),
        "dot" => graph.to_dot(),
        "svg" => graph.to_svg().ok_or_else(unreadable)?,
        _ => graph.to_text(),
    };
    Ok(out.line(drawing.trim_end_matches('\n'))?)
}
