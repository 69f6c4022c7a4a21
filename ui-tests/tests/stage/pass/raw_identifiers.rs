//! Raw identifiers lose their `r#` in every stored name.
#![deny(warnings)]

use workflow_engine::prelude::*;

#[stage]
pub async fn r#type(r#match: String, #[config(default = 1)] r#loop: u32) -> StageResult<String> {
    Ok(format!("{match} {loop}"))
}

#[stage(require(r#type))]
pub async fn r#impl(r#match: String, ctx: &StageContext<r#impl>) -> StageResult<usize> {
    Ok(r#match.len() + ctx.require::<r#type>().len())
}

workflow! { pub r#async = r#type >> r#impl }

pub fn main() {
    assert_eq!(r#type::DECLARATION.id, "type");
    assert_eq!(r#async::definition().id, "async");
    let input = TypeInput { r#match: "a".into() };
    assert_eq!(format!("{input:?}"), r#"TypeInput {"match":"a"}"#);
    let config = AsyncConfig::default();
    assert_eq!(format!("{config:?}"), r#"AsyncConfig {"type":{"loop":1},"impl":{}}"#);
}
