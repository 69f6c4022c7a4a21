//! Values of options: ids, JSON from a file, durations.

use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::{Arg, ArgMatches};
use workflow_engine::{Json, RunId};

use crate::failure::{Exit, Failure};
use crate::stdin;

/// Returns the argument for the id of a run.
pub fn run_id() -> Arg {
    Arg::new("run").value_name("RUN").required(true).help("The id of the run").value_parser(parse_run_id)
}

/// Returns the value of [`run_id`].
pub fn the_run(matches: &ArgMatches) -> RunId {
    // clap requires it.
    *matches.get_one("run").expect("the argument is required")
}

/// Reads the id of a run.
pub fn parse_run_id(text: &str) -> Result<RunId, String> {
    text.parse().map_err(|error: workflow_engine::Error| error.to_string())
}

/// Reads JSON from an argument: the JSON itself, `@file`, or `-` for standard input.
///
/// # Errors
/// When the file cannot be read, or is not JSON.
pub async fn json(option: &str, text: &str) -> Result<Json, Failure> {
    let (text, place) = if text == "-" || text == "@-" {
        (stdin::all().await?, "standard input".to_owned())
    } else if let Some(path) = text.strip_prefix('@') {
        let read = std::fs::read_to_string(path).map_err(|error| {
            Failure::new(Exit::Usage, format!("`{path}` of `{option}` cannot be read: {error}"))
        })?;
        (read, format!("`{path}`"))
    } else {
        (text.to_owned(), format!("the value of `{option}`"))
    };
    Json::parse(text.trim()).map_err(|error| {
        Failure::usage(format!("{place} is not JSON: {error}")).advice(format!(
            "write `{option} @file.json`, `{option} -` for standard input, or the JSON itself"
        ))
    })
}

/// Reads the JSON of the option `--name`, if it is given.
///
/// # Errors
/// As [`json`].
pub async fn json_option(matches: &ArgMatches, name: &str) -> Result<Option<Json>, Failure> {
    match matches.get_one::<String>(name) {
        Some(text) => json(&format!("--{name}"), text).await.map(Some),
        None => Ok(None),
    }
}

/// Reads an instant in the form of RFC 3339, with its offset from UTC.
pub fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    let instant = DateTime::parse_from_rfc3339(text);
    let instant =
        instant.map_err(|_| format!("`{text}` is not an instant: write it like `2026-12-24T18:00:00Z`"))?;
    Ok(instant.to_utc())
}

/// Reads a duration: `90s`, `15m`, `12h`, `30d`, `4w`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a duration: write it like `90s`, `15m`, `12h` or `30d`");
    let split = text.find(|character: char| !character.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(split);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        _ => return Err(wrong()),
    };
    number.checked_mul(millis).map(Duration::from_millis).ok_or_else(wrong)
}

/// Reads `key=value`.
pub fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` is not of the form `key=value`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("30d"), Ok(Duration::from_secs(30 * 86_400)));
        for wrong in ["", "5", "h", "-1s", "1y", "99999999999999999999s"] {
            assert!(duration(wrong).unwrap_err().contains("is not a duration"), "{wrong}");
        }
    }

    #[tokio::test]
    async fn json_is_the_value_itself_or_a_file() {
        assert_eq!(json("--input", r#"{"n": 1}"#).await.unwrap().as_str(), r#"{"n": 1}"#);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("input.json");
        std::fs::write(&file, "[1, 2]\n").unwrap();
        assert_eq!(json("--input", &format!("@{}", file.display())).await.unwrap().as_str(), "[1, 2]");
        assert_eq!(json("--input", "@missing.json").await.unwrap_err().exit(), Exit::Usage);
        assert_eq!(json("--input", "{").await.unwrap_err().exit(), Exit::Usage);
    }
}
