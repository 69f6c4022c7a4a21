//! The URL of a database, and the options that it sets after a `?`.

use super::options::PostgresOptions;
use crate::error::Error;
use crate::stores::location::{StoreKind, kind_of, parameters, set, unknown_parameter};

/// The parameters that the driver reads. It would log others with their values, which can be a password with a slip in its
/// name.
const DRIVER: [&str; 19] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
    "statement-cache-capacity",
    "fallback_application_name",
];

/// Usual parameters of other clients without an effect here.
const IGNORED: [&str; 9] = [
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "gssencmode",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "target_session_attrs",
];

/// Returns the options with the URL's parameters, and with a URL that has only those of the driver.
pub(super) fn resolve(mut options: PostgresOptions) -> Result<PostgresOptions, Error> {
    let url = options.url.clone();
    if options.pool.is_some() {
        return match url.as_str() {
            "" => Ok(options),
            _ => Err(Error::unsupported_url(
                &url,
                "the options have a pool, which names the database: leave the URL empty",
            )),
        };
    }
    let refuse = |reason: &str| Err(Error::unsupported_url(&url, reason));
    match kind_of(&url)? {
        StoreKind::Postgres => {}
        StoreKind::Memory | StoreKind::Sqlite => {
            return refuse("it is not a PostgreSQL database: write `postgres://user:password@host/database`");
        }
    }
    if is_split_in_the_password(&url) {
        return refuse(
            "its password contains a `/`, `?` or `#`, or its path or a parameter an `@`: write `%2F`, `%3F`, `%23` and `%40` in their place",
        );
    }
    let (location, given) = parameters(&url);
    let default = PostgresOptions::new("");
    let mut kept = Vec::new();
    for (key, value) in given {
        match key {
            "schema" | "currentSchema" => {
                set(&url, key, &mut options.schema, &default.schema, Some(value.to_owned()))?;
            }
            "pgbouncer" => {
                set(&url, key, &mut options.behind_pooler, &default.behind_pooler, value.parse().ok())?;
            }
            "connection_limit" => {
                let connections = value.parse().ok().filter(|connections| *connections > 0);
                set(&url, key, &mut options.connections, &default.connections, connections)?;
            }
            _ if DRIVER.contains(&key) || key.starts_with("options[") => {
                // The driver does not know libpq's other name.
                let key = if key == "fallback_application_name" { "application_name" } else { key };
                kept.push(format!("{key}={value}"));
            }
            _ if IGNORED.contains(&key) => {}
            _ => {
                let known = "`schema`, `pgbouncer`, `connection_limit`, and those of libpq, such as `sslmode`, \
                             `sslrootcert`, `application_name` and `options`";
                return Err(unknown_parameter(&url, key, known));
            }
        }
    }
    options.url =
        if kept.is_empty() { location.to_owned() } else { format!("{location}?{}", kept.join("&")) };
    Ok(options)
}

/// Returns whether a `/`, `?` or `#` ends the password, so that its rest would become a host, a path or a parameter, and
/// part of the server's messages.
fn is_split_in_the_password(url: &str) -> bool {
    let (_, rest) = url.split_once("://").unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let path_ends = path.find('?').unwrap_or(path.len());
    path[..path_ends].contains(['@', '#'])
        || (path.contains('@') && !authority.contains('@') && authority.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(url: &str) -> Result<PostgresOptions, Error> {
        resolve(PostgresOptions::new(url))
    }

    #[test]
    fn parameters_of_the_url_set_options() {
        let url = "postgres://me@host/name?schema=jobs&sslmode=require&pgbouncer=true&connection_limit=2&channel_binding=require";
        let options = resolved(url).unwrap();
        assert_eq!(options.url, "postgres://me@host/name?sslmode=require");
        assert_eq!((options.schema.as_str(), options.behind_pooler, options.connections), ("jobs", true, 2));
        assert_eq!(resolved("postgresql://host/name").unwrap().url, "postgresql://host/name");
    }

    #[test]
    fn a_faulty_url_is_an_error_that_shows_no_password() {
        for url in [
            "memory:",
            "runs.db",
            "postgres://me:secret@host/name?sslmod=require",
            "postgres://me@host/name?pasword=secret",
            "postgres://me:secret@host/name?connection_limit=0",
            "postgres://me:secret@host/name?pgbouncer=maybe",
            "postgres://me:sec/secret@host/name",
            "postgres://me:sec?secret@host/name",
            "postgres://me:sec#secret@host/name",
            "postgres://me:sec@1/secret@host/name",
            "user=me password=secret",
            "\"postgres://me:secret@host/name\"",
        ] {
            let error = resolved(url).unwrap_err();
            assert_eq!(error.code(), "UNSUPPORTED_STORE", "{url}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_parameter_and_an_option_with_another_value_are_an_error() {
        let mut options = PostgresOptions::new("postgres://host/name?schema=jobs");
        options.schema = "other".to_owned();
        assert_eq!(resolve(options).unwrap_err().code(), "UNSUPPORTED_STORE");
    }
}
