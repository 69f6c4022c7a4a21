//! The options that every command has.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, ValueHint};
use workflow_engine::{IntoStore, StoreSource};

use crate::failure::{Exit, Failure};
use crate::output::{Format, Out, Zone};

/// Returns the options that every command has.
pub fn global() -> [Arg; 6] {
    let db = Arg::new("db")
        .long("db")
        .value_name("PATH or URL")
        .env("WORKFLOW_ENGINE_DB")
        // It may contain a password.
        .hide_env_values(true)
        .value_hint(ValueHint::FilePath)
        .global(true)
        .help("The store: a SQLite file, or postgres://user:password@host/database");
    let server = Arg::new("server")
        .long("server")
        .value_name("URL")
        .env("WORKFLOW_ENGINE_SERVER")
        .value_hint(ValueHint::Url)
        .global(true)
        .help("A server instead of a store: http://127.0.0.1:7373");
    let token_file = Arg::new("token-file")
        .long("token-file")
        .value_name("FILE")
        .env("WORKFLOW_ENGINE_TOKEN_FILE")
        .value_hint(ValueHint::FilePath)
        .value_parser(clap::value_parser!(PathBuf))
        .global(true)
        .help("The file with the token for the server");
    let output = Arg::new("output")
        .long("output")
        .short('o')
        .value_name("FORM")
        .value_parser(["table", "json", "ndjson"])
        .default_value("table")
        .global(true)
        .help("The form of what is printed");
    let zone = Arg::new("tz")
        .long("tz")
        .value_name("ZONE")
        .value_parser(|text: &str| text.parse::<Zone>())
        .default_value("local")
        .global(true)
        .help("The time zone of tables: local, utc, +02:00, Europe/Berlin");
    let yes = Arg::new("yes")
        .long("yes")
        .short('y')
        .action(ArgAction::SetTrue)
        .global(true)
        .help("Do not ask before many runs are changed");
    [db, server, token_file, output, zone, yes]
}

/// Returns the output that the options describe.
pub fn out(matches: &ArgMatches) -> Out {
    let format = match matches.get_one::<String>("output").map(String::as_str) {
        Some("json") => Format::Json,
        Some("ndjson") => Format::Ndjson,
        _ => Format::Table,
    };
    Out::new(format, matches.get_one("tz").copied().unwrap_or(Zone::Local))
}

/// Returns the store at a location as it is: it is neither created nor migrated.
///
/// # Errors
/// For a store in memory, which belongs to one process.
pub fn existing(location: &str, has_workflows: bool) -> Result<StoreSource, Failure> {
    if location == "memory:" || location == "memory://" {
        if has_workflows {
            return Ok(location.into_store());
        }
        return Err(Failure::usage("a store in memory ends with its process, so there is nothing to see")
            .advice("name a SQLite file or a database on a PostgreSQL server"));
    }
    if is_postgres(location) {
        return Ok(postgres(location));
    }
    if let Some(path) = missing_file(location) {
        return Err(Failure::new(Exit::NotFound, format!("the store `{}` does not exist", path.display()))
            .advice("a worker creates it when it starts; `migrate` creates an empty one"));
    }
    Ok(sqlite(location))
}

/// Returns whether a location is a URL of PostgreSQL.
pub fn is_postgres(location: &str) -> bool {
    let scheme = location.split_once("://").map_or("", |(scheme, _)| scheme);
    ["postgres", "postgresql"].iter().any(|name| scheme.eq_ignore_ascii_case(name))
}

/// Returns the file that a location names, if it does not exist.
fn missing_file(location: &str) -> Option<PathBuf> {
    let path = match location.strip_prefix("sqlite:") {
        Some(url) => {
            let path = url.strip_prefix("//").unwrap_or(url);
            path.split_once('?').map_or(path, |(path, _)| path)
        }
        // Anything else with a scheme is a mistake that the store explains.
        None if location.contains("://") => return None,
        None => location,
    };
    let path = PathBuf::from(path);
    (!path.as_os_str().is_empty() && !path.exists()).then_some(path)
}

#[cfg(feature = "postgres")]
fn postgres(location: &str) -> StoreSource {
    let mut options = workflow_engine::stores::PostgresOptions::new(location);
    options.migrate = false;
    options.into_store()
}

#[cfg(not(feature = "postgres"))]
fn postgres(location: &str) -> StoreSource {
    location.into_store()
}

#[cfg(feature = "sqlite")]
fn sqlite(location: &str) -> StoreSource {
    let mut options = workflow_engine::stores::SqliteOptions::new(location);
    options.create_if_missing = false;
    options.migrate = false;
    options.into_store()
}

#[cfg(not(feature = "sqlite"))]
fn sqlite(location: &str) -> StoreSource {
    location.into_store()
}
