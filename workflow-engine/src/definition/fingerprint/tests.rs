//! The fingerprint, over arbitrary definitions: it changes exactly when ids, versions, edges or schemas change.

use std::cell::RefCell;

use proptest::prelude::*;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::definition::{
    ConfigDefinition, InputDefinition, OverBudget, RetryPolicy, Source, StageDefinition, UnknownInput,
    WorkflowDefinition, fingerprint,
};
use crate::value::{Cost, Json};

/// The parts of a definition that decide the fingerprint: it is equal for equal models only.
#[derive(Clone, Debug, PartialEq)]
struct Model {
    id: String,
    version: u32,
    input: Fields,
    stages: Vec<Stage>,
    ends: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq)]
struct Stage {
    id: String,
    version: u32,
    after: Vec<usize>,
    reads: Vec<usize>,
    /// Of input, output and configuration.
    schemas: [Fields; 3],
}

/// Name, type, and whether it is required; by name.
type Fields = Vec<(String, &'static str, bool)>;

/// Parts of a definition that do not change the fingerprint.
#[derive(Clone, Debug)]
struct Dress {
    text: String,
    number: u32,
    reversed: bool,
    named: bool,
}

/// The highest number of stages: each function below represents one schema.
const STAGES: usize = 3;

thread_local! {
    static SCHEMAS: RefCell<Vec<Value>> = const { RefCell::new(Vec::new()) };
}

/// A definition holds functions without state, so the state is here.
fn nth<const N: usize>() -> Schema {
    SCHEMAS.with_borrow(|schemas| Schema::try_from(schemas[N].clone()).expect("it is an object"))
}

fn nth_generated<const N: usize>(_: SchemaGenerator) -> Schema {
    nth::<N>()
}

/// Input, output and configuration of each stage.
type Triple = (fn(SchemaGenerator) -> Schema, fn() -> Schema, fn(SchemaGenerator) -> Schema);
const OF_STAGES: [Triple; STAGES] = [
    (nth_generated::<1>, nth::<2>, nth_generated::<3>),
    (nth_generated::<4>, nth::<5>, nth_generated::<6>),
    (nth_generated::<7>, nth::<8>, nth_generated::<9>),
];

fn schema(fields: &Fields, dress: &Dress) -> Value {
    let mut fields = fields.clone();
    if dress.reversed {
        fields.reverse();
    }
    let mut definitions = Map::new();
    let mut properties = Map::new();
    for (name, kind, _) in &fields {
        let plain = json!({"type": kind, "description": dress.text});
        let mut property = if dress.named {
            // The same type behind a reference.
            let definition = format!("{}{name}", dress.text);
            definitions.insert(definition.clone(), plain);
            json!({"$ref": format!("#/$defs/{definition}")})
        } else {
            plain
        };
        property["default"] = json!(dress.number);
        properties.insert(name.clone(), property);
    }
    let required: Vec<&String> =
        fields.iter().filter(|(.., required)| *required).map(|(name, ..)| name).collect();
    let mut schema =
        json!({"type": "object", "title": dress.text, "properties": properties, "required": required});
    if !definitions.is_empty() {
        schema["$defs"] = Value::Object(definitions);
    }
    schema
}

/// The fingerprint of the model in this dress.
fn hashed(model: &Model, dress: &Dress) -> String {
    let schemas = std::iter::once(&model.input).chain(model.stages.iter().flat_map(|stage| &stage.schemas));
    SCHEMAS.replace(schemas.map(|fields| schema(fields, dress)).collect());
    let stages = model.stages.iter().zip(OF_STAGES).map(|(stage, (input, output, config))| StageDefinition {
        id: stage.id.clone(),
        name: dress.text.clone(),
        version: stage.version,
        description: dress.text.clone(),
        number: dress.number,
        execution_group: dress.number,
        predecessors: stage.after.clone(),
        successors: Vec::new(),
        inputs: stage.after.clone(),
        state: Vec::new(),
        reads: stage.reads.clone(),
        retry: RetryPolicy { max_attempts: dress.number, jitter: dress.named, ..RetryPolicy::DEFAULT },
        timeout: None,
        budget: dress.named.then_some(Cost::MAX),
        over_budget: if dress.named { OverBudget::Wait } else { OverBudget::Fail },
        wait: None,
        child: None,
        delay: dress.named.then_some(std::time::Duration::from_secs(1)),
        choice: None,
        source: Source::Nothing,
        entry: |_| unreachable!("nothing runs"),
        input_schema: input,
        input_rules: None,
        output_schema: output,
        read_output: |output| Ok(output.clone()),
        config: ConfigDefinition::new(config, |_| Ok(Json::null())),
        read_settings: None,
    });
    fingerprint(&WorkflowDefinition {
        id: model.id.clone(),
        name: dress.text.clone(),
        version: model.version,
        description: dress.text.clone(),
        stages: stages.collect(),
        output_stages: model.ends.clone(),
        deadline: dress.named.then_some(std::time::Duration::from_secs(1)),
        catches: Vec::new(),
        output: Source::Nothing,
        fingerprint: String::new(),
        input: InputDefinition::new(|_| nth::<0>(), |input| Ok(input.clone()), |_| None, UnknownInput::Deny),
        output_schema: nth::<0>,
        config_schema: nth::<0>,
    })
}

fn fields() -> impl Strategy<Value = Fields> {
    let kind = prop_oneof![Just("string"), Just("integer"), Just("boolean")];
    // Names that are keywords of JSON Schema, too.
    let name = prop_oneof!["[ab]", Just("title".to_owned()), Just("default".to_owned())];
    proptest::collection::btree_map(name, (kind, any::<bool>()), 0..3).prop_map(|fields| {
        fields.into_iter().map(|(name, (kind, required))| (name, kind, required)).collect()
    })
}

fn earlier(index: usize) -> impl Strategy<Value = Vec<usize>> {
    proptest::sample::subsequence((0..index).collect::<Vec<_>>(), 0..=index)
}

fn stage(index: usize) -> impl Strategy<Value = Stage> {
    ("[ab]", 1_u32..3, earlier(index), earlier(index), [fields(), fields(), fields()])
        .prop_map(|(id, version, after, reads, schemas)| Stage { id, version, after, reads, schemas })
}

/// Few values for everything, so that equal models come up.
fn model() -> impl Strategy<Value = Model> {
    ("[ab]", 1_u32..3, fields(), (stage(0), stage(1), stage(2)), 1..=STAGES).prop_map(
        |(id, version, input, (first, second, third), count)| {
            let stages: Vec<Stage> = [first, second, third].into_iter().take(count).collect();
            Model { id, version, input, ends: vec![stages.len() - 1], stages }
        },
    )
}

fn dress() -> impl Strategy<Value = Dress> {
    ("[a-z]{0,5}", 1_u32..9, any::<bool>(), any::<bool>()).prop_map(|(text, number, reversed, named)| Dress {
        text,
        number,
        reversed,
        named,
    })
}

/// The model with one thing changed.
fn changed(model: &Model, what: usize, at: usize) -> Model {
    let mut model = model.clone();
    let last = model.stages.len() - 1;
    let stage = &mut model.stages[at % (last + 1)];
    match what {
        0 => model.id.push('x'),
        1 => model.version += 1,
        2 => stage.id.push('x'),
        3 => stage.version += 1,
        4 => stage.after.push(at),
        5 => stage.reads.push(at),
        6 => stage.schemas[at % 3].push(("new".to_owned(), "string", false)),
        7 => stage.schemas[at % 3].push(("new".to_owned(), "string", true)),
        8 => model.input.push(("new".to_owned(), "integer", false)),
        _ => model.ends.push(last),
    }
    model
}

proptest! {
    #[test]
    fn what_only_explains_does_not_change_it(model in model(), one in dress(), other in dress()) {
        prop_assert_eq!(hashed(&model, &one), hashed(&model, &other));
    }

    #[test]
    fn what_decides_changes_it(model in model(), one in dress(), other in dress(), what in 0_usize..10, at in 0_usize..9) {
        let changed = changed(&model, what, at);
        prop_assert_ne!(hashed(&model, &one), hashed(&changed, &other));
    }

    #[test]
    fn it_is_equal_exactly_for_equal_definitions(a in model(), b in model(), dress in dress()) {
        prop_assert_eq!(hashed(&a, &dress) == hashed(&b, &dress), a == b);
    }

    #[test]
    fn a_field_that_becomes_required_or_another_type_changes_it(model in model(), dress in dress(), at in 0_usize..9) {
        let mut changed = model.clone();
        let stage = at % model.stages.len();
        prop_assume!(!model.stages[stage].schemas[at % 3].is_empty());
        let field = &mut changed.stages[stage].schemas[at % 3][0];
        if at % 2 == 0 {
            field.2 = !field.2;
        } else {
            field.1 = "number";
        }
        prop_assert_ne!(hashed(&model, &dress), hashed(&changed, &dress));
    }
}
