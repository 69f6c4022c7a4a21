//! A step has an option that does not exist.

use dagx::{DagRunner, Task, task};

struct Load;

#[task]
impl Load {
    async fn run() -> String {
        "text".to_owned()
    }
}

struct Rank;

#[task(retrise = 3)] //~ retrise
impl Rank {
    async fn run(text: &String) -> Vec<String> {
        vec![text.clone()]
    }
}

fn main() {
    let reading = DagRunner::new();
    let load = reading.add_task(Load);
    let _rank = reading.add_task(Rank).depends_on(&load);
    let ran = reading.run(|future| { tokio::spawn(future); });
    drop(ran);
}
