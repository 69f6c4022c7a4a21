//! `serve`: the HTTP API of the store.

use std::net::SocketAddr;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use workflow_engine::Engine;
use workflow_engine_server::{Grant, ServeError, Server, Token};

use crate::failure::{Exit, Failure};
use crate::session::Session;

pub fn command(has_workflows: bool) -> Command {
    let option = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    let command = Command::new("serve")
        .about("Serves the HTTP API until SIGTERM or Ctrl-C")
        .long_about(
            "Serves the HTTP API until SIGTERM or Ctrl-C. Without a token it makes one, prints it, and listens on this \
             machine alone.",
        )
        .arg(
            option("listen", "ADDRESS", "The address")
                .value_parser(value_parser!(SocketAddr))
                .default_value("127.0.0.1:7373"),
        )
        .arg(
            option("token", "NAME:GRANT:TOKEN", "A token: `ops:operate:file:/run/secrets/ops`")
                .long_help(
                    "A token: its name, its grant (`read`, `read+payloads` or `operate`), and `file:` with the path of a \
                     file that holds it or its hash, or `sha256:` with its hash. `token new` makes one.",
                )
                .action(ArgAction::Append),
        )
        .arg(flag("open", "Ask for no token; only on this machine").conflicts_with("token"))
        .arg(flag("read-only", "Refuse every request that changes something"))
        .arg(option("public-url", "URL", "The URL under which people reach it, behind a proxy"));
    if has_workflows { command.arg(flag("worker", "Execute stages too")) } else { command }
}

pub async fn execute(session: &Session, matches: &ArgMatches) -> Result<(), Failure> {
    session.needs_store("serve")?;
    let has_worker = matches.try_get_one::<bool>("worker").ok().flatten() == Some(&true);
    let engine = if session.program().has_workflows() {
        let builder = session.builder()?.shutdown_on_signals();
        if has_worker { builder.build().await? } else { builder.without_worker().build().await? }
    } else {
        session.open_until_signal().await?
    };
    let outcome = serve(&engine, matches).await;
    engine.shutdown().await;
    outcome
}

async fn serve(engine: &Engine, matches: &ArgMatches) -> Result<(), Failure> {
    let mut server = Server::new(engine.clone());
    if let Some(&address) = matches.get_one::<SocketAddr>("listen") {
        server = server.address(address);
    }
    for text in matches.get_many::<String>("token").into_iter().flatten() {
        server = server.token(token(text)?);
    }
    if matches.get_flag("open") {
        server = server.open();
    }
    if matches.get_flag("read-only") {
        server = server.read_only();
    }
    if let Some(url) = matches.get_one::<String>("public-url") {
        server = server.public_url(url);
    }
    server.serve().await.map_err(|error| refusal(&error))
}

fn refusal(error: &ServeError) -> Failure {
    let exit = if error.is_usage() { Exit::Usage } else { Exit::Unavailable };
    let failure = Failure::new(exit, error.to_string());
    match error {
        ServeError::PublicWithoutToken(_) => {
            failure.advice("pass `--token NAME:GRANT:file:PATH`; `token new` makes a token")
        }
        _ => failure,
    }
}

/// Reads `NAME:GRANT:TOKEN`.
fn token(text: &str) -> Result<Token, Failure> {
    let wrong = || {
        Failure::usage("a token has the form `NAME:GRANT:TOKEN`")
            .advice("write `ops:operate:file:/run/secrets/ops`; grants are read, read+payloads and operate")
    };
    let mut parts = text.splitn(3, ':');
    let (Some(name), Some(grant), Some(secret)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(wrong());
    };
    let grant = match grant {
        "read" => Grant::Read,
        "read+payloads" => Grant::ReadPayloads,
        "operate" => Grant::Operate,
        _ => return Err(wrong()),
    };
    Token::parse(name, grant, secret).map_err(|error| Failure::new(Exit::Usage, error.to_string()))
}
