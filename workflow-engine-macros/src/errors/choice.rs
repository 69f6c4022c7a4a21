//! Messages about `match` and `catch`, and about words that are reserved.

use proc_macro2::Span;
use quote::ToTokens;
use syn::{Error, Ident};

use super::{on, source};

pub fn without_stage(keyword: impl ToTokens) -> Error {
    on(keyword, "`match` names the stage whose output decides: write `match classify { … }`")
}

pub fn not_a_stage(keyword: impl ToTokens) -> Error {
    on(keyword, "`match` decides by what one stage or a `catch` returns: write `match classify { … }`")
}

pub fn without_arms(span: Span, stage: &impl ToTokens) -> Error {
    Error::new(span, format!("expected arms: write `match {} {{ Variant => stage, … }}`", source(stage)))
}

pub fn expected_arm(span: Span) -> Error {
    Error::new(
        span,
        "an arm is written `Variant(value) => stage`, or `Variant => ()` where nothing is to be done",
    )
}

pub fn expected_comma(span: Span) -> Error {
    Error::new(span, "expected `,` between two arms")
}

pub fn after_nothing(span: Span) -> Error {
    Error::new(span, "`()` is an arm without stages: nothing can follow it")
}

pub fn braces(span: Span) -> Error {
    Error::new(span, "the chain of an arm is written without braces: write `Variant => first >> second`")
}

pub fn after_the_chain(span: Span) -> Error {
    Error::new(span, "expected `>>` or the end of the chain: `catch(first >> second)` takes one chain")
}

pub fn caught_group(span: Span) -> Error {
    Error::new(
        span,
        "`match catch(…)` decides by what one stage returns: end the chain in it with a stage, or take its result in a \
         stage after the `catch`",
    )
}

pub fn nested_catch(span: Span) -> Error {
    Error::new(span, "this `catch` ends with another `catch`: let a stage follow the inner one")
}

pub fn reserved(word: &Ident) -> Error {
    let instead = match word.to_string().as_str() {
        "each" => "take the whole list in one stage",
        _ => "repeat the work in the body of a stage",
    };
    on(word, format!("`{word}` is reserved for a later version: {instead}"))
}
