//! Generates the items of `match` and `catch`: the function that chooses, and the inputs of the stages that begin an arm.

use proc_macro2::{Delimiter, Ident, Literal, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Pat, Path, PathSegment};

use super::ast::Arm;
use super::expand::{self, Names};
use super::valid::{Catch, Choice, Graph, Node, Place, Shape};
use crate::casing::plain;
use crate::paths::{at, respan};

/// The items beside the workflow. They are outside of its own scope, so that no name in it shadows a name in a pattern
/// or a guard.
pub fn expand(graph: &Graph<'_>, names: &Names<'_>) -> TokenStream {
    let choices = graph.choices.iter().enumerate().filter(|(_, choice)| choice.is_whole);
    let chosen = choices.map(|(number, choice)| choose(graph, number, choice, names));
    let heads = graph.nodes.iter().enumerate().filter_map(|(index, node)| match node.received {
        Shape::Bound(place) if graph.choices[place.choice].is_whole => Some((index, node, place)),
        _ => None,
    });
    let heads = heads.map(|(index, node, place)| enter(graph, index, node, place, names));
    quote!(#(#chosen)* #(#heads)*)
}

/// The checks that all arms of a choice return one type, in the workflow's own scope.
pub fn agreements(graph: &Graph<'_>, names: &Names<'_>) -> TokenStream {
    graph.choices.iter().map(|choice| agree(graph, choice, names)).collect()
}

/// The type that makes the input of the stage, which begins an arm.
pub fn bound(names: &Names<'_>, stage: usize) -> Ident {
    format_ident!("{}Bound", names.aliases[stage])
}

/// The rows of a workflow's choices and catches.
pub struct Rows {
    pub choices: Vec<TokenStream>,
    /// The values that depend on a choice or a catch. That of the workflow's output has the number after the last stage.
    pub received: Vec<TokenStream>,
    pub catches: Vec<TokenStream>,
}

/// Returns the rows.
pub fn table(graph: &Graph<'_>, names: &Names<'_>) -> Rows {
    let private = &names.private;
    let choices = graph.choices.iter().enumerate().filter(|(_, choice)| choice.is_whole);
    let choices = choices.map(|(number, choice)| {
        let stage = Literal::usize_unsuffixed(choice.stage);
        let name = chooser(names, number, choice);
        let is_caught = matches!(choice.matched, Shape::Caught(_));
        let matched = expand::shape(&choice.matched, graph, names);
        let arms = choice.arms.iter().zip(&choice.ranges).map(|(arm, (first, end))| {
            let pattern = text(arm.pattern.to_token_stream());
            let guard = arm.guard.as_ref().map(|guard| {
                let guard = guard.to_token_stream().to_string();
                quote!(.guarded(#guard))
            });
            let [first, end] = [first, end].map(|index| Literal::usize_unsuffixed(*index));
            quote!(#private::ArmRow::new(#pattern, #first, #end) #guard)
        });
        quote! {
            #private::ChoiceRow {
                stage: #stage,
                is_caught: #is_caught,
                choose: #private::choose::<#name, #matched>,
                arms: &[#(#arms),*],
            }
        }
    });
    let received = graph.nodes.iter().map(|node| &node.received).chain([&graph.output]).enumerate();
    let received = received.filter(|(_, shape)| shape.has_choice() && !shape.has_hole(graph));
    let received = received.map(|(index, shape)| {
        let index = Literal::usize_unsuffixed(index);
        let source = source(shape, graph, names);
        quote!((#index, #source))
    });
    let catches = graph.catches.iter().map(|Catch { range: (first, end), value }| {
        let [first, end] = [first, end].map(|index| Literal::usize_unsuffixed(*index));
        let ends_in_branches = !matches!(value, Shape::Single(_));
        quote!(#private::CatchRow { first: #first, end: #end, ends_in_branches: #ends_in_branches })
    });
    Rows { choices: choices.collect(), received: received.collect(), catches: catches.collect() }
}

/// A value between two steps, as the engine finds it.
fn source(shape: &Shape, graph: &Graph<'_>, names: &Names<'_>) -> TokenStream {
    let private = &names.private;
    let literal = |index: &usize| Literal::usize_unsuffixed(*index);
    match shape {
        Shape::Single(stage) => {
            let stage = literal(stage);
            quote!(#private::Source::Outputs(&[#stage]))
        }
        Shape::Group(branches) => {
            let branches = branches.iter().map(|branch| source(branch, graph, names));
            quote!(#private::Source::Group(&[#(#branches),*]))
        }
        Shape::Choice(choice) => {
            let choice = &graph.choices[*choice];
            let stage = literal(&choice.stage);
            let arms = choice.ends.iter().map(|end| {
                let nothing = || quote!(#private::Source::Nothing);
                end.as_ref().map_or_else(nothing, |end| source(end, graph, names))
            });
            quote!(#private::Source::Choice { stage: #stage, arms: &[#(#arms),*] })
        }
        Shape::Caught(catch) => {
            let catch = &graph.catches[*catch];
            let (first, end) = (literal(&catch.range.0), literal(&catch.range.1));
            let value = source(&catch.value, graph, names);
            quote!(#private::Source::Caught { first: #first, end: #end, value: &#value })
        }
        Shape::Bound(Place { choice, arm }) => {
            let choice = &graph.choices[*choice];
            let (stage, arm) = (literal(&choice.stage), literal(arm));
            let matched = source(&choice.matched, graph, names);
            quote!(#private::Source::Bound { stage: #stage, arm: #arm, matched: &#matched })
        }
        Shape::Start | Shape::Hole => quote!(#private::Source::Nothing),
    }
}

/// The type of the choice's output: that of the first arm, which the others are compared with.
pub fn output(choice: &Choice<'_>, graph: &Graph<'_>, names: &Names<'_>) -> TokenStream {
    let private = &names.private;
    let first = choice.ends.iter().flatten().next();
    let first = first.map_or_else(|| quote!(()), |end| expand::output(end, graph, names));
    if choice.is_optional() { quote!(#private::Option<#first>) } else { first }
}

/// The shape of the choice's output.
pub fn shape(choice: &Choice<'_>, graph: &Graph<'_>, names: &Names<'_>) -> TokenStream {
    let private = &names.private;
    let arms = choice.ends.iter().rev().fold(quote!(#private::NoArm), |rest, end| {
        if let Some(end) = end {
            let end = expand::shape(end, graph, names);
            quote!(#private::Arm<#end, #rest>)
        } else {
            quote!(#private::EmptyArm<#rest>)
        }
    });
    let outer = if choice.is_optional() { "AnyOrNone" } else { "AnyOf" };
    let outer = Ident::new(outer, Span::call_site());
    quote!(#private::#outer<#arms>)
}

/// The type of what a `catch` returns.
pub fn caught_output(catch: &Catch, graph: &Graph<'_>, names: &Names<'_>) -> TokenStream {
    let private = &names.private;
    let value = expand::output(&catch.value, graph, names);
    quote!(#private::Result<#value, #private::StageFailure>)
}

/// The shape of what a `catch` returns.
pub fn caught_shape(catch: &Catch, graph: &Graph<'_>, names: &Names<'_>) -> TokenStream {
    let private = &names.private;
    let value = expand::shape(&catch.value, graph, names);
    quote!(#private::Caught<#value>)
}

/// The type of what a choice matches, and its shape, by full paths.
fn matched(choice: &Choice<'_>, names: &Names<'_>) -> (TokenStream, TokenStream) {
    let library = &names.library;
    let private = quote!(#library::__private);
    let alias = &names.aliases[choice.stage];
    let (ty, shape) = (quote!(#private::OutputOf<#alias>), quote!(#private::Single<#alias>));
    if matches!(choice.matched, Shape::Caught(_)) {
        (quote!(#private::Result<#ty, #private::StageFailure>), quote!(#private::Caught<#shape>))
    } else {
        (ty, shape)
    }
}

/// The type that chooses.
fn chooser(names: &Names<'_>, number: usize, choice: &Choice<'_>) -> Ident {
    format_ident!("{}Choice{number}", names.aliases[choice.stage], span = Span::call_site())
}

/// The `match` of the user. rustc proves that it covers every case.
fn choose(graph: &Graph<'_>, number: usize, choice: &Choice<'_>, names: &Names<'_>) -> TokenStream {
    let Names { library, conditions, .. } = names;
    let name = chooser(names, number, choice);
    let node = &graph.nodes[choice.stage];
    let (matched, _) = matched(choice, names);
    let (value, local) = (Ident::new("value", node.span()), local(node));
    let arms = choice.arms.iter().enumerate().map(|(index, Arm { pattern, guard, end, .. })| {
        let pattern = qualified(pattern, &local);
        let guard = guard.as_ref().map(|guard| quote!(if #guard));
        let mut index = Literal::usize_unsuffixed(index);
        index.set_span(*end);
        quote!(#pattern #guard => #index,)
    });
    let body = quote_spanned!(choice.span=> match #value { #(#arms)* });
    quote! {
        #(#conditions)*
        struct #name;
        #(#conditions)*
        const _: () = {
            #[allow(non_camel_case_types)]
            type #local = #matched;
            impl #library::__private::Chooses for #name {
                type Matched = #local;
                #[allow(unused, clippy::all, clippy::pedantic)]
                #[deny(unreachable_patterns)]
                fn choose(#value: #local) -> usize {
                    #body
                }
            }
        };
    }
}

/// The input of a stage that begins an arm, from the values that the pattern binds.
fn enter(graph: &Graph<'_>, index: usize, node: &Node<'_>, place: Place, names: &Names<'_>) -> TokenStream {
    let Names { library, conditions, aliases, .. } = names;
    let choice = &graph.choices[place.choice];
    let alias = &aliases[index];
    let (matched, shape) = matched(choice, names);
    let (name, local) = (bound(names, index), local(&graph.nodes[choice.stage]));
    let pattern = &choice.arms[place.arm].pattern;
    let mut bindings = Vec::new();
    bind(pattern, &mut bindings);
    let values = match bindings.as_slice() {
        [one] => one.to_token_stream(),
        several => quote!((#(#several),*)),
    };
    let pattern = qualified(pattern, &local);
    let private = quote!(#library::__private);
    let parameters = quote!(#private::ParametersOf<#alias>);
    let take = respan(quote!(<#alias as #private::Takes<_, #parameters>>::take), node.span());
    quote! {
        #(#conditions)*
        struct #name;
        #(#conditions)*
        const _: () = {
            #[allow(non_camel_case_types)]
            type #local = #matched;
            impl #private::Enters<#alias> for #name {
                type Matched = #local;
                type Shape = #shape;
                #[allow(unused, unreachable_patterns, clippy::all, clippy::pedantic)]
                fn enter(value: #local) -> #private::Option<<#alias as #private::Stage>::Input> {
                    match value {
                        #pattern => #private::Option::Some(#take(#values)),
                        _ => #private::Option::None,
                    }
                }
            }
        };
    }
}

/// All arms return the type of the first.
fn agree(graph: &Graph<'_>, choice: &Choice<'_>, names: &Names<'_>) -> TokenStream {
    let Names { private, aliases, .. } = names;
    let mut ends = choice.ends.iter().flatten().filter(|end| !end.has_hole(graph));
    let Some(first) = ends.next() else { return TokenStream::new() };
    let checks = ends.map(|end| {
        let last = end.leaves(graph).last().copied();
        let span = last.map_or_else(Span::call_site, |last| graph.nodes[last].span());
        let check = if let (Shape::Single(first), Shape::Single(end)) = (first, end) {
            let (first, end) = (&aliases[*first], &aliases[*end]);
            quote!(#end as #private::AgreesWith<#first, #private::OutputOf<#first>, #private::OutputOf<#end>>)
        } else {
            let [first, end] = [first, end].map(|end| expand::shape(end, graph, names));
            quote! {
                <#end as #private::Upstream>::Value as #private::SameAs<<#first as #private::Upstream>::Value>
            }
        };
        respan(quote!(const _: () = <#check>::AGREES;), span)
    });
    quote!(#(#checks)*)
}

/// The text of a pattern. It is part of the fingerprint, so it depends neither on the user's spaces nor on the form in which
/// a version of rustc prints tokens.
fn text(pattern: TokenStream) -> String {
    let mut text = String::new();
    for token in pattern {
        let follows_word = text.ends_with(|last: char| last.is_alphanumeric() || last == '_');
        match token {
            TokenTree::Group(group) => {
                let inner = self::text(group.stream());
                let inner = inner.trim_end().trim_end_matches(',');
                let [open, close] = match group.delimiter() {
                    Delimiter::Parenthesis => ["(", ")"],
                    Delimiter::Bracket => ["[", "]"],
                    Delimiter::Brace => [" { ", " }"],
                    Delimiter::None => ["", ""],
                };
                text.extend([open, inner, close]);
            }
            TokenTree::Punct(punct) => match punct.as_char() {
                ',' => text += ", ",
                sign @ ('|' | '@') => text.extend([' ', sign, ' ']),
                sign => text.push(sign),
            },
            word => {
                if follows_word {
                    text.push(' ');
                }
                text += &word.to_string();
            }
        }
    }
    text.trim().to_owned()
}

/// The type whose variants the patterns name. It has the stage's name, because messages of rustc name it.
fn local(node: &Node<'_>) -> Ident {
    let last = node.path.segments.last().map(|segment| segment.ident.clone());
    at(&last.unwrap_or_else(|| format_ident!("value")), Span::mixed_site())
}

/// The pattern, with variants of the matched type in the place of names that begin with a capital letter.
fn qualified(pattern: &Pat, of: &Ident) -> TokenStream {
    let mut pattern = pattern.clone();
    qualify(&mut pattern, of);
    pattern.into_token_stream()
}

fn qualify(pattern: &mut Pat, of: &Ident) {
    match pattern {
        Pat::Ident(ident) if ident.subpat.is_none() && is_variant(&ident.ident) => {
            let variant = &ident.ident;
            let of = at(of, variant.span());
            *pattern = Pat::Verbatim(quote_spanned!(variant.span()=> #of::#variant));
        }
        Pat::Ident(ident) => {
            if let Some((_, inner)) = &mut ident.subpat {
                qualify(inner, of);
            }
        }
        Pat::TupleStruct(tuple) => prefix(&mut tuple.path, of),
        Pat::Struct(fields) => prefix(&mut fields.path, of),
        Pat::Or(or) => or.cases.iter_mut().for_each(|case| qualify(case, of)),
        Pat::Paren(paren) => qualify(&mut paren.pat, of),
        _ => {}
    }
}

/// `Self` is the matched type itself, for one that is a structure.
fn prefix(path: &mut Path, of: &Ident) {
    if path.leading_colon.is_none() && path.segments.first().is_some_and(|first| first.ident == "Self") {
        let of = at(of, path.segments[0].ident.span());
        path.segments[0] = PathSegment::from(of);
        return;
    }
    if path.leading_colon.is_none() && path.segments.len() == 1 {
        let of = at(of, path.segments[0].ident.span());
        path.segments.insert(0, PathSegment::from(of));
    }
}

fn is_variant(name: &Ident) -> bool {
    plain(name).starts_with(char::is_uppercase)
}

/// Finds the names that a pattern binds, in the order in which they are written.
fn bind(pattern: &Pat, found: &mut Vec<Ident>) {
    match pattern {
        Pat::Ident(ident) => {
            if ident.subpat.is_some() || !is_variant(&ident.ident) {
                found.push(ident.ident.clone());
            }
            if let Some((_, inner)) = &ident.subpat {
                bind(inner, found);
            }
        }
        Pat::TupleStruct(tuple) => tuple.elems.iter().for_each(|element| bind(element, found)),
        Pat::Tuple(tuple) => tuple.elems.iter().for_each(|element| bind(element, found)),
        Pat::Slice(slice) => slice.elems.iter().for_each(|element| bind(element, found)),
        Pat::Struct(fields) => fields.fields.iter().for_each(|field| bind(&field.pat, found)),
        Pat::Reference(reference) => bind(&reference.pat, found),
        Pat::Paren(paren) => bind(&paren.pat, found),
        Pat::Or(or) => or.cases.first().into_iter().for_each(|first| bind(first, found)),
        _ => {}
    }
}
