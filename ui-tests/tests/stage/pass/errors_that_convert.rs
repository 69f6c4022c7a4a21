//! `?` on every error, on boxes and reports of any error and on texts; a type alias, and an error of the user's own.
#![deny(warnings)]

use workflow_engine::prelude::*;

pub struct Closed;

impl From<Closed> for StageError {
    fn from(_: Closed) -> Self {
        StageError::permanent("closed")
    }
}

/// Decides by itself, and is an ordinary error with methods of its own.
#[derive(Debug)]
pub enum ChargeError {
    Declined,
    Busy,
}

impl ChargeError {
    pub fn decision(&self) -> bool {
        matches!(self, Self::Busy)
    }
}

impl std::fmt::Display for ChargeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the bank refuses, {}", self.decision())
    }
}

impl std::error::Error for ChargeError {}

impl workflow_engine::RetryDecision for ChargeError {
    fn retry(&self) -> workflow_engine::Retry {
        match self {
            Self::Declined => workflow_engine::Retry::Never,
            Self::Busy => workflow_engine::Retry::ByPolicy,
        }
    }
}

#[stage]
pub async fn charge(number: u32) -> Result<u32, ChargeError> {
    Err(if number == 0 { ChargeError::Declined } else { ChargeError::Busy })
}

#[stage]
pub async fn charge_by_reference(number: u32, ctx: &StageContext) -> Result<u32, ChargeError> {
    Ok(number + ctx.attempt())
}

#[stage]
pub async fn charge_with_question_mark(number: u32) -> StageResult<u32> {
    Ok(charge(number).await.map_err(StageError::decided)?)
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

type Boxed = Box<dyn std::error::Error + Send + Sync>;

fn by_anyhow(text: &str) -> anyhow::Result<u32> {
    use anyhow::Context;
    text.parse::<u32>().with_context(|| format!("the line `{text}` has no number"))
}

fn by_eyre(text: &str) -> eyre::Result<u32> {
    use eyre::WrapErr;
    text.parse::<u32>().wrap_err("the page has no number")
}

fn by_box(text: &str) -> Result<u32, Boxed> {
    if text.is_empty() { Err("the text is empty".into()) } else { Ok(text.parse()?) }
}

fn by_text(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("`{text}` is not a number"))
}

fn by_stage_error(text: &str) -> StageResult<u32> {
    if text == "closed" { Err(StageError::permanent("the account is closed")) } else { Ok(by_box(text)?) }
}

#[stage]
pub async fn question_marks(text: String) -> StageResult<u32> {
    Ok(by_anyhow(&text)? + by_eyre(&text)? + by_box(&text)? + by_text(&text)? + by_stage_error(&text)?)
}

#[stage]
pub async fn returns_anyhow(text: String) -> anyhow::Result<u32> {
    by_anyhow(&text)
}

#[stage]
pub async fn returns_a_box(text: String) -> Result<u32, Boxed> {
    by_box(&text)
}

#[stage]
pub async fn returns_a_text(text: String) -> Result<u32, String> {
    by_text(&text)
}

fn converted(text: &str, helper: impl Fn(&str) -> StageResult<u32>) -> (String, bool) {
    let error = helper(text).expect_err("it is no number");
    (error.message().to_owned(), error.is_retryable())
}

pub fn main() {
    let answer: Answer = Ok(1);
    assert!(answer.is_ok());

    let reason = "invalid digit found in string";
    let helpers: [(&str, bool, &dyn Fn(&str) -> StageResult<u32>, String); 6] = [
        ("x", true, &|text| Ok(by_anyhow(text)?), format!("the line `x` has no number: {reason}")),
        ("x", true, &|text| Ok(by_eyre(text)?), format!("the page has no number: {reason}")),
        ("x", true, &|text| Ok(by_box(text)?), reason.to_owned()),
        ("", true, &|text| Ok(by_box(text)?), "the text is empty".to_owned()),
        ("x", true, &|text| Ok(by_text(text)?), "`x` is not a number".to_owned()),
        ("closed", false, &|text| Ok(by_stage_error(text)?), "the account is closed".to_owned()),
    ];
    for (text, is_retryable, helper, message) in helpers {
        assert_eq!(converted(text, helper), (message, is_retryable));
    }
}
