//! Generates the items of a workflow. It cannot fail.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Attribute;

use super::ast::Workflow;
use super::valid::{Graph, Node, Shape, WIDEST};
use super::{arms, input, lists, record, timing};
use crate::casing::{pascal, plain, title};
use crate::function::Kind;
use crate::paths::{at, named, respan};
use crate::{docs, paths};

/// The names in the expansion.
pub struct Names<'a> {
    pub library: TokenStream,
    pub private: Ident,
    pub config: Ident,
    pub outputs: Ident,
    /// An alias for each stage, with the stage's span. The path is named once, so that a wrong path is reported once.
    pub aliases: Vec<Ident>,
    pub conditions: Vec<&'a Attribute>,
}

pub fn expand(graph: &Graph<'_>) -> TokenStream {
    let workflow = graph.workflow;
    let name = &workflow.name;
    let text = plain(name);
    let library = paths::library(workflow.options.krate.as_ref());
    let names = Names {
        private: paths::private(),
        library,
        config: format_ident!("{}Config", pascal(&text), span = name.span()),
        outputs: format_ident!("{}Outputs", pascal(&text), span = name.span()),
        aliases: graph
            .nodes
            .iter()
            .enumerate()
            .map(|(index, node)| format_ident!("__{}{index}", pascal(&text), span = node.span()))
            .collect(),
        conditions: docs::conditions(&workflow.attributes).collect(),
    };
    let Names { aliases, conditions, .. } = &names;

    let visibility = &workflow.visibility;
    let attributes = &workflow.attributes;
    let documented = docs::attributes(attributes).next().is_some();
    let doc = (!documented).then(|| {
        let doc = format!(" The workflow `{}`.", graph.id);
        quote!(#[doc = #doc])
    });
    let library = &names.library;
    let full = quote!(#library::__private);
    let named = graph.nodes.iter().zip(aliases);
    let named = named.map(|(node, alias)| paths::known(alias, node.path, &full, Kind::Stage, conditions));
    let import = paths::import(&names.library);
    let table = table(graph, &names);
    let implementation = implementation(graph, &names);
    let checks = checks(graph, &names);
    let input = input::alias(graph, &names);
    let arms = arms::expand(graph, &names);
    let records = record::expand(graph, &names, &quote!(#import #table #implementation #checks));
    quote! {
        #(#attributes)*
        #doc
        #[allow(non_camel_case_types, dead_code, missing_debug_implementations)]
        #visibility struct #name {}

        #input

        #(#named)*

        #arms

        #records
    }
}

fn implementation(graph: &Graph<'_>, names: &Names<'_>) -> TokenStream {
    let Names { private, config, outputs, .. } = names;
    let name = &graph.workflow.name;
    let input = input::input(graph, names);
    let output = output(&graph.output, graph, names);
    // rustc underlines the whole item if a type in it is private, so the item has the span of the stage.
    let ends = [graph.nodes.first(), graph.output.leaves(graph).last().map(|last| &graph.nodes[*last])];
    let [first, last] = ends.map(|node| node.map_or_else(|| name.span(), Node::span));
    let input = quote_spanned!(first=> type Input = #input;);
    let output = quote_spanned!(last=> type Output = #output;);
    let shape = shape(&graph.output, graph, names);
    let decode_output = if graph.output.has_hole(graph) {
        quote!({
            let _ = outputs;
            ::core::unreachable!()
        })
    } else {
        quote!({ #private::decode_output::<#shape>(outputs) })
    };
    let step_input = input::of_step(graph, names);
    let (id, text, title) = (&graph.id, plain(name), display_name(graph));
    let description = docs::text(&graph.workflow.attributes);
    let version = graph.workflow.options.version.map(|version| quote!(.version(#version)));
    quote! {
        impl #private::Workflow for #name {
            #input
            #output
            type Config = #config;
            type Outputs = #outputs;
            type StepInput = #step_input;

            const STEP: #private::StageDeclaration = #private::StageDeclaration::new(
                #private::StagePath::here(::core::module_path!(), #text),
                #id,
                #title,
                #description
            )#version;

            fn definition() -> &'static #private::WorkflowDefinition {
                static DEFINITION: #private::LazyLock<#private::WorkflowDefinition> =
                    #private::LazyLock::new(|| #private::define(TABLE));
                &DEFINITION
            }

            fn decode_output(
                outputs: &[#private::Json],
            ) -> #private::Result<Self::Output, #private::JsonError> #decode_output

            fn decode_outputs(
                stored: &#private::HashMap<#private::String, #private::Json>,
            ) -> #private::Result<Self::Outputs, #private::JsonError> {
                #private::Decoded::decode(stored)
            }
        }
    }
}

fn display_name(graph: &Graph<'_>) -> String {
    let Workflow { name, options, .. } = graph.workflow;
    options.name.as_ref().map_or_else(|| title(&plain(name)), syn::LitStr::value)
}

/// The workflow as constants.
fn table(graph: &Graph<'_>, names: &Names<'_>) -> TokenStream {
    let Names { private, config, .. } = names;
    let workflow = graph.workflow;
    let id = &graph.id;
    let title = display_name(graph);
    let version = workflow.options.version.unwrap_or(1);
    let unknown_input = workflow.options.ignores_unknown_input.then(|| quote!(.ignoring_unknown_fields()));
    let description = docs::text(&workflow.attributes);
    let rows = graph.nodes.iter().zip(&names.aliases).enumerate();
    let rows = rows.map(|(index, (node, alias))| row(graph, index, node, alias, names));
    let predecessors = graph.nodes.iter().map(|node| literals(&node.predecessors));
    let predecessors = predecessors.map(|stages| quote!(&[#(#stages),*]));
    let output_stages = literals(&graph.output.leaves(graph));
    let arms::Rows { choices, received, catches } = arms::table(graph, names);
    let timing = timing::expand(graph, names);
    let name = &workflow.name;
    let shape = shape(&graph.output, graph, names);
    quote! {
        const TABLE: &#private::WorkflowTable = &#private::WorkflowTable {
            id: #id,
            name: #title,
            version: #version,
            description: #description,
            stages: &[#(#rows),*],
            predecessors: &[#(#predecessors),*],
            output_stages: &[#(#output_stages),*],
            choices: &[#(#choices),*],
            received: &[#(#received),*],
            catches: &[#(#catches),*],
            timing: #timing,
            input: #private::InputRow::of::<#name>() #unknown_input,
            output_schema: #private::output_schema::<#shape>,
            config_schema: #private::schema::<#config>,
        };
    }
}

/// The row of a stage. The expression checks the value that the stage receives, so all of it has the stage's span.
fn row(graph: &Graph<'_>, index: usize, node: &Node<'_>, alias: &Ident, names: &Names<'_>) -> TokenStream {
    let span = node.span();
    let private = &at(&names.private, span);
    let stage = quote_spanned!(span=> #alias as #private::StageNode);
    match &node.received {
        received if received.has_hole(graph) => quote_spanned!(span=> <#stage>::ROW),
        Shape::Start => {
            let workflow = at(&graph.workflow.name, span);
            quote_spanned! {span=>
                <#alias as #private::Starts<
                    #workflow, <#workflow as #private::Workflow>::Input, #private::ParametersOf<#alias>
                >>::ROW
            }
        }
        Shape::Single(before) => {
            let before = at(&names.aliases[*before], span);
            quote_spanned! {span=>
                <#alias as #private::Follows<#before, #private::OutputOf<#before>, #private::ParametersOf<#alias>>>::ROW
            }
        }
        Shape::Bound(_) => {
            let bound = at(&arms::bound(names, index), span);
            quote_spanned!(span=> <#stage>::ROW.entered(#private::bound_entry::<#alias, #bound>))
        }
        received => {
            let joins = match received {
                Shape::Choice(_) => "FollowsMatch",
                Shape::Caught(_) => "FollowsCatch",
                _ => "Joins",
            };
            let joins = Ident::new(joins, span);
            let shape = respan(shape(received, graph, names), span);
            quote_spanned! {span=>
                <#stage>::ROW.entered(
                    <#alias as #private::#joins<<#shape as #private::Upstream>::Value, #private::ParametersOf<#alias>>>
                        ::entry::<#shape>
                )
            }
        }
    }
}

fn literal(index: usize, span: Span) -> Literal {
    let mut literal = Literal::usize_unsuffixed(index);
    literal.set_span(span);
    literal
}

/// Indices without a suffix, which are one token less each.
fn literals(indices: &[usize]) -> Vec<Literal> {
    indices.iter().map(|index| Literal::usize_unsuffixed(*index)).collect()
}

/// The type of a value between two steps.
pub fn output(shape: &Shape, graph: &Graph<'_>, names: &Names<'_>) -> TokenStream {
    let Names { private, aliases, .. } = names;
    match shape {
        Shape::Single(stage) => {
            let alias = &aliases[*stage];
            let private = at(private, alias.span());
            quote_spanned!(alias.span()=> <#alias as #private::Stage>::Output)
        }
        Shape::Group(branches) => {
            if let Some(list) = shape.list() {
                let first = output(&Shape::Single(list[0]), graph, names);
                return quote!(#private::Vec<#first>);
            }
            let branches = branches.iter().map(|branch| output(branch, graph, names));
            quote!((#(#branches),*))
        }
        Shape::Choice(choice) => arms::output(&graph.choices[*choice], graph, names),
        Shape::Caught(catch) => arms::caught_output(&graph.catches[*catch], graph, names),
        Shape::Start | Shape::Bound(_) | Shape::Hole => quote!(()),
    }
}

/// The shape of a value between two steps, as a type.
pub fn shape(shape: &Shape, graph: &Graph<'_>, names: &Names<'_>) -> TokenStream {
    let Names { private, aliases, .. } = names;
    match shape {
        Shape::Single(stage) => {
            let alias = &aliases[*stage];
            quote!(#private::Single<#alias>)
        }
        Shape::Group(branches) if branches.len() > WIDEST => shape.list().map_or_else(
            || quote!(#private::Unlisted),
            |list| {
                let (first, count) = (&aliases[list[0]], Literal::usize_unsuffixed(list.len()));
                quote!(#private::List<#private::OutputOf<#first>, #count>)
            },
        ),
        Shape::Group(branches) => {
            let branches = branches.iter().map(|branch| self::shape(branch, graph, names));
            quote!(#private::Group<(#(#branches),*)>)
        }
        Shape::Choice(choice) => arms::shape(&graph.choices[*choice], graph, names),
        Shape::Caught(catch) => arms::caught_shape(&graph.catches[*catch], graph, names),
        Shape::Start | Shape::Bound(_) | Shape::Hole => quote!(#private::Unlisted),
    }
}

/// One constant for each stage, so that the mistake of one does not hide that of another.
fn checks(graph: &Graph<'_>, names: &Names<'_>) -> TokenStream {
    let Names { private, aliases, .. } = names;
    let id = &graph.id;
    let ancestors = sets(graph.nodes.iter().map(|node| node.ancestors.as_slice()));
    // Without a choice or a catch, every ancestor has run.
    let is_plain = graph.choices.is_empty() && graph.catches.is_empty();
    let [certain, excluded, caught] = if is_plain {
        [const { Vec::new() }; 3]
    } else {
        [graph.certain(), graph.excluded(), graph.caught()]
    }
    .map(|stages| sets(stages.iter().map(Vec::as_slice)));
    let check = if graph.sound { "check_stage" } else { "check_identity" };
    let nodes = aliases.iter().map(|alias| {
        let private = at(private, alias.span());
        quote_spanned!(alias.span()=> <#alias as #private::StageNode>::NODE)
    });
    let checks = graph.nodes.iter().enumerate().map(|(index, node)| {
        let span = node.span();
        let (private, check, index) = (at(private, span), Ident::new(check, span), literal(index, span));
        quote_spanned!(span=> const _: () = #private::#check(GRAPH, #index);)
    });
    let name = &graph.workflow.name;
    // A stage that appears twice is reported once, by the check of its second place: there it is listed as `Repeated`. The
    // trait is written here, and the stage is named by its path: rustc does not look through a trait of another crate that
    // is implemented for a stage of another crate, because a later version of that crate may implement it differently.
    let memberships = aliases.iter().map(named).enumerate().map(|(index, alias)| {
        let index = Literal::usize_unsuffixed(index);
        quote! {
            impl #private::HasStage<
                <Place<{ #private::is_repeated(GRAPH, #index) }, #index> as Listed<#alias>>::Stage
            > for #name {}
        }
    });
    let lists = lists::checks(graph, names);
    let agreements = arms::agreements(graph, names);
    quote! {
        const GRAPH: &#private::Graph = &#private::Graph {
            workflow: #id,
            nodes: &[#(#nodes),*],
            ancestors: #ancestors,
            certain: #certain,
            excluded: #excluded,
            caught: #caught,
        };
        struct Place<const IS_REPEATED: bool, const AT: usize>;
        trait Listed<S> {
            type Stage;
        }
        impl<S, const AT: usize> Listed<S> for Place<false, AT> {
            type Stage = S;
        }
        impl<S, const AT: usize> Listed<S> for Place<true, AT> {
            type Stage = #private::Repeated<S, AT>;
        }
        #(#memberships)*
        #(#checks)*
        #(#lists)*
        #agreements
    }
}

/// One bit for each stage, 64 in a word.
fn sets<'s>(sets: impl Iterator<Item = &'s [u64]>) -> TokenStream {
    let sets = sets.map(|words| {
        let words = words.iter().map(|word| Literal::u64_unsuffixed(*word));
        quote!(&[#(#words),*])
    });
    quote!(&[#(#sets),*])
}
