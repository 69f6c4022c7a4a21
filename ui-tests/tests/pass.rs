//! Compiles and runs every case under `stage/pass`, `check/pass` and `workflow/pass`, all in one program, which is built a second
//! time in edition 2021 by the package `ui-tests-edition-2021`.

use std::path::Path;

macro_rules! cases {
    ($($case:ident = $path:literal,)*) => {$(
        #[path = $path]
        #[allow(dead_code, clippy::all, clippy::pedantic)]
        mod $case;

        #[test]
        fn $case() {
            $case::main();
        }
    )*};
}

cases! {
    conditional = "stage/pass/conditional.rs",
    configured_limits = "stage/pass/configured_limits.rs",
    deprecated = "stage/pass/deprecated.rs",
    errors_that_convert = "stage/pass/errors_that_convert.rs",
    every_kind_of_parameter = "stage/pass/every_kind_of_parameter.rs",
    from_a_macro = "stage/pass/from_a_macro.rs",
    input_options = "stage/pass/input_options.rs",
    library_under_another_path = "stage/pass/library_under_another_path.rs",
    own_types = "stage/pass/own_types.rs",
    raw_identifiers = "stage/pass/raw_identifiers.rs",
    rules = "stage/pass/rules.rs",
    shadowed_names = "stage/pass/shadowed_names.rs",
    signals = "stage/pass/signals.rs",
    state = "stage/pass/state.rs",
    types = "stage/pass/types.rs",
    visibility = "stage/pass/visibility.rs",
    without_parameters = "stage/pass/without_parameters.rs",
}

cases! {
    waiting = "check/pass/waiting.rs",
}

cases! {
    child_workflows = "workflow/pass/child_workflows.rs",
    choices = "workflow/pass/choices.rs",
    commas = "workflow/pass/commas.rs",
    configuration = "workflow/pass/configuration.rs",
    conversion = "workflow/pass/conversion.rs",
    delays = "workflow/pass/delays.rs",
    groups = "workflow/pass/groups.rs",
    input_type = "workflow/pass/input_type.rs",
    inside_a_function = "workflow/pass/inside_a_function.rs",
    optional_and_absent = "workflow/pass/optional_and_absent.rs",
    pascal_case = "workflow/pass/pascal_case.rs",
    private_middle = "workflow/pass/private_middle.rs",
    several_in_one_macro = "workflow/pass/several_in_one_macro.rs",
    sixteen_branches = "workflow/pass/sixteen_branches.rs",
    stages_of_other_modules = "workflow/pass/stages_of_other_modules.rs",
    wide_group = "workflow/pass/wide_group.rs",
}

/// A case that is not in the list above would never be compiled.
#[test]
fn every_file_is_a_case() {
    let list = include_str!("pass.rs");
    for kind in ["stage", "check", "workflow"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(kind).join("pass");
        // The other edition has the folder elsewhere, and the same list.
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        for entry in entries {
            let name = entry.expect("the folder can be read").file_name();
            let path = format!("{kind}/pass/{}", name.to_string_lossy());
            assert!(list.contains(&path), "{path} is not in the list of tests/pass.rs");
        }
    }
}
