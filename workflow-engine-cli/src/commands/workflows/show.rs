//! `workflows show`: one definition: its stages, its input and its configuration.

use clap::{ArgMatches, Command};
use serde_json::Value;

use super::{Found, the_definition, with_workflow};
use crate::api::Api;
use crate::failure::Failure;
use crate::output::{Format, Table, text};
use crate::session::Session;

pub fn command() -> Command {
    with_workflow(
        Command::new("show").about("Shows a workflow: its stages, its input, and how stages are retried"),
    )
}

pub async fn execute(session: &Session, api: &Api, matches: &ArgMatches) -> Result<(), Failure> {
    let (Found { version, description }, out) = (the_definition(api, matches).await?, &session.out);
    if out.format != Format::Table {
        return Ok(out.raw(description.as_str())?);
    }
    let definition: Value = description.decode()?;
    let string = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut head = Table::new(Vec::<String>::new());
    head.row(["workflow", &string(&definition["id"])]);
    head.row(["name", &string(&definition["name"])]);
    head.row(["version", &definition["version"].to_string()]);
    if definition["description"] != "" {
        head.row(["about", &string(&definition["description"])]);
    }
    head.row(["input", &fields(&definition["input_schema"])]);
    head.row(["definition", &version.fingerprint]);
    head.row(["runs", &format!("{} pending, {} running", version.pending, version.running)]);
    out.table(head)?;
    out.line("")?;
    let mut table = Table::new(["STAGE", "AFTER", "ATTEMPTS", "TIMEOUT", "WAITS", "ABOUT"]).number(2);
    for stage in definition["stages"].as_array().into_iter().flatten() {
        let names = |list: &Value| {
            list.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        };
        let millis = |value: &Value| {
            value
                .as_i64()
                .map(|millis| text::duration(chrono::TimeDelta::milliseconds(millis)))
                .unwrap_or_default()
        };
        table.row([
            string(&stage["id"]),
            names(&stage["predecessors"]),
            stage["retry"]["max_attempts"].to_string(),
            millis(&stage["timeout_ms"]),
            millis(&stage["wait"]["poll_every_ms"]),
            string(&stage["description"]).lines().next().unwrap_or_default().to_owned(),
        ]);
    }
    Ok(out.table(table)?)
}

/// Returns the fields of an object's schema, an optional one with a question mark.
fn fields(schema: &Value) -> String {
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let Some(properties) = schema["properties"].as_object() else { return String::new() };
    let field = |(name, schema): (&String, &Value)| {
        let mark = if required.contains(&name.as_str()) { "" } else { "?" };
        let kind =
            schema["type"].as_str().or_else(|| schema["$ref"].as_str()?.rsplit('/').next()).unwrap_or("any");
        format!("{name}{mark}: {kind}")
    };
    properties.iter().map(field).collect::<Vec<_>>().join(", ")
}
