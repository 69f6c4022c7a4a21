//! A workflow has no steps.

use dagx::DagRunner;

fn main() {
    let reading = DagRunner::new(); //~ reading
    let ran = reading.run(|future| { tokio::spawn(future); });
    drop(ran);
}
