//! What a location names: a SQLite file, a PostgreSQL database or a store in memory.

use crate::error::Error;

/// The kind of store that a location names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreKind {
    Memory,
    Sqlite,
    Postgres,
}

const FORMS: &str = "write `sqlite:path`, `postgres://user:password@host/database` or `memory:`";

/// Returns the kind of store that the location names. A text that is meant as a URL is not taken as the path of a file.
pub(crate) fn kind_of(location: &str) -> Result<StoreKind, Error> {
    let refuse = |reason: &str| Err(Error::unsupported_url(location, reason));
    if location.is_empty() {
        return refuse(&format!("it is empty: {FORMS}"));
    }
    if location.trim() != location {
        return refuse("remove the white space at its ends");
    }
    if location.starts_with(['"', '\'', '`']) {
        return refuse("remove the quotes");
    }
    let lower = location.to_ascii_lowercase();
    if let Some((scheme, rest)) = lower.split_once("://") {
        return match scheme {
            "memory" if rest.is_empty() => Ok(StoreKind::Memory),
            "memory" => refuse("a store in memory has no name and no settings: write `memory:`"),
            "sqlite" => Ok(StoreKind::Sqlite),
            "postgres" | "postgresql" => Ok(StoreKind::Postgres),
            _ => refuse(&format!("there is no store of this kind: {FORMS}")),
        };
    }
    let (word, rest) =
        lower.split_once(':').map_or((lower.as_str(), None), |(word, rest)| (word, Some(rest)));
    match (word, rest) {
        ("memory", Some("")) => return Ok(StoreKind::Memory),
        ("sqlite", Some(_)) => return Ok(StoreKind::Sqlite),
        ("memory" | "mem" | "inmemory" | "in-memory", _) => {
            return refuse(
                "for a store in memory write `memory:`, for a file of this name `./` and the name",
            );
        }
        ("postgres" | "postgresql" | "pg" | "psql", _) => {
            return refuse(
                "for a database write `postgres://user:password@host/database`, for a file of this name `./` and the name",
            );
        }
        ("sqlite" | "sqlite3", None) | ("sqlite3" | "file", Some(_)) => {
            return refuse("for a SQLite file write `sqlite:path`");
        }
        ("mysql" | "mariadb" | "mssql" | "sqlserver" | "oracle" | "redis" | "mongodb" | "jdbc", Some(_)) => {
            return refuse(&format!("there is no store of this kind: {FORMS}"));
        }
        _ => {}
    }
    if is_keyword_form(&lower) || is_without_scheme(&lower) {
        return refuse("for a database write `postgres://user:password@host/database`");
    }
    Ok(StoreKind::Sqlite)
}

/// Returns whether the location is a list of libpq's keywords, `host=localhost dbname=runs`.
fn is_keyword_form(location: &str) -> bool {
    let (keyword, _) = location.split_once('=').unwrap_or_default();
    ["host", "hostaddr", "port", "user", "password", "dbname", "sslmode", "database_url"]
        .contains(&keyword.trim())
}

/// Returns whether the location begins like `user:password@host`.
fn is_without_scheme(location: &str) -> bool {
    let first = location.split(['/', '\\']).next().unwrap_or_default();
    first.split_once('@').is_some_and(|(user, _)| user.contains(':'))
}

/// Splits the parameters from a location: `path?key=value&key=value`.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) fn parameters(location: &str) -> (&str, impl Iterator<Item = (&str, &str)> + Clone) {
    let (rest, query) = location.split_once('?').unwrap_or((location, ""));
    let parameters = query.split('&').filter(|parameter| !parameter.is_empty());
    (rest, parameters.map(|parameter| parameter.split_once('=').unwrap_or((parameter, ""))))
}

/// Sets an option to the value that the location has for it, unless the program has set another one.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) fn set<T: PartialEq>(
    location: &str,
    key: &str,
    option: &mut T,
    default: &T,
    value: Option<T>,
) -> Result<(), Error> {
    let Some(value) = value else {
        return Err(Error::unsupported_url(
            location,
            &format!("the value of its parameter `{key}` is invalid"),
        ));
    };
    if *option != *default && *option != value {
        let reason = format!("its parameter `{key}` and the options have different values: set one of them");
        return Err(Error::unsupported_url(location, &reason));
    }
    *option = value;
    Ok(())
}

/// Returns the error for a parameter that no store has. `known` lists those that it has.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) fn unknown_parameter(location: &str, key: &str, known: &str) -> Error {
    // Anything else can be a part of a password.
    let is_name = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-[]".contains(&byte));
    let key = if is_name { key } else { "…" };
    let reason = format!("its parameter `{key}` is unknown; known parameters: {known}");
    Error::unsupported_url(location, &reason)
}

#[cfg(test)]
mod tests {
    use super::{StoreKind, kind_of};

    #[test]
    fn a_text_that_is_meant_as_a_url_is_no_file() {
        for (location, advice) in [
            ("", "empty"),
            (" sqlite:runs.db", "white space"),
            ("postgres://host/name\n", "white space"),
            ("\"postgres://host/name\"", "quotes"),
            ("memory", "`memory:`"),
            ("mem:", "`memory:`"),
            ("Memory", "`memory:`"),
            ("memory://runs", "`memory:`"),
            ("postgres", "`postgres://"),
            ("postgres:", "`postgres://"),
            ("postgres:/host/name", "`postgres://"),
            ("postgresql:host/name", "`postgres://"),
            ("sqlite", "`sqlite:path`"),
            ("sqlite3:runs.db", "`sqlite:path`"),
            ("file:runs.db?mode=ro", "`sqlite:path`"),
            ("mysql://host/name", "no store of this kind"),
            ("mysql:name", "no store of this kind"),
            ("http://host/name", "no store of this kind"),
            ("DATABASE_URL=postgres://host/name", "no store of this kind"),
            ("host=localhost dbname=runs", "`postgres://"),
            ("user:secret@localhost/runs", "`postgres://"),
        ] {
            let error = kind_of(location).unwrap_err();
            assert_eq!(error.code(), "UNSUPPORTED_STORE");
            assert!(error.to_string().contains(advice) && !error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_location_names_one_kind_of_store() {
        for (location, kind) in [
            ("memory:", StoreKind::Memory),
            ("MEMORY://", StoreKind::Memory),
            ("sqlite:runs.db", StoreKind::Sqlite),
            ("SQLite://runs.db", StoreKind::Sqlite),
            ("runs.db", StoreKind::Sqlite),
            ("./postgres", StoreKind::Sqlite),
            ("data/memory", StoreKind::Sqlite),
            ("/home/me@work/a:b/runs.db", StoreKind::Sqlite),
            (r"C:\data\runs.db", StoreKind::Sqlite),
            ("postgres://host/name", StoreKind::Postgres),
            ("POSTGRESQL://host/name", StoreKind::Postgres),
        ] {
            assert_eq!(kind_of(location).unwrap(), kind, "{location}");
        }
    }
}
