//! Writes the items of a stage. It cannot fail.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use super::attr::Options;
use super::call::{aliases, arguments, failure, into_error, local, read_alias, requirements, returned};
use super::record::Record;
use super::valid::{Body, Field, Parameter};
use super::wait::Wait;
use crate::casing::{kebab, pascal, plain, title};
use crate::function::Kind;
use crate::paths::respan;
use crate::{docs, paths};

/// The function, the type beside it, and the implementations. `names` are the options, for editors.
pub fn expand(stage: &Body<'_>, options: &Options, names: Option<&TokenStream>) -> TokenStream {
    let function = stage.function;
    let name = &function.signature.ident;
    let library = paths::library(options.krate.as_ref());
    let private = paths::private();
    let import = paths::import(&library);
    let conditions = docs::conditions(&function.attributes).collect::<Vec<_>>();
    let visibility = &function.visibility;

    let untouched = function.untouched();
    let marker = marker(Kind::Stage, name, visibility, &conditions);

    let inputs = fields(stage, |parameter| match parameter {
        Parameter::Input(field) => Some(field),
        _ => None,
    });
    let wait = Wait::new(name, options, &library);
    let check_field = wait.as_ref().map(Wait::config_field);
    let mut configs = configs(stage);
    if !configs.is_empty() {
        configs.extend(&check_field);
    }
    let input_name = format_ident!("{}Input", pascal(&plain(name)), span = name.span());
    let config_name = format_ident!("{}Config", pascal(&plain(name)), span = name.span());
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
    let record_impls =
        [&input, &config].map(|record| (!record.fields.is_empty()).then(|| record.implementations()));

    let input_type = if inputs.is_empty() { quote!(#private::NoInput) } else { quote!(#input_name) };
    let config_type = match &wait {
        _ if !configs.is_empty() => quote!(type Config = #config_name;),
        Some(wait) => wait.config(),
        None => quote!(type Config = #private::NoConfig;),
    };
    let types = [&input_type, &config_type];
    let implementation = implementation(stage, options, wait.as_ref(), types, &inputs);
    let aliases = aliases(stage);
    let reads = reads(stage, &private);
    let waits = wait.as_ref().map(|wait| wait.implementation(&prepare(stage, &private), !configs.is_empty()));

    quote! {
        #untouched
        #marker
        #(#records)*
        #(#conditions)*
        #[allow(deprecated, unexpected_cfgs, unused_qualifications, clippy::all, clippy::pedantic)]
        const _: () = {
            #import
            #names
            #aliases
            #reads
            #(#record_impls)*
            #implementation
            #waits
        };
    }
}

/// A braced structure: it takes the function's name in the namespace of types only.
pub fn marker(
    kind: Kind,
    name: &Ident,
    visibility: &syn::Visibility,
    conditions: &[&syn::Attribute],
) -> TokenStream {
    let doc = format!(" The {kind} of the function [`{}`](fn@{name}).", plain(name));
    // rustc points at the structure when it speaks of the stage, so it stands where the function's name does.
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

/// Which stage this is. The place of the attribute tells apart two stages of two function bodies.
pub fn path(name: &Ident, private: &Ident) -> TokenStream {
    let text = plain(name);
    quote!(#private::StagePath::new(::core::module_path!(), #text, ::core::line!(), ::core::column!()))
}

/// What the stage says about itself.
pub fn declaration(
    name: &Ident,
    attributes: &[syn::Attribute],
    options: &Options,
    private: &Ident,
    more: &TokenStream,
) -> TokenStream {
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
    quote!(#private::StageDeclaration::new(#id, #title, #description) #version #timeout #budget #over_budget #retry #more)
}

fn implementation(
    stage: &Body<'_>,
    options: &Options,
    wait: Option<&Wait<'_>>,
    [input_type, config_type]: [&TokenStream; 2],
    inputs: &[&Field<'_>],
) -> TokenStream {
    let private = paths::private();
    let name = &stage.function.signature.ident;
    let output = wait.map_or_else(
        || {
            let output = returned(stage, &private);
            quote!(type Output = #output;)
        },
        Wait::output,
    );
    let types = inputs.iter().map(|field| field.ty);
    let parameters = if let [only] = inputs {
        let ty = only.ty;
        quote!(#ty)
    } else {
        quote!((#(#types),*))
    };
    let requires = (!stage.reads.is_empty()).then(|| {
        let requirements = requirements(stage, &private);
        quote!(.requires(&[#requirements]))
    });
    let waits = wait.map(Wait::declaration);
    let more = quote!(#requires #waits);
    let declaration = declaration(name, &stage.function.attributes, options, &private, &more);
    let path = path(name, &private);
    let run = run(stage, wait, &private);
    quote! {
        impl #private::Stage for #name {
            type Input = #input_type;
            #config_type
            #output
            type Parameters = #parameters;
            const PATH: #private::StagePath = #path;
            const DECLARATION: #private::StageDeclaration = #declaration;
            #run
        }
    }
}

/// Reads what the body will ask its context for.
fn prepare(stage: &Body<'_>, private: &Ident) -> TokenStream {
    let context = local("context");
    let prepare = stage.reads.iter().enumerate().filter(|(_, read)| read.by_option).map(|(index, read)| {
        let alias = read_alias(index);
        let function = if read.optional { quote!(prepare_optional) } else { quote!(prepare) };
        quote!(#private::#function::<#alias>(&#context)?;)
    });
    quote!(#(#prepare)*)
}

/// The call of the function.
fn run(stage: &Body<'_>, wait: Option<&Wait<'_>>, private: &Ident) -> TokenStream {
    let name = &stage.function.signature.ident;
    let [input, config, context, output] = ["input", "config", "context", "output"].map(local);
    let arguments = arguments(stage, private, |ty| {
        let call = respan(quote!(<#ty as #private::ContextOf<Self>>::of), ty.span());
        quote!(&#call(&#context))
    });
    let failure = failure(stage, private);
    let borrows =
        !stage.reads.is_empty() || any(stage, |parameter| matches!(parameter, Parameter::Context(_)));
    let body = if borrows || wait.is_some() {
        let prepare = prepare(stage, private);
        let store = wait.map_or_else(
            || quote!(#private::store::<Self>(&#output)),
            |wait| wait.store(&returned(stage, private), &output),
        );
        let pin = respan(quote!(#private::Box::pin), name.span());
        quote_spanned! {name.span()=>
            #pin(async move {
                #prepare
                match #name(#(#arguments),*).await {
                    #private::Ok(#output) => #store,
                    #failure
                }
            })
        }
    } else {
        // The future of the function itself: one of ours around it would be checked for every stage.
        let failure = into_error(stage, private);
        let finish = respan(quote!(#private::finish::<Self, _>), name.span());
        quote_spanned!(name.span()=> #finish(#name(#(#arguments),*), #failure))
    };
    // Nothing is named that is not used.
    let named = |used: bool, name: &Ident| if used { quote!(#name) } else { quote!(_) };
    let input = named(any(stage, |parameter| matches!(parameter, Parameter::Input(_))), &input);
    let config = named(any(stage, |parameter| matches!(parameter, Parameter::Config(_))), &config);
    let context = named(borrows, &context);
    // The name's span: a future that is not `Send` is reported where the function is named.
    quote_spanned! {name.span()=>
        fn run(
            #input: Self::Input,
            #config: Self::Config,
            #context: #private::StageContext,
        ) -> #private::Running<#private::Json> {
            #body
        }
    }
}

fn any(body: &Body<'_>, is: impl Fn(&Parameter<'_>) -> bool) -> bool {
    body.parameters.iter().any(is)
}

/// What the stages that this one reads allow it to ask its context for.
fn reads(stage: &Body<'_>, private: &Ident) -> TokenStream {
    let name = &stage.function.signature.ident;
    let reads = stage.reads.iter().enumerate().map(|(index, read)| {
        // The path as it is written: rustc shows it when something else is asked for.
        let path = paths::named(&read_alias(index));
        let declared = if read.optional { quote!(Optionally) } else { quote!(Requires) };
        quote!(impl #private::#declared<#path> for #name {})
    });
    reads.collect()
}
