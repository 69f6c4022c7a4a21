//! Choices and catches from which something is left out.

use proc_macro2::{Group, TokenStream, TokenTree};

use super::{contains, tokens};
use crate::workflow;

const WHOLE: &str = "pub w(Order) = load >> match a::classify { Call(calls) => each_call >> note, Answer { text, .. } if ready => \
    delay(\"1h\") >> polish >> [one, two], Other | Rest => (), 1..=3 => match catch(b >> inner) { Ok(value) => x, _ => y } } >> delay(\"7d\") >> catch([five, six] >> seven) >> Child >> [three, four] >> report";

/// All streams that lack one token, or everything from one token of a group on.
fn variants(stream: &TokenStream) -> Vec<TokenStream> {
    let trees: Vec<TokenTree> = stream.clone().into_iter().collect();
    let mut all = Vec::new();
    for at in 0..trees.len() {
        let without =
            trees.iter().enumerate().filter(|(index, _)| *index != at).map(|(_, tree)| tree.clone());
        all.push(without.collect());
        all.push(trees[..at].iter().cloned().collect());
        if let TokenTree::Group(group) = &trees[at] {
            for inner in variants(&group.stream()) {
                let mut new = trees.clone();
                new[at] = Group::new(group.delimiter(), inner).into();
                all.push(new.into_iter().collect());
            }
        }
    }
    all
}

#[test]
fn whatever_is_left_out_the_expansion_is_rust_and_has_the_type() {
    let whole = tokens(WHOLE);
    assert!(!contains(&workflow::expand(whole.clone()), "compile_error"));
    for stream in variants(&whole) {
        let expansion = workflow::expand(stream.clone());
        assert!(contains(&expansion, "w") || !contains(&stream, "w"), "{stream}");
        if let Err(error) = syn::parse2::<syn::File>(expansion.clone()) {
            panic!("{stream}\n{error}\n{expansion}");
        }
    }
}

#[test]
fn words_with_a_meaning_before_parentheses_are_names_of_stages() {
    let expansion = workflow::expand(tokens("w = each >> catch >> delay"));
    assert!(!contains(&expansion, "compile_error"));
    for name in ["each", "catch", "delay"] {
        assert!(contains(&expansion, name), "{name}");
    }
}
