//! The program `worker_fleet`, on the test's own PostgreSQL server.

mod programs;

use std::collections::BTreeSet;
use std::process::Command;

use tests::postgres::{self, Cluster};

#[test]
fn the_other_workers_finish_the_work_of_a_killed_worker() {
    if !postgres::is_available("worker_fleet") {
        return;
    }
    let cluster = Cluster::start();
    let url =
        cluster.as_ref().map_or_else(|| std::env::var("DATABASE_URL").unwrap(), |own| own.url().to_owned());
    // On a busy machine, some workers start when the others have done the work, so there is more of it next time.
    let mut outputs = Vec::new();
    for runs in [80, 320, 1_280] {
        let stdout = solve(&url, runs);
        let workers: BTreeSet<&str> =
            stdout.lines().filter_map(|line| line.strip_prefix("worker ")?.split(": ").next()).collect();
        if workers.len() >= 3 {
            return;
        }
        outputs.push(stdout);
    }
    panic!("the workers share the work: {outputs:#?}");
}

/// Solves puzzles while a worker is killed; returns what the program prints.
fn solve(url: &str, runs: u32) -> String {
    let output = Command::new(programs::built("worker_fleet"))
        .args(["--db", url, "solve", "--runs", &runs.to_string(), "--kill-one"])
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stdout}\n{stderr}");
    assert!(stdout.contains(&format!("{runs} puzzles solved, by {} stages", 4 * runs)), "{stdout}");
    assert!(stdout.contains("was killed; the others continue"), "{stdout}");
    stdout
}

#[test]
fn an_unreachable_server_is_an_error() {
    let output = Command::new(programs::built("worker_fleet"))
        .args(["--db", "postgres://user@127.0.0.1:1/missing", "solve"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(5));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("error: "), "{stderr}");
}
