//! Generates the items of a stage. It cannot fail.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use super::attr::Options;
use super::call::{
    aliases, arguments, failure, into_error, local, read_alias, requirements, returned, state,
};
use super::record::Record;
use super::signal;
use super::valid::{Body, Field, Parameter};
use super::wait::Wait;
use crate::casing::{kebab, pascal, plain, title};
use crate::function::Kind;
use crate::options::Configured;
use crate::paths::respan;
use crate::{docs, paths};

/// The function, the type beside it, and the implementations. `names` are the options, for editors.
pub fn expand(stage: &Body<'_>, options: &Options, names: Option<&TokenStream>) -> TokenStream {
    let function = stage.function;
    let name = &function.signature.ident;
    let library = paths::library(options.krate.as_ref());
    // Only a stage that needs private names gets a scope: a scope is a constant, which rustc checks again after each edit.
    let conditions = docs::conditions(&function.attributes).collect::<Vec<_>>();
    let scoped = options.check.is_some() || !conditions.is_empty();
    let private = if scoped { paths::private().into_token_stream() } else { quote!(#library::__private) };
    let visibility = &function.visibility;

    let untouched = function.untouched();
    let marker = marker(Kind::Stage, name, visibility, &conditions);

    let inputs = fields(stage, |parameter| match parameter {
        Parameter::Input(field) => Some(field),
        _ => None,
    });
    let aliases = aliases(stage, &private);
    let reads = reads(stage, &private);
    let wait = Wait::new(name, options, &library);
    let check_field = wait.as_ref().map(Wait::config_field);
    let mut configs = configs(stage);
    if !configs.is_empty() {
        configs.extend(&check_field);
    }
    let [input_name, config_name] =
        ["Input", "Config"].map(|end| format_ident!("{}{end}", pascal(&plain(name)), span = name.span()));
    let input = Record {
        name: &input_name,
        doc: format!(" The input of the stage [`{}`](fn@{name}).", plain(name)),
        visibility,
        fields: &inputs,
        strict: false,
        from: true,
        private: &private,
    };
    let config = Record {
        name: &config_name,
        doc: format!(" The configuration of the stage [`{}`](fn@{name}).", plain(name)),
        visibility,
        fields: &configs,
        strict: true,
        from: false,
        private: &private,
    };
    let records = [&input, &config].map(|record| {
        (!record.fields.is_empty()).then(|| {
            let structure = record.structure();
            quote!(#(#conditions)* #structure)
        })
    });

    let input_type = if inputs.is_empty() { quote!(#private::NoInput) } else { quote!(#input_name) };
    let config_type = match &wait {
        _ if !configs.is_empty() => quote!(type Config = #config_name;),
        Some(wait) => wait.config(),
        None => quote!(type Config = #private::NoConfig;),
    };
    let types = [&input_type, &config_type];
    let settings = settings(&options.configured, &configs, &private);
    let implementation =
        implementation(stage, options, wait.as_ref(), types, settings.as_ref(), names, &private);
    let waits =
        wait.as_ref().map(|wait| wait.implementation(&prepare(stage, &private, true), !configs.is_empty()));
    let record_impls =
        [&input, &config].map(|record| (!record.fields.is_empty()).then(|| record.implementations()));
    let mut items = quote! { #untouched #marker #(#records)* };
    if scoped {
        let import = paths::import(&library);
        items.extend(quote! {
            #(#conditions)*
            #[allow(deprecated, unexpected_cfgs, unused_qualifications, clippy::all, clippy::pedantic)]
            const _: () = {
                #import
                #aliases
                #reads
                #(#record_impls)*
                #implementation
                #waits
            };
        });
    } else {
        items.extend([aliases, reads]);
        items.extend(record_impls.into_iter().flatten());
        items.extend(implementation);
    }
    items
}

/// The stage's type: a braced structure, which uses the function's name only in the namespace of types.
pub fn marker(
    kind: Kind,
    name: &Ident,
    visibility: &syn::Visibility,
    conditions: &[&syn::Attribute],
) -> TokenStream {
    let doc = format!(" The {kind} of the function [`{}`](fn@{name}).", plain(name));
    // rustc refers to the structure in errors about the stage, so it has the span of the function's name.
    let structure = quote_spanned!(name.span()=> struct #name {});
    quote! {
        #(#conditions)*
        #[doc = #doc]
        #[allow(non_camel_case_types, dead_code, missing_debug_implementations)]
        #visibility #structure
    }
}

/// The `#[config]` parameters.
pub fn configs<'a>(body: &'a Body<'a>) -> Vec<&'a Field<'a>> {
    fields(body, |parameter| match parameter {
        Parameter::Config(field) => Some(field),
        _ => None,
    })
}

fn fields<'a>(
    body: &'a Body<'a>,
    pick: fn(&'a Parameter<'a>) -> Option<&'a Field<'a>>,
) -> Vec<&'a Field<'a>> {
    body.parameters.iter().filter_map(pick).collect()
}

/// The identity of the stage. The location of the attribute distinguishes stages in two function bodies.
pub fn path(name: &Ident, private: &TokenStream) -> TokenStream {
    let text = plain(name);
    quote!(#private::StagePath::here(::core::module_path!(), #text))
}

/// The declaration of the stage: the arguments of `StageDeclaration::new`, and the calls that follow it.
pub fn declaration(
    name: &Ident,
    attributes: &[syn::Attribute],
    options: &Options,
    private: &TokenStream,
    more: &TokenStream,
) -> [TokenStream; 2] {
    let plain = plain(name);
    let id = options.id.as_ref().map_or_else(|| kebab(&plain), syn::LitStr::value);
    let title = options.name.as_ref().map_or_else(|| title(&plain), syn::LitStr::value);
    let description = docs::text(attributes);
    let version = options.version.map(|version| quote!(.version(#version)));
    let timeout = options.timeout.map(|millis| quote!(.timeout_millis(#millis)));
    let budget = options.budget.map(|picodollars| quote!(.budget_picodollars(#picodollars)));
    let over_budget = options.waits_over_budget.then(|| quote!(.waits_over_budget()));
    let retry = options.retry.as_ref().map(|retry| {
        let policy = retry.expand(private);
        quote!(.retry(#policy))
    });
    [quote!(#id, #title, #description), quote!(#version #timeout #budget #over_budget #retry #more)]
}

fn implementation(
    stage: &Body<'_>,
    options: &Options,
    wait: Option<&Wait<'_>>,
    [input_type, config_type]: [&TokenStream; 2],
    settings: Option<&TokenStream>,
    names: Option<&TokenStream>,
    private: &TokenStream,
) -> TokenStream {
    let name = &stage.function.signature.ident;
    let output = match (&options.signal, wait) {
        (Some(payload), _) => signal::output(&payload.value),
        (None, Some(wait)) => wait.output(),
        (None, None) => {
            let output = returned(stage, private);
            quote!(type Output = #output;)
        }
    };
    let requires = (!stage.reads.is_empty()).then(|| {
        let requirements = requirements(stage, private);
        quote!(.requires(&[#requirements]))
    });
    let state = state(stage, private).map(|types| quote!(.state(&[#types])));
    let asks = options.signal.as_ref().map(|_| signal::declaration(options, private));
    let waits = wait.map(Wait::declaration).or(asks);
    let apart = (requires.is_some() || waits.is_some()).then(|| quote!(here));
    let more = quote!(#requires #state #waits);
    let [arguments, calls] = declaration(name, &stage.function.attributes, options, private, &more);
    let run = run(stage, options, wait, names, private);
    let question = || returned(stage, private);
    let signalled = options.signal.as_ref().map(|_| signal::implementation(name, &question(), private));
    let text = plain(name);
    quote! {
        impl #private::Stage for #name {
            #config_type
            #output
            #settings
            #private::stage!(#text #apart (#arguments) { #calls } #input_type; #run);
        }

        #signalled
    }
}

/// The constant that sets limits from the configuration. The fields keep the tokens of the user, who may have misspelled
/// one.
fn settings(configured: &[Configured], configs: &[&Field<'_>], private: &TokenStream) -> Option<TokenStream> {
    let config = &configured.first()?.config;
    let settings = local("settings");
    let mut places = Vec::new();
    let calls = configured.iter().map(|Configured { option, config, fields }| {
        let path = key_path(fields, configs);
        places.push((option.to_string(), path.clone()));
        let value =
            fields.iter().fold(quote!(#config), |value, field| quote_spanned!(field.span()=> #value.#field));
        let at = fields.last().map_or_else(|| option.span(), Ident::span);
        quote_spanned!(at=> #settings.#option(#path, &#value)?;)
    });
    let calls: TokenStream = calls.collect();
    let places = places.iter().map(|(option, path)| quote!((#option, #path)));
    Some(quote! {
        const SETTINGS: #private::Option<#private::ConfiguredSettings<Self::Config>> =
            #private::Option::Some(#private::ConfiguredSettings {
                places: &[#(#places),*],
                set: |#config, #settings| {
                    #calls
                    #private::Result::Ok(())
                },
            });
    })
}

/// The place of a field in the JSON of the configuration.
fn key_path(fields: &[Ident], configs: &[&Field<'_>]) -> String {
    let mut keys: Vec<String> = fields.iter().map(plain).collect();
    let first = fields.first().and_then(|first| configs.iter().find(|config| config.name == first));
    match first {
        // Its fields are among those of the configuration.
        Some(first) if matches!(first.default, super::valid::Default::Flatten) && keys.len() > 1 => {
            keys.remove(0);
        }
        Some(first) => keys[0].clone_from(&first.key),
        None => {}
    }
    keys.join(".")
}

/// Decodes the outputs that the function reads through its context.
fn prepare(stage: &Body<'_>, private: &TokenStream, own_future: bool) -> TokenStream {
    let context = local("context");
    let prepare = stage.reads.iter().enumerate().filter(|(_, read)| read.by_option).map(|(index, read)| {
        let alias = read_alias(stage, index);
        let function = if read.optional { quote!(prepare_optional) } else { quote!(prepare) };
        let call = quote!(#private::#function::<#alias>(&#context));
        if own_future {
            quote!(#call?;)
        } else {
            let error = local("error");
            quote!(if let #private::Result::Err(#error) = #call { return #private::failed(#error); })
        }
    });
    quote!(#(#prepare)*)
}

/// The call of the function.
fn run(
    stage: &Body<'_>,
    options: &Options,
    wait: Option<&Wait<'_>>,
    names: Option<&TokenStream>,
    private: &TokenStream,
) -> TokenStream {
    let name = &stage.function.signature.ident;
    let [input, config, context, output] = ["input", "config", "context", "output"].map(local);
    let own_context = |ty: &syn::Type| {
        let call = respan(quote!(<#ty as #private::ContextOf<Self>>::of), ty.span());
        quote!(&#call(&#context))
    };
    let borrows = any(stage, |parameter| {
        matches!(
            parameter,
            Parameter::Context(_)
                | Parameter::Read { by_reference: true, .. }
                // Also by value: rustc would report a value that is not `Send` a second time where the future is passed on.
                | Parameter::State { .. }
        )
    });
    let asks = options.signal.is_some();
    let own_future = borrows || wait.is_some() || asks;
    let arguments = arguments(stage, private, own_context, |read| {
        if own_future {
            quote!(#read?)
        } else {
            quote!(match #read {
                #private::Result::Ok(#output) => #output,
                #private::Result::Err(#output) => return #private::failed(#output),
            })
        }
    });
    let prepare = prepare(stage, private, own_future);
    let body = if own_future {
        let failure = failure(stage, private);
        let store = match wait {
            Some(wait) => wait.store(&returned(stage, private), &output),
            None if asks => signal::store(&output, private),
            None => quote!(#private::store::<Self>(#output)),
        };
        let pin = respan(quote!(#private::Box::pin), name.span());
        quote_spanned! {name.span()=>
            #pin(async move {
                #prepare
                match #name(#(#arguments),*).await {
                    #private::Result::Ok(#output) => #store,
                    #failure
                }
            })
        }
    } else {
        // The future of the function itself: rustc would check a generated future around it for every stage.
        let failure = into_error(stage, private);
        let finish = respan(quote!(#private::finish::<Self, _>), name.span());
        quote_spanned!(name.span()=> #prepare #finish(#name(#(#arguments),*), #failure))
    };
    // Unused parameters have no name.
    let named = |used: bool, name: &Ident| if used { quote!(#name) } else { quote!(_) };
    let input = named(any(stage, |parameter| matches!(parameter, Parameter::Input(_))), &input);
    let config = named(any(stage, |parameter| matches!(parameter, Parameter::Config(_))), &config);
    let context = named(borrows || !stage.reads.is_empty(), &context);
    // With the name's span, rustc reports a future that is not `Send` at the name of the function.
    quote_spanned!(name.span()=> run(#input, #config, #context) { #names #body })
}

fn any(body: &Body<'_>, is: impl Fn(&Parameter<'_>) -> bool) -> bool {
    body.parameters.iter().any(is)
}

/// The implementations that allow the stage to read its required and optional stages through its context.
fn reads(stage: &Body<'_>, private: &TokenStream) -> TokenStream {
    let name = &stage.function.signature.ident;
    let reads = stage.reads.iter().enumerate().map(|(index, read)| {
        // The path as it is written, which rustc shows if another stage is read.
        let path = paths::named(&read_alias(stage, index));
        let declared = if read.optional { quote!(Optionally) } else { quote!(Requires) };
        quote!(impl #private::#declared<#path> for #name {})
    });
    reads.collect()
}
