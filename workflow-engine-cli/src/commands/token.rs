//! `token`: makes a token for the HTTP server.

use std::fmt::Write;

use clap::{ArgMatches, Command};
use sha2::{Digest, Sha256};

use crate::failure::{Exit, Failure};
use crate::session::Session;

pub fn command() -> Command {
    Command::new("token")
        .about("Makes tokens for the HTTP server")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("new")
                .about("Prints a new token, and its hash for the server's configuration")
                .long_about("Prints a new token of 256 random bits, and its hash. The caller keeps the token; the server needs only the hash, `sha256:…`. Nothing is stored."),
        )
}

pub fn execute(session: &Session, _: &ArgMatches) -> Result<(), Failure> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|error| {
        Failure::new(Exit::Unavailable, format!("the system gives no random numbers: {error}"))
    })?;
    let token = hex(&random);
    let hash = format!("sha256:{}", hex(&Sha256::digest(&token)));
    if session.out.is_table() {
        session.out.line(format!("{token}\n{hash}"))?;
    } else {
        session.out.json(&serde_json::json!({ "token": token, "hash": hash }))?;
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
