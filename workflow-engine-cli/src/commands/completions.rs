//! `completions`: the completion of commands and options in a shell.

use clap::{Arg, ArgMatches, Command, value_parser};
use clap_complete::Shell;

use crate::failure::Failure;
use crate::session::Session;

pub fn command() -> Command {
    Command::new("completions")
        .about("Prints the script with which a shell completes commands and options")
        .arg(
            Arg::new("shell")
                .value_name("SHELL")
                .required(true)
                .value_parser(value_parser!(Shell))
                .help("The shell"),
        )
}

pub fn execute(session: &Session, matches: &ArgMatches) -> Result<(), Failure> {
    // clap requires it.
    let shell = *matches.get_one::<Shell>("shell").expect("the argument is required");
    let mut command = session.program().clap();
    let name = command.get_name().to_owned();
    // It writes to memory: it cannot report an error.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    Ok(session.out.line(String::from_utf8_lossy(&script).trim_end())?)
}
