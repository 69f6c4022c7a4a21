//! The location of a file, and the options that it sets after a `?`.

use std::path::PathBuf;
use std::time::Duration;

use super::options::{SqliteOptions, Synchronous};
use crate::error::Error;
use crate::stores::location::{StoreKind, kind_of, parameters, set, unknown_parameter};

/// Returns the path that the location names, and the options with the location's parameters.
pub(super) fn resolve(mut options: SqliteOptions) -> Result<(SqliteOptions, PathBuf), Error> {
    let location = options.location.clone();
    let refuse = |reason: &str| Err(Error::unsupported_url(&location, reason));
    match kind_of(&location)? {
        StoreKind::Sqlite => {}
        StoreKind::Memory => {
            return refuse("it is a store in memory: use `MemoryStore` or `Engine::builder`");
        }
        StoreKind::Postgres => {
            return refuse("it is a PostgreSQL database: use `PostgresStore` or `Engine::builder`");
        }
    }
    let (named, given) = parameters(&location);
    let path = match named.split_at_checked("sqlite:".len()) {
        Some((scheme, path)) if scheme.eq_ignore_ascii_case("sqlite:") => {
            path.strip_prefix("//").unwrap_or(path)
        }
        _ => named,
    };
    if path == ":memory:" || given.clone().any(|parameter| parameter == ("mode", "memory")) {
        return refuse(
            "a database in memory cannot be shared by its connections: write `memory:` for the store in memory",
        );
    }
    if path.is_empty() {
        return refuse("it has no path: write `sqlite:path`");
    }
    let default = SqliteOptions::new("");
    for (key, value) in given {
        match key {
            "mode" => {
                let create = match value {
                    "rwc" => Some(true),
                    "rw" => Some(false),
                    "ro" => return refuse("the engine writes to the file, so its `mode` is `rw` or `rwc`"),
                    _ => None,
                };
                set(&location, key, &mut options.create_if_missing, &default.create_if_missing, create)?;
            }
            "synchronous" => {
                let level = match value.to_ascii_lowercase().as_str() {
                    "full" => Some(Synchronous::Full),
                    "normal" => Some(Synchronous::Normal),
                    _ => None,
                };
                set(&location, key, &mut options.synchronous, &default.synchronous, level)?;
            }
            "busy_timeout" => {
                let timeout = value.parse().ok().map(Duration::from_millis);
                set(&location, key, &mut options.busy_timeout, &default.busy_timeout, timeout)?;
            }
            "table_prefix" | "schema" => {
                let prefix = Some(if key == "schema" { format!("{value}_") } else { value.to_owned() });
                set(&location, key, &mut options.table_prefix, &default.table_prefix, prefix)?;
            }
            // What the engine does anyway.
            "cache" if value == "private" => {}
            _ => {
                let known = "`mode=rwc`, `mode=rw`, `cache=private`, `synchronous=full`, `synchronous=normal`, \
                             `busy_timeout` in milliseconds, `table_prefix` and `schema`";
                return Err(unknown_parameter(&location, key, known));
            }
        }
    }
    Ok((options, PathBuf::from(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(location: &str) -> Result<(SqliteOptions, PathBuf), Error> {
        resolve(SqliteOptions::new(location))
    }

    #[test]
    fn a_location_is_a_path_or_a_url() {
        for (location, path) in [
            ("workflows.db", "workflows.db"),
            ("sqlite:workflows.db", "workflows.db"),
            ("SQLITE:workflows.db?mode=rwc", "workflows.db"),
            ("sqlite://data/workflows.db", "data/workflows.db"),
            ("sqlite:///var/lib/workflows.db", "/var/lib/workflows.db"),
            ("größe.db", "größe.db"),
        ] {
            assert_eq!(resolved(location).unwrap().1, PathBuf::from(path));
        }
        for location in [
            "",
            "sqlite:",
            "sqlite://",
            ":memory:",
            "sqlite::memory:",
            "memory:",
            "postgres://host/db",
            "a.db?mode=ro",
            "a.db?mode=memory",
            "a.db?mode=x",
            "a.db?busy_timeout=1s",
            "a.db?sync=full",
        ] {
            assert_eq!(resolved(location).unwrap_err().code(), "UNSUPPORTED_STORE", "{location}");
        }
    }

    #[test]
    fn parameters_of_the_location_set_options() {
        let location =
            "sqlite://a.db?mode=rw&synchronous=NORMAL&busy_timeout=250&table_prefix=jobs_&cache=private";
        let (options, path) = resolved(location).unwrap();
        assert_eq!(path, PathBuf::from("a.db"));
        assert!(!options.create_if_missing);
        assert_eq!(options.synchronous, Synchronous::Normal);
        assert_eq!(options.busy_timeout, Duration::from_millis(250));
        assert_eq!(options.table_prefix, "jobs_");
        assert_eq!(resolved("a.db?schema=jobs").unwrap().0.table_prefix, "jobs_");
    }

    #[test]
    fn a_parameter_and_an_option_with_another_value_are_an_error() {
        let mut options = SqliteOptions::new("a.db?table_prefix=jobs_");
        options.table_prefix = "other_".to_owned();
        assert_eq!(resolve(options.clone()).unwrap_err().code(), "UNSUPPORTED_STORE");
        options.table_prefix = "jobs_".to_owned();
        assert_eq!(resolve(options).unwrap().0.table_prefix, "jobs_");
    }
}
