//! `openapi`: the document of the HTTP API.

use clap::Command;

use crate::failure::Failure;
use crate::session::Session;

pub fn command() -> Command {
    Command::new("openapi").about("Prints the OpenAPI 3.1 document of the HTTP API")
}

pub fn execute(session: &Session) -> Result<(), Failure> {
    Ok(session.out.raw(workflow_engine_server::openapi().trim_end())?)
}
