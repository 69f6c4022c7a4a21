//! Lists of options: `name`, `name = value`, `name(…)`, separated by commas.

use proc_macro2::{Span, TokenTree};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Ident, LitInt, LitStr, Path, Result, Token, Type};

use crate::casing::Case;
use crate::errors::{self, Errors};

/// The options of one attribute or option. The parser and its messages use the same table.
pub struct Table {
    /// The owner in messages: "`#[stage]`".
    pub owner: &'static str,
    pub names: &'static [&'static str],
}

pub const STAGE: Table = Table {
    owner: "`#[stage]`",
    names: &[
        "id",
        "name",
        "version",
        "retry",
        "timeout",
        "rename_all",
        "budget",
        "over_budget",
        "require",
        "optional",
        "check",
        "signal",
        "poll_every",
        "give_up_after",
        "crate",
    ],
};
pub const CHECK: Table = Table { owner: "`#[check]`", names: &["rename_all", "crate"] };
pub const RETRY: Table = Table {
    owner: "`retry`",
    names: &["max_attempts", "max_crashes", "backoff", "initial", "max", "jitter"],
};
pub const CONFIG: Table =
    Table { owner: "`#[config]`", names: &["default", "flatten", "rename", "range", "length", "pattern"] };
pub const INPUT: Table = Table { owner: "`#[input]`", names: &["rename", "range", "length", "pattern"] };
pub const WORKFLOW: Table =
    Table { owner: "`#[workflow]`", names: &["id", "name", "version", "deadline", "unknown_input", "crate"] };

/// All tables, to find the owner of a misplaced option.
const TABLES: [&Table; 6] = [&STAGE, &RETRY, &CONFIG, &INPUT, &CHECK, &WORKFLOW];

/// An option whose value is a field of the stage's configuration: `timeout = config.timeout`.
pub struct Configured {
    pub option: Ident,
    /// `config`, as it is written.
    pub config: Ident,
    /// The field, and fields of that field.
    pub fields: Vec<Ident>,
}

/// Reads the options one by one. A mistake in one does not affect the others.
pub fn parse(
    input: ParseStream<'_>,
    table: &Table,
    errors: &mut Errors,
    mut read: impl FnMut(&Ident, ParseStream<'_>, &mut Errors) -> Result<()>,
) {
    let mut seen: Vec<String> = Vec::new();
    while !input.is_empty() {
        if !input.peek(Ident::peek_any) {
            errors.push(errors::options::expected(input.span(), table.owner, table.names));
            skip_to_comma(input);
            continue;
        }
        let Some(name) = errors.take(input.call(Ident::parse_any)) else { return };
        let text = name.to_string();
        if !table.names.contains(&text.as_str()) {
            errors.push(unknown(&name, &text, table));
            skip_to_comma(input);
            continue;
        }
        if seen.contains(&text) {
            errors.push(errors::options::repeated(&name, table.owner));
            skip_to_comma(input);
            continue;
        }
        seen.push(text);
        if let Err(error) = read(&name, input, errors) {
            errors.push(error);
            skip_to_comma(input);
        } else if !input.is_empty() && !input.peek(Token![,]) {
            errors.push(errors::options::expected_comma(input.span()));
            skip_to_comma(input);
        } else {
            skip_to_comma(input);
        }
    }
}

fn unknown(name: &Ident, text: &str, table: &Table) -> syn::Error {
    let elsewhere = TABLES.iter().find(|other| other.names.contains(&text));
    match elsewhere {
        Some(other) => errors::options::misplaced(name, other.owner, table.owner),
        None => errors::options::unknown(name, table.owner, table.names),
    }
}

/// Skips the tokens up to the next comma, and the comma.
fn skip_to_comma(input: ParseStream<'_>) {
    while !input.is_empty() {
        if input.parse::<Token![,]>().is_ok() {
            return;
        }
        // Any token tree parses, so a failure is the end of the input.
        if input.parse::<TokenTree>().is_err() {
            return;
        }
    }
}

/// The span of a missing value: the next token, or the option's name if there is none.
fn place(name: &Ident, input: ParseStream<'_>) -> Span {
    if input.is_empty() || input.peek(Token![,]) { name.span() } else { input.span() }
}

/// `name = "text"`.
pub fn text(name: &Ident, input: ParseStream<'_>, example: &str) -> Result<LitStr> {
    equals(name, input, example)?;
    // A literal of another kind is consumed by the attempt.
    let at = place(name, input);
    input.parse().map_err(|_| errors::options::value(at, name, example))
}

/// `id = "text"`.
pub fn id(name: &Ident, input: ParseStream<'_>) -> Result<LitStr> {
    let literal = text(name, input, "id = \"extract-text\"")?;
    let value = literal.value();
    if value.is_empty() || value.contains(char::is_whitespace) {
        return Err(errors::options::id(&literal));
    }
    // `embed[17]` is the stage `embed` at a place.
    if value.contains(['[', ']']) {
        return Err(errors::options::brackets_in_id(&literal));
    }
    Ok(literal)
}

/// `rename = "maxLength"`.
pub fn rename(name: &Ident, input: ParseStream<'_>) -> Result<LitStr> {
    let literal = text(name, input, "rename = \"maxLength\"")?;
    if literal.value().is_empty() {
        return Err(errors::options::empty_key(&literal));
    }
    Ok(literal)
}

/// `rename_all = "camelCase"`.
pub fn rename_all(name: &Ident, input: ParseStream<'_>) -> Result<Case> {
    let literal = text(name, input, "rename_all = \"camelCase\"")?;
    Case::of(&literal.value()).ok_or_else(|| errors::options::case(&literal))
}

/// `name = value`, where the value is one of two words. Returns whether it is the second.
pub fn second_word(name: &Ident, input: ParseStream<'_>, words: [&str; 2]) -> Result<bool> {
    let example = format!("{name} = {}", words[1]);
    equals(name, input, &example)?;
    let at = place(name, input);
    let word = input.call(Ident::parse_any).map_err(|_| errors::options::value(at, name, &example))?;
    match words.iter().position(|known| word == known) {
        Some(index) => Ok(index == 1),
        None => Err(errors::options::word(&word, name, words)),
    }
}

/// `name = N` with N from 1.
pub fn count(name: &Ident, input: ParseStream<'_>) -> Result<u32> {
    let example = format!("{name} = 2");
    equals(name, input, &example)?;
    let wrong = |span| errors::options::value(span, name, &example);
    let at = place(name, input);
    let literal: LitInt = input.parse().map_err(|_| wrong(at))?;
    match literal.base10_parse::<u32>() {
        Ok(0) => Err(errors::options::zero(&literal, &name.to_string())),
        Ok(number) => Ok(number),
        Err(_) => Err(wrong(literal.span())),
    }
}

/// `name = "30s"` in milliseconds.
pub fn duration(name: &Ident, input: ParseStream<'_>) -> Result<u64> {
    let literal = text(name, input, &format!("{name} = \"30s\""))?;
    crate::duration::millis(&literal.value()).ok_or_else(|| errors::options::duration(&literal))
}

/// Whether a value follows that is a field of the configuration: `= config.…`.
pub fn is_configured(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    ahead.parse::<Token![=]>().is_ok()
        && ahead.parse::<Ident>().is_ok_and(|name| name == "config")
        && ahead.peek(Token![.])
}

/// `name = config.field`, after [`is_configured`].
pub fn configured(name: &Ident, input: ParseStream<'_>) -> Result<Configured> {
    input.parse::<Token![=]>()?;
    let config = input.parse()?;
    let mut fields = Vec::new();
    while input.parse::<Option<Token![.]>>()?.is_some() {
        let wrong = errors::options::value(place(name, input), name, &format!("{name} = config.{name}"));
        fields.push(input.parse().map_err(|_| wrong)?);
    }
    Ok(Configured { option: name.clone(), config, fields })
}

/// `budget = "0.50 USD"` in millionths of a millionth of a dollar.
pub fn amount(name: &Ident, input: ParseStream<'_>) -> Result<i64> {
    let literal = text(name, input, &format!("{name} = \"0.50 USD\""))?;
    crate::amount::picodollars(&literal.value()).ok_or_else(|| errors::options::amount(&literal))
}

/// `crate = path`.
pub fn crate_path(name: &Ident, input: ParseStream<'_>) -> Result<Path> {
    let wrong = |span| errors::options::crate_path(span);
    input.parse::<Token![=]>().map_err(|_| wrong(place(name, input)))?;
    let at = place(name, input);
    input.call(Path::parse_mod_style).map_err(|_| wrong(at))
}

/// `name = path`.
pub fn path(name: &Ident, input: ParseStream<'_>, example: &str) -> Result<Path> {
    equals(name, input, example)?;
    let at = place(name, input);
    input.call(Path::parse_mod_style).map_err(|_| errors::options::value(at, name, example))
}

/// `signal = Decision`: a type.
pub fn ty(name: &Ident, input: ParseStream<'_>) -> Result<Type> {
    let example = format!("{name} = Decision");
    equals(name, input, &example)?;
    let at = place(name, input);
    input.parse().map_err(|_| errors::options::value(at, name, &example))
}

/// The `=` of `name = value`.
pub fn equals(name: &Ident, input: ParseStream<'_>, example: &str) -> Result<()> {
    match input.parse::<Token![=]>() {
        Ok(_) => Ok(()),
        Err(_) => Err(errors::options::value(place(name, input), name, example)),
    }
}
