//! `match`: every kind of pattern, guards, arms of every form, and choices inside of arms and groups. `catch`, alone and
//! under a `match`.
#![deny(warnings)]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::prelude::*;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Invoice {
    pub total: u32,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub enum Kind {
    Invoice(Invoice),
    Letter { text: String, from: String },
    Pair(u32, u32),
    Spam,
    Junk,
}

const LIMIT: u32 = 1_000;

#[stage]
pub async fn classify(text: String) -> StageResult<Kind> {
    Ok(Kind::Letter { from: text.clone(), text })
}

#[stage]
pub async fn check(invoice: Invoice) -> StageResult<Invoice> {
    Ok(invoice)
}

#[stage]
pub async fn book(invoice: Invoice) -> StageResult<u32> {
    Ok(invoice.total)
}

#[stage]
pub async fn ask(invoice: Invoice) -> StageResult<u32> {
    Ok(invoice.total)
}

#[stage]
pub async fn answer(text: String, from: String) -> StageResult<u32> {
    Ok((text.len() + from.len()) as u32)
}

#[stage]
pub async fn add(left: u32, right: u32) -> StageResult<u32> {
    Ok(left + right)
}

#[stage]
pub async fn drop_it() -> StageResult<u32> {
    Ok(0)
}

#[stage(optional(book))]
pub async fn archive(filed: Option<u32>, ctx: &StageContext<archive>) -> StageResult<u32> {
    Ok(filed.unwrap_or_else(|| u32::from(ctx.optional::<book>().is_some())))
}

workflow! {
    /// Files a letter.
    pub filing = match classify {
        Invoice(invoice) if invoice.total > LIMIT => ask,
        Invoice(invoice) => check >> book,
        Letter { text, from } => answer,
        Pair(left @ 1..=9, right) => add,
        Spam | Junk => drop_it,
        Pair(..) => (),
    } >> archive
}

#[stage]
pub async fn find(text: String) -> StageResult<Option<String>> {
    Ok(Some(text))
}

#[stage]
pub async fn length(text: String) -> StageResult<usize> {
    Ok(text.len())
}

#[stage]
pub async fn shout(text: String) -> StageResult<usize> {
    Ok(text.to_uppercase().len())
}

#[stage]
pub async fn zero() -> StageResult<usize> {
    Ok(0)
}

#[stage]
pub async fn two(pair: (usize, usize)) -> StageResult<(usize, usize)> {
    Ok(pair)
}

#[stage]
pub async fn report(lengths: (usize, usize)) -> StageResult<usize> {
    Ok(lengths.0 + lengths.1)
}

#[stage]
pub async fn pair_of_zero() -> StageResult<(usize, usize)> {
    Ok((0, 0))
}

workflow! { pub finding = match find { Some(text) => [length, shout], None => pair_of_zero } >> report }

#[stage]
pub async fn count(text: String) -> StageResult<u32> {
    Ok(text.len() as u32)
}

#[stage]
pub async fn is_long(count: u32) -> StageResult<bool> {
    Ok(count > 3)
}

workflow! { pub measuring = match count { 0 => zero, n if n > 9 => match is_long { true => (), false => () } >> one, _ => () } }

#[stage]
pub async fn one() -> StageResult<usize> {
    Ok(1)
}

workflow! {
    pub branches = begin >> [match look { Ok(text) => length, Err(text) => shout }, text_of] >> both
}

#[stage]
pub async fn begin(text: String) -> StageResult<String> {
    Ok(text)
}

#[stage]
pub async fn look(text: String) -> StageResult<Result<String, String>> {
    Ok(Ok(text))
}

#[stage]
pub async fn text_of(text: String) -> StageResult<String> {
    Ok(text)
}

#[stage]
pub async fn both(length: usize, text: String) -> StageResult<String> {
    Ok(format!("{length} {text}"))
}

mod kinds {
    use super::*;

    #[stage]
    pub async fn classify(text: String) -> StageResult<Kind> {
        Ok(Kind::Letter { from: text.clone(), text })
    }
}

workflow! { pub by_path = match kinds::classify { self::Kind::Invoice(whole @ self::Invoice { .. }) => book, _ => drop_it } }

#[stage]
pub async fn charge(cents: u32) -> StageResult<String> {
    Ok(cents.to_string())
}

#[stage]
pub async fn ship(receipt: String) -> StageResult<u32> {
    Ok(receipt.len() as u32)
}

#[stage]
pub async fn release(code: String, attempts: u32) -> StageResult<u32> {
    Ok(code.len() as u32 + attempts)
}

#[stage(optional(charge))]
pub async fn tell(results: Result<(u32, u32), StageFailure>, ctx: &StageContext<tell>) -> StageResult<u32> {
    Ok(results.map_or(0, |(one, other)| one + other) + u32::from(ctx.optional::<charge>().is_some()))
}

#[stage]
pub async fn weigh(receipt: String) -> StageResult<u32> {
    Ok(receipt.len() as u32)
}

#[stage]
pub async fn measure(receipt: String) -> StageResult<u32> {
    Ok(receipt.len() as u32)
}

workflow! {
    pub order = match catch(charge) { Ok(receipt) => ship, Err(StageFailure { code, attempts, .. }) => release };
    pub parcels = catch(charge >> [weigh, measure]) >> tell;
    pub inner = begin >> [catch(match find_it { Some(text) => length, None => () }), text_of] >> close
}

#[stage]
pub async fn find_it(text: String) -> StageResult<Option<String>> {
    Ok(Some(text))
}

#[stage]
pub async fn close(length: Result<Option<usize>, StageFailure>, text: String) -> StageResult<usize> {
    Ok(length.ok().flatten().unwrap_or(text.len()))
}

pub fn main() {
    let catches: Vec<_> = parcels::definition().catches.iter().map(|catch| catch.stages.clone()).collect();
    assert_eq!(catches, [0..3]);
    assert!(order::definition().to_mermaid().contains("subgraph c1[\"catch\"]"));
    assert!(inner::definition().to_dot().contains("cluster_1"));
    let definition = filing::definition();
    let stage = |id: &str| definition.stage(id).unwrap();
    let choice = stage("classify").choice.as_ref().unwrap();
    let patterns: Vec<&str> = choice.arms.iter().map(|arm| arm.pattern.as_str()).collect();
    assert_eq!(
        patterns,
        [
            "Invoice(invoice)",
            "Invoice(invoice)",
            "Letter { text, from }",
            "Pair(left @ 1..=9, right)",
            "Spam | Junk",
            "Pair(..)"
        ]
    );
    let guards: Vec<Option<&str>> = choice.arms.iter().map(|arm| arm.guard.as_deref()).collect();
    assert_eq!(guards[..2], [Some("invoice.total > LIMIT"), None]);
    let stages: Vec<Vec<usize>> = choice.arms.iter().map(|arm| arm.stages.clone().collect()).collect();
    assert_eq!(stages, [vec![1], vec![2, 3], vec![4], vec![5], vec![6], vec![]]);
    assert_eq!(stage("archive").predecessors, [0, 1, 3, 4, 5, 6]);
    assert_eq!(stage("ask").predecessors, [0]);
    assert!(finding::definition().stage("report").unwrap().choice.is_none());
    let drawing = filing::definition().to_mermaid();
    assert!(drawing.contains("s1{\"Classify\"}"), "{drawing}");
    assert!(drawing.contains("s1 -->|\"Letter { text, from }\"| s5"), "{drawing}");
    assert!(drawing.contains("s1 -->|\"Pair(..)\"| s8"), "{drawing}");
    for json in [branches::definition().to_json(), by_path::definition().to_json()] {
        assert!(json["stages"].as_array().unwrap().iter().any(|stage| !stage["choice"].is_null()));
    }
    assert_eq!(measuring::definition().output_stages, [0, 1, 3]);
}
