//! A step depends on a step that runs later.

use dagx::{DagRunner, Task, task};

struct Load;

#[task]
impl Load {
    async fn run(count: &u32) -> String {
        count.to_string()
    }
}

struct Count;

#[task]
impl Count {
    async fn run(text: &String) -> u32 {
        text.len() as u32
    }
}

fn main() {
    let reading = DagRunner::new();
    let load = reading.add_task(Load).depends_on(&count); //~ count
    let count = reading.add_task(Count).depends_on(&load);
    let _ = count;
    let ran = reading.run(|future| { tokio::spawn(future); });
    drop(ran);
}
