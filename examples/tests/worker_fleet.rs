//! The program `worker_fleet`, on a PostgreSQL of the test's own.

mod programs;

use std::collections::BTreeSet;
use std::process::Command;

use tests::postgres::{self, Cluster};

#[test]
fn a_worker_is_killed_and_the_others_solve_every_puzzle() {
    if !postgres::is_available("worker_fleet") {
        return;
    }
    let cluster = Cluster::start();
    let url =
        cluster.as_ref().map_or_else(|| std::env::var("DATABASE_URL").unwrap(), |own| own.url().to_owned());
    let output = Command::new(programs::built("worker_fleet"))
        .args(["--db", &url, "--runs", "80", "--kill-one"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let complained = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}\n{complained}");
    assert!(said.contains("80 puzzles are solved, by 320 stages"), "{said}");
    assert!(said.contains("is killed; the others go on"), "{said}");
    let workers: BTreeSet<&str> =
        said.lines().filter_map(|line| line.strip_prefix("worker ")?.split(": ").next()).collect();
    assert!(workers.len() >= 3, "the work is shared: {said}");
}

#[test]
fn a_server_that_is_not_there_is_an_error_that_names_it() {
    let output = Command::new(programs::built("worker_fleet"))
        .args(["--db", "postgres://nobody@127.0.0.1:1/nothing"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let complained = String::from_utf8(output.stderr).unwrap();
    assert!(complained.starts_with("error: "), "{complained}");
}
