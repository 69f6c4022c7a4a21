//! `man`: the manual page.

use clap::{Arg, ArgMatches, Command};
use clap_mangen::Man;

use crate::failure::Failure;
use crate::session::Session;

pub fn command() -> Command {
    Command::new("man")
        .about("Prints the manual page, or writes one for each command to a folder")
        .arg(Arg::new("folder").long("folder").value_name("FOLDER").help("Write the pages to this folder"))
}

pub fn execute(session: &Session, matches: &ArgMatches) -> Result<(), Failure> {
    let command = session.program().clap();
    if let Some(folder) = matches.get_one::<String>("folder") {
        std::fs::create_dir_all(folder)?;
        clap_mangen::generate_to(command, folder)?;
        return Ok(());
    }
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    Ok(session.out.line(String::from_utf8_lossy(&page).trim_end())?)
}
