//! `?` on every error, a type alias, and an error of the user's own.
#![deny(warnings)]

use workflow_engine::prelude::*;

pub struct Closed;

impl From<Closed> for StageError {
    fn from(_: Closed) -> Self {
        StageError::permanent("closed")
    }
}

type Answer = Result<u32, Closed>;
type Outcome<T> = Result<T, std::io::Error>;

#[stage]
pub async fn parse(text: String) -> StageResult<u32> {
    Ok(text.parse()?)
}

#[stage]
pub async fn ask(number: u32) -> Result<u32, Closed> {
    if number == 0 { Err(Closed) } else { Ok(number) }
}

#[stage]
pub async fn by_alias(number: u32) -> Outcome<u32> {
    Ok(number)
}

pub fn main() {
    let answer: Answer = Ok(1);
    assert!(answer.is_ok());
}
