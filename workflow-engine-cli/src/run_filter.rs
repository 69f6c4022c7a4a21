//! The options that select runs, and the text of `--filter`.

use chrono::{DateTime, Utc};
use clap::{Arg, ArgAction, ArgMatches};
use serde::de::DeserializeOwned;
use workflow_engine::{RunFilter, Status};

use crate::failure::Failure;
use crate::values;

const HEADING: &str = "Which runs";

/// The conditions, which are the options too.
const KEYS: [&str; 13] = [
    "status",
    "workflow",
    "tag",
    "since",
    "before",
    "error",
    "definition",
    "blocked",
    "phase",
    "waiting-for",
    "key",
    "parent",
    "id",
];

/// Returns the options that select runs.
pub fn args() -> Vec<Arg> {
    let option = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help).help_heading(HEADING)
    };
    vec![
        option(
            "filter",
            "CONDITIONS",
            "All conditions in one text: 'status:failed workflow:invoice tag:customer=acme since:2d'",
        )
        .action(ArgAction::Append),
        option(
            "status",
            "STATUS",
            "pending, running, completed, failed, cancelled, or open for pending and running",
        )
        .action(ArgAction::Append)
        .value_delimiter(','),
        option("workflow", "ID", "The id of the workflow"),
        option("tag", "KEY=VALUE", "A tag with which the run was started; several mean all of them")
            .action(ArgAction::Append),
        option("since", "TIME", "Created at this time or later: 2d, 90m, 2026-01-31, 2026-01-31T10:00:00Z"),
        option("before", "TIME", "Created before this time"),
        option("error", "CODE", "Failed with this error code, STAGE_FAILED for example"),
        option("definition", "FINGERPRINT", "Created with the definition of this fingerprint"),
        option(
            "blocked",
            "CODE",
            "Cannot continue: WORKFLOW_NOT_FOUND, DEFINITION_MISMATCH, BUDGET_EXCEEDED, NOT_DUE",
        ),
        option("phase", "PHASE", "What it does now: queued, running, waiting, completed, failed, cancelled"),
        option("waiting-for", "WHAT", "Waits for: worker, check, signal, child, time, retry, budget"),
        option("key", "KEY", "Started with this idempotency key"),
        option("parent", "RUN", "Started by a stage of this run"),
        option("id", "PREFIX", "The id begins with these digits"),
    ]
}

/// Returns whether the user has selected runs with an option.
pub fn is_given(matches: &ArgMatches) -> bool {
    args().iter().any(|arg| matches.contains_id(arg.get_id().as_str()))
}

/// Returns the filter that the options describe.
///
/// # Errors
/// When a condition is unknown, or its value is wrong.
pub fn filter(matches: &ArgMatches) -> Result<RunFilter, Failure> {
    let mut filter = RunFilter::new();
    for text in matches.get_many::<String>("filter").into_iter().flatten() {
        for condition in text.split_whitespace() {
            let (key, value) = condition.split_once(':').ok_or_else(|| {
                Failure::usage(format!("`{condition}` is not a condition"))
                    .advice("write `status:failed tag:customer=acme`; the keys are the names of the options")
            })?;
            filter = with(filter, key, value)?;
        }
    }
    for key in KEYS {
        for value in matches.get_many::<String>(key).into_iter().flatten() {
            filter = with(filter, key, value)?;
        }
    }
    Ok(filter)
}

fn with(filter: RunFilter, key: &str, value: &str) -> Result<RunFilter, Failure> {
    Ok(match key {
        "status" => match value.to_ascii_lowercase().as_str() {
            "open" | "unfinished" => filter.unfinished(),
            _ => filter.status(status(value)?),
        },
        "workflow" => filter.workflow_id(value),
        "tag" => {
            let (key, value) = values::pair(value).map_err(Failure::usage)?;
            filter.tag(key, value)
        }
        "since" => filter.created_since(instant(value)?),
        "before" => filter.created_before(instant(value)?),
        "error" => filter.error_code(value.to_ascii_uppercase()),
        "definition" => filter.definition(value),
        "blocked" => filter.blocked_reason(value.to_ascii_uppercase()),
        "phase" => {
            filter.phase(named("phase", value, "queued, running, waiting, completed, failed, cancelled")?)
        }
        "waiting-for" => {
            filter.waiting_for(named("wait", value, "worker, check, signal, child, time, retry, budget")?)
        }
        "key" => filter.idempotency_key(value),
        "parent" => filter.parent(
            value.parse().map_err(|error: workflow_engine::Error| Failure::usage(error.to_string()))?,
        ),
        "id" => filter.id_prefix(value),
        _ => {
            let known = KEYS.join(", ");
            return Err(Failure::usage(format!("`{key}` is not a condition")).advice(format!("use {known}")));
        }
    })
}

fn named<T: DeserializeOwned>(kind: &str, text: &str, known: &str) -> Result<T, Failure> {
    let name = serde_json::Value::from(text.to_ascii_lowercase());
    serde_json::from_value(name).map_err(|_| {
        Failure::usage(format!("`{text}` is not a {kind} of a run")).advice(format!("use {known}"))
    })
}

fn status(text: &str) -> Result<Status, Failure> {
    let status = text.to_ascii_uppercase().parse().ok();
    status
        .filter(|status| {
            matches!(
                status,
                Status::Pending | Status::Running | Status::Completed | Status::Failed | Status::Cancelled
            )
        })
        .ok_or_else(|| {
            Failure::usage(format!("`{text}` is not a status of a run"))
                .advice("use pending, running, completed, failed, cancelled or open")
        })
}

/// Reads an instant: a duration before now, a date, or RFC 3339.
#[allow(clippy::disallowed_methods, reason = "the user means the present of this machine")]
pub fn instant(text: &str) -> Result<DateTime<Utc>, Failure> {
    if let Ok(ago) = values::duration(text) {
        return Ok(Utc::now() - ago);
    }
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.to_utc());
    }
    if let Ok(date) = text.parse::<chrono::NaiveDate>() {
        return Ok(date.and_time(chrono::NaiveTime::MIN).and_utc());
    }
    Err(Failure::usage(format!("`{text}` is not a time"))
        .advice("write `2d` for two days ago, a date like `2026-01-31` (UTC), or `2026-01-31T10:00:00Z`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<RunFilter, Failure> {
        let command = clap::Command::new("list").no_binary_name(true).args(args());
        filter(&command.try_get_matches_from(arguments).unwrap())
    }

    #[test]
    fn options_and_the_text_of_a_filter_mean_the_same() {
        let text = parse(&["--filter", "status:failed workflow:invoice tag:customer=acme since:2026-01-31"])
            .unwrap();
        let options = parse(&[
            "--status",
            "failed",
            "--workflow",
            "invoice",
            "--tag",
            "customer=acme",
            "--since",
            "2026-01-31",
        ]);
        assert_eq!(text, options.unwrap());
        let open = parse(&["--status", "open"]).unwrap();
        assert_eq!(open, RunFilter::new().unfinished());
    }

    #[test]
    fn a_wrong_condition_names_what_is_possible() {
        for wrong in [
            "status:broken",
            "colour:red",
            "phase:blue",
            "waiting-for:rain",
            "failed",
            "since:yesterday",
            "tag:acme",
            "parent:invoice",
        ] {
            assert_eq!(parse(&["--filter", wrong]).unwrap_err().exit(), crate::Exit::Usage, "{wrong}");
        }
    }
}
