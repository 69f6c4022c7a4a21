//! Incomplete code, as an editor sees it: every token that is already there must stay in the expansion.

use super::{contains, tokens};
use crate::{stage, workflow};

fn workflow_keeps(source: &str, names: &[&str]) {
    let expansion = workflow::expand(tokens(source));
    assert!(contains(&expansion, "compile_error"), "`{source}` is refused");
    for name in names {
        assert!(contains(&expansion, name), "`{name}` of `{source}` is still there");
    }
}

#[test]
fn a_workflow_keeps_every_identifier() {
    workflow_keeps("pub w = a >>", &["w", "a", "WConfig", "WInput", "WOutputs"]);
    workflow_keeps("pub w = a >> [b, ] >>", &["w", "a", "b"]);
}

#[test]
fn a_workflow_keeps_the_stages_around_a_mistake() {
    workflow_keeps("w = a >> >> b", &["a", "b"]);
    workflow_keeps("w = a b", &["a", "b"]);
    workflow_keeps("w = a > b", &["a", "b"]);
    workflow_keeps("w = a >> 3 >> [b c, d >>]", &["a", "b", "c", "d"]);
    workflow_keeps("w = a >> b(1) >> c::<u8> >> d", &["a", "b", "c", "d"]);
    workflow_keeps("v = a; w = ; x = b >>", &["v", "w", "x", "a", "b"]);
    workflow_keeps("w = a >> (b, c)", &["a", "b", "c"]);
}

#[test]
fn a_workflow_keeps_what_stands_around_a_choice_that_is_being_written() {
    for choice in [
        "match b { } >> c",
        "match b >> c",
        "match b { Some(x) => c, No }",
        "match b { Some(x) => c >>, None => }",
        "match b { Some(x) => , None => c }",
        "match b { Some(x) if => (), None => c }",
        "match b { Some(x) => c None => a }",
        "match catch(b >>) { Ok(x) => c, Err }",
        "catch(b >>) >> c",
    ] {
        workflow_keeps(&format!("pub w = a >> {choice}"), &["w", "a", "b", "c", "WInput"]);
        workflow_keeps(&format!("pub w = a >> {choice} >> d"), &["w", "a", "b", "c", "d", "WInput"]);
    }
}

#[test]
fn a_workflow_keeps_the_stages_around_a_delay_that_is_being_written() {
    for inside in ["", "7", "\"\"", "\"7\"", "\"7 weeks\"", "\"7d\" b", "b"] {
        workflow_keeps(&format!("pub w = a >> delay({inside}) >> c"), &["w", "a", "c", "WInput"]);
        workflow_keeps(
            &format!("pub w = a >> match b {{ _ => delay({inside}) >> c }}"),
            &["w", "a", "b", "c"],
        );
    }
    workflow_keeps(r#"pub w = a >> delay("7d")"#, &["w", "a", "WInput"]);
    workflow_keeps(r#"pub w = a >> delay("7d") >>"#, &["w", "a", "WInput"]);
}

#[test]
fn a_workflow_keeps_the_child_that_is_a_step() {
    workflow_keeps("pub Selling = open >> Packing >>", &["Selling", "open", "Packing", "SellingInput"]);
    workflow_keeps("pub Selling = open >> shop::Packing::", &["Selling", "open", "SellingInput"]);
    workflow_keeps("pub Selling = open >> Packing() >> tell", &["Selling", "open", "Packing", "tell"]);
}

fn stage_keeps(options: &str, item: &str, names: &[&str]) {
    let expansion = stage::expand(tokens(options), tokens(item));
    for name in names {
        assert!(contains(&expansion, name), "`{name}` of `{item}` is still there");
    }
}

#[test]
fn a_stage_keeps_its_function_and_its_type() {
    let function = "pub async fn load(path: String) -> StageResult<u32> { path.le }";
    for options in
        ["ret", "retry", "retry(", "timeout =", "timeout = 3", "require(a::)", ", ,", "version = x"]
    {
        let Ok(options) = options.parse::<proc_macro2::TokenStream>() else { continue };
        stage_keeps(
            &options.to_string(),
            function,
            &["load", "path", "le", "struct", "Stage", "compile_error"],
        );
    }
}

#[test]
fn a_body_is_kept_unchanged() {
    stage_keeps(
        "",
        "async fn load(path: String) -> StageResult<u32> { if 1 }",
        &["load", "path", "LoadInput"],
    );
    stage_keeps("", "async fn load(path: String) -> StageResult<u32> { path. }", &["load", "LoadInput"]);
    stage_keeps("", "async fn load(path: String) -> StageResult<u32>;", &["load", "path", "compile_error"]);
}

#[test]
fn an_item_that_is_not_a_function_is_kept() {
    stage_keeps("", "pub struct Document { text: String }", &["Document", "text", "compile_error"]);
    stage_keeps("", "async fn", &["async", "fn", "compile_error"]);
    stage_keeps("", "async fn load(path) -> StageResult<u32> { }", &["load", "path", "compile_error"]);
}
