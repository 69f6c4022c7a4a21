#![allow(unused_variables)]

use workflow_engine::language::HasStage;
use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String) -> StageResult<u32> {
    unimplemented!()
}

#[stage]
pub async fn ship(parcel: u32) -> StageResult<u32> {
    unimplemented!()
}

workflow! { pub Loading = load }

fn wake<W: HasStage<S>, S: Stage>() {}

fn main() {
    wake::<Loading, ship>();
}
// fix: the name of a stage that the workflow contains, here `load`
