//! Real processes that end.

use std::process::{Child, Command, Stdio};

use super::super::process::machine;
use super::super::report::Report;
use super::*;
use crate::host::liveness::worker_name;

/// A process that ends when its standard input does.
fn start() -> (Child, String) {
    let child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let pid = i32::try_from(child.id()).unwrap();
    let Report::Runs { start } = (Process { pid, start: String::new() }).report() else { panic!("it runs") };
    let name = format!("worker-{}-{pid}-{start}-0123456789ab", machine().unwrap());
    (child, name)
}

fn watch() -> DeathWatch {
    DeathWatch::new(Handle::current())
}

#[tokio::test]
async fn the_end_of_a_watched_process_is_noticed_at_once() {
    let (mut child, name) = start();
    let mut watch = watch();
    assert!(watch.observe(vec![name.clone()]).is_empty());
    child.kill().unwrap();
    // Before its parent has read the exit status.
    watch.ended().await;
    assert_eq!(watch.observe(vec![name.clone()]), std::slice::from_ref(&name));
    child.wait().unwrap();
    assert_eq!(watch.observe(vec![name.clone()]), [name]);
}

#[tokio::test]
async fn one_end_among_many_is_noticed() {
    let mut processes: Vec<_> = (0..3).map(|_| start()).collect();
    let mut watch = watch();
    let names: Vec<String> = processes.iter().map(|(_, name)| name.clone()).collect();
    assert!(watch.observe(names.clone()).is_empty());
    processes[1].0.kill().unwrap();
    watch.ended().await;
    assert_eq!(watch.observe(names.clone()), [names[1].clone()]);
    for (child, _) in &mut processes {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[tokio::test]
async fn a_process_that_ended_before_it_was_watched_is_dead() {
    let (mut child, name) = start();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(watch().observe(vec![name.clone()]), [name]);
}

#[tokio::test]
async fn a_reused_process_id_is_another_process() {
    let (mut child, name) = start();
    let (pid, start) = (child.id(), name.split('-').nth(3).unwrap());
    let earlier = name.replace(&format!("{pid}-{start}"), &format!("{pid}-1"));
    let mut watch = watch();
    assert_eq!(watch.observe(vec![earlier.clone(), name]), [earlier]);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn this_process_and_other_machines_are_not_dead() {
    let elsewhere = format!("worker-000000000000-{}-1-0123456789ab", i32::MAX);
    let mut watch = watch();
    assert!(watch.observe(vec![worker_name(), elsewhere, "billing".into()]).is_empty());
    assert!(watch.watched.is_empty());
}
