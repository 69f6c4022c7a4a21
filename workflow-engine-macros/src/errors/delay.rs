//! Messages about `delay`.

use proc_macro2::Span;
use syn::Error;

pub fn expected_duration(span: Span) -> Error {
    Error::new(span, "expected a duration: write `delay(\"30s\")`, `delay(\"2h\")` or `delay(\"7d\")`")
}

pub fn after_the_duration(span: Span) -> Error {
    Error::new(span, "`delay` takes one duration: write `delay(\"7d\")`")
}

pub fn at_the_end(span: Span) -> Error {
    Error::new(
        span,
        "nothing follows this `delay`: write the stage that starts later after it, `delay(\"7d\") >> stage`",
    )
}
