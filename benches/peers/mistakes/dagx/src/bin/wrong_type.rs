//! A step takes a different type than its predecessor returns.

use dagx::{DagRunner, Task, task};

struct Load;

#[task]
impl Load {
    async fn run() -> String {
        "text".to_owned()
    }
}

struct Square;

#[task]
impl Square {
    async fn run(number: &u32) -> u32 {
        number * number
    }
}

fn main() {
    let reading = DagRunner::new();
    let load = reading.add_task(Load);
    let _square = reading.add_task(Square).depends_on(&load); //~ load
    let ran = reading.run(|future| { tokio::spawn(future); });
    drop(ran);
}
