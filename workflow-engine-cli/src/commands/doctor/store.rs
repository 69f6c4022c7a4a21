//! Checks of the database itself.

use chrono::{DateTime, TimeDelta, Utc};
use workflow_engine::ports::StoreCondition;

use super::finding::Finding;
use crate::output::text;

/// The distance of two clocks that a user may notice.
const TOLERANCE: TimeDelta = TimeDelta::seconds(2);

/// The size of a write-ahead log that a reader keeps from being reset. The engine lets it grow to 16 MiB.
const LARGE_LOG: u64 = 256 << 20;

/// Checks the settings, the clock, the transactions and the connections of the database.
pub fn check(condition: &StoreCondition, patience: TimeDelta) -> Vec<Finding> {
    let mut findings =
        vec![durability(condition), clock(condition, present()), transactions(condition, patience)];
    findings.push(indexes(condition));
    findings.extend(connections(condition));
    findings.extend(encoding(condition));
    findings
}

#[allow(clippy::disallowed_methods, reason = "it compares the clock of this machine with that of the store")]
fn present() -> DateTime<Utc> {
    Utc::now()
}

fn durability(condition: &StoreCondition) -> Finding {
    if condition.weak_settings.is_empty() {
        return Finding::ok("durability", "an acknowledged commit is on disk");
    }
    let settings = condition.weak_settings.join(", ");
    Finding::problem(
        "durability",
        format!("a loss of power may undo acknowledged commits: {settings}"),
        "remove the setting from the server, the role, the database or the URL",
    )
}

fn clock(condition: &StoreCondition, present: DateTime<Utc>) -> Finding {
    let distance = (condition.now - present).abs();
    if distance > TOLERANCE {
        let (ahead, behind) =
            if condition.now > present { ("store", "machine") } else { ("machine", "store") };
        return Finding::problem(
            "clock",
            format!(
                "the clock of this {ahead} is {} ahead of that of the {behind}",
                text::duration(distance)
            ),
            "synchronise the clocks (NTP); only waiting times in logs and tables are wrong, leases are not",
        );
    }
    match condition.newest_run_at.filter(|newest| *newest > condition.now + TOLERANCE) {
        Some(newest) => Finding::problem(
            "clock",
            format!("the newest run was created {} from now", text::duration(newest - condition.now)),
            "the clock of the store has gone back since: synchronise it (NTP)",
        ),
        None => Finding::ok("clock", format!("within {} of this machine", text::duration(TOLERANCE))),
    }
}

fn transactions(condition: &StoreCondition, patience: TimeDelta) -> Finding {
    let is_long = |since: DateTime<Utc>| condition.now - since > patience.max(TimeDelta::seconds(1));
    let long: Vec<_> = condition.open_transactions.iter().filter(|open| is_long(open.since)).collect();
    if let Some(oldest) = long.first() {
        let age = text::duration(condition.now - oldest.since);
        return Finding::problem(
            "transactions",
            format!(
                "{} open for long; the oldest is session {} of {}, {} for {age}",
                long.len(),
                oldest.session,
                oldest.owner,
                oldest.state
            ),
            format!(
                "it keeps dead rows from being removed and may hold locks: end it in its program, or with `SELECT pg_terminate_backend({})`",
                oldest.session
            ),
        );
    }
    match condition.log_bytes {
        Some(bytes) if bytes > LARGE_LOG => Finding::problem(
            "transactions",
            format!("the write-ahead log of the file has {} MiB", bytes >> 20),
            "a process reads the file in one long transaction, or cannot reset the log: end it (`fuser` lists the processes)",
        ),
        _ => Finding::ok("transactions", "none is open for long"),
    }
}

fn indexes(condition: &StoreCondition) -> Finding {
    let indexes = &condition.optional_indexes;
    if let Some(broken) = indexes.iter().find(|index| !index.is_usable) {
        return Finding::problem(
            "indexes",
            format!("the index `{}` cannot be used, and costs every run an entry", broken.index),
            format!(
                "the process that made it has ended early, or still makes it: `index add {0}` makes it again, `index drop {0}` removes it",
                broken.index
            ),
        );
    }
    let names: Vec<&str> = indexes.iter().map(|index| index.index.name()).collect();
    let found = if names.is_empty() {
        "no optional one is there".to_owned()
    } else {
        format!("optional ones: {}", names.join(", "))
    };
    Finding::ok("indexes", found)
}

fn connections(condition: &StoreCondition) -> Option<Finding> {
    let connections = condition.connections?;
    let found = format!("{} of {}", connections.used, connections.limit);
    Some(if connections.used * 10 >= connections.limit * 9 {
        Finding::problem(
            "connections",
            found,
            "raise `max_connections` of the server, lower `connection_limit` in the URLs of the workers, or use a pooler",
        )
    } else {
        Finding::ok("connections", found)
    })
}

fn encoding(condition: &StoreCondition) -> Option<Finding> {
    let encoding = condition.narrow_encoding.as_ref()?;
    Some(Finding::problem(
        "encoding",
        format!("the database has the encoding {encoding}"),
        "texts with other characters fail with TEXT_NOT_ENCODABLE: move to a database with the encoding UTF8",
    ))
}

#[cfg(test)]
mod tests {
    use workflow_engine::ports::{Connections, IndexCondition, OpenTransaction, OptionalIndex};

    use super::*;

    fn condition() -> StoreCondition {
        StoreCondition::new(present())
    }

    #[test]
    fn a_healthy_database_has_no_problem() {
        assert!(check(&condition(), TimeDelta::seconds(60)).iter().all(Finding::is_ok));
    }

    #[test]
    fn each_problem_of_a_database_is_named_with_what_to_do() {
        let mut sick = condition();
        sick.now += TimeDelta::seconds(30);
        sick.weak_settings = vec!["fsync = off".to_owned()];
        sick.connections = Some(Connections { used: 95, limit: 100 });
        sick.narrow_encoding = Some("LATIN1".to_owned());
        sick.optional_indexes = vec![IndexCondition { index: OptionalIndex::ByWorkflow, is_usable: false }];
        let since = sick.now - TimeDelta::minutes(5);
        let (owner, state) = ("ada psql".to_owned(), "idle in transaction".to_owned());
        sick.open_transactions = vec![OpenTransaction { session: 7, owner, state, since }];
        let findings = check(&sick, TimeDelta::seconds(60));
        let problems: Vec<_> = findings.iter().filter(|finding| !finding.is_ok()).collect();
        let names: Vec<_> = problems.iter().map(|finding| finding.check).collect();
        assert_eq!(names, ["durability", "clock", "transactions", "indexes", "connections", "encoding"]);
        assert!(problems[0].found.ends_with("fsync = off"));
        assert!(problems[2].advice.as_ref().unwrap().contains("pg_terminate_backend(7)"));
        // With more patience the transaction is none.
        assert!(transactions(&sick, TimeDelta::minutes(10)).is_ok());
        sick.open_transactions.clear();
        sick.log_bytes = Some(LARGE_LOG + 1);
        assert!(!transactions(&sick, TimeDelta::seconds(60)).is_ok());
    }

    #[test]
    fn a_run_of_the_future_shows_that_the_clock_has_gone_back() {
        let mut sick = condition();
        sick.newest_run_at = Some(sick.now + TimeDelta::hours(1));
        assert!(clock(&sick, sick.now).found.contains("from now"));
    }
}
