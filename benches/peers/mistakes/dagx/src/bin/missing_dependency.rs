//! A step depends on a step that is not in the workflow.

use dagx::{DagRunner, Task, task};

struct Load;

#[task]
impl Load {
    async fn run() -> String {
        "text".to_owned()
    }
}

struct Count;

#[task]
impl Count {
    async fn run(text: &String) -> u32 {
        text.len() as u32
    }
}

struct Rank;

#[task]
impl Rank {
    async fn run(text: &String) -> Vec<String> {
        vec![text.clone()]
    }
}

struct Report;

#[task]
impl Report {
    async fn run(count: &u32, ranked: &Vec<String>) -> String {
        format!("{count} {ranked:?}")
    }
}

fn main() {
    let reading = DagRunner::new();
    let load = reading.add_task(Load);
    let count = reading.add_task(Count).depends_on(&load);
    let rank = reading.add_task(Rank).depends_on(&load);
    let _report = reading.add_task(Report); //~ Report
    let _ = (count, rank);
    let ran = reading.run(|future| { tokio::spawn(future); });
    drop(ran);
}
