//! A step holds a value that is not `Send` across an `.await`.

use dagx::{DagRunner, Task, task};

struct Load;

#[task]
impl Load {
    async fn run() -> String {
        "text".to_owned()
    }
}

struct Rank;

#[task]
impl Rank {
    async fn run(text: &String) -> Vec<String> { //~ run
        let shared = std::rc::Rc::new(text.clone());
        std::future::ready(()).await;
        vec![shared.to_string()]
    }
}

fn main() {
    let reading = DagRunner::new();
    let load = reading.add_task(Load);
    let _rank = reading.add_task(Rank).depends_on(&load);
    let ran = reading.run(|future| { tokio::spawn(future); });
    drop(ran);
}
