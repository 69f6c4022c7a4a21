/// Processes.
#[allow(non_camel_case_types, dead_code, missing_debug_implementations)]
pub struct process {}
/// The input of the workflow [`process`](struct@process).
#[allow(dead_code, unused_qualifications)]
pub type ProcessInput = <__Process0 as ::workflow_engine::Stage>::Input;
type __Process0Path = load;
type __Process0 = <__Process0Path as ::workflow_engine::__private::Known<
    { <__Process0Path as ::workflow_engine::__private::Stage>::IS_STAGE },
>>::Type;
type __Process1Path = count;
type __Process1 = <__Process1Path as ::workflow_engine::__private::Known<
    { <__Process1Path as ::workflow_engine::__private::Stage>::IS_STAGE },
>>::Type;
type __Process2Path = b::rank;
type __Process2 = <__Process2Path as ::workflow_engine::__private::Known<
    { <__Process2Path as ::workflow_engine::__private::Stage>::IS_STAGE },
>>::Type;
type __Process3Path = report;
type __Process3 = <__Process3Path as ::workflow_engine::__private::Known<
    { <__Process3Path as ::workflow_engine::__private::Stage>::IS_STAGE },
>>::Type;
::workflow_engine::__private::workflow! {
    [] pub, 4 ProcessConfig = "ProcessConfig"
    " The configuration of the workflow [`process`](struct@process), with a field for each stage, in JSON under the stage's id."
    ProcessOutputs = "ProcessOutputs"
    " The outputs of a run of the workflow [`process`](struct@process), `None` for a stage without an output."
    { __Process0 load "load" " The configuration of the stage `load`."
    " The output of the stage `load`." __Process1 count "count"
    " The configuration of the stage `count`." " The output of the stage `count`."
    __Process2 rank "rank" " The configuration of the stage `rank`."
    " The output of the stage `rank`." __Process3 report "report"
    " The configuration of the stage `report`." " The output of the stage `report`." } {
    use ::workflow_engine::__private; const TABLE : & __private::WorkflowTable = &
    __private::WorkflowTable { id : "process", name : "Process", version : 1u32,
    description : "Processes.", stages : & [< __Process0 as __private::Starts < process,
    < process as __private::Workflow > ::Input, __private::ParametersOf < __Process0 > >>
    ::ROW, < __Process1 as __private::Follows < __Process0, __private::OutputOf <
    __Process0 >, __private::ParametersOf < __Process1 >> > ::ROW, < __Process2 as
    __private::Follows < __Process0, __private::OutputOf < __Process0 >,
    __private::ParametersOf < __Process2 >> > ::ROW, < __Process3 as __private::StageNode
    > ::ROW.entered(< __Process3 as __private::Joins << __private::Group <
    (__private::Single < __Process1 >, __private::Single < __Process2 >) > as
    __private::Upstream > ::Value, __private::ParametersOf < __Process3 >> > ::entry:: <
    __private::Group < (__private::Single < __Process1 >, __private::Single < __Process2
    >) > >)], predecessors : & [& [], & [0], & [0], & [1, 2]], output_stages : & [3],
    choices : & [], received : & [], catches : & [], timing : __private::Timing::NONE,
    input : __private::InputRow::of:: < process > (), output_schema :
    __private::output_schema:: < __private::Single < __Process3 > >, config_schema :
    __private::schema:: < ProcessConfig >, }; impl __private::Workflow for process { type
    Input = < __Process0 as __private::Stage > ::Input; type Output = < __Process3 as
    __private::Stage > ::Output; type Config = ProcessConfig; type Outputs =
    ProcessOutputs; type StepInput = Self::Input; const STEP :
    __private::StageDeclaration =
    __private::StageDeclaration::new(__private::StagePath::here(::core::module_path!(),
    "process"), "process", "Process", "Processes."); fn definition() -> & 'static
    __private::WorkflowDefinition { static DEFINITION : __private::LazyLock <
    __private::WorkflowDefinition > = __private::LazyLock::new(||
    __private::define(TABLE)); & DEFINITION } fn decode_output(outputs : &
    [__private::Json],) -> __private::Result < Self::Output, __private::JsonError > {
    __private::decode_output:: < __private::Single < __Process3 > > (outputs) } fn
    decode_outputs(stored : & __private::HashMap < __private::String, __private::Json >,)
    -> __private::Result < Self::Outputs, __private::JsonError > {
    __private::Decoded::decode(stored) } } const GRAPH : & __private::Graph = &
    __private::Graph { workflow : "process", nodes : & [< __Process0 as
    __private::StageNode > ::NODE, < __Process1 as __private::StageNode > ::NODE, <
    __Process2 as __private::StageNode > ::NODE, < __Process3 as __private::StageNode >
    ::NODE], ancestors : & [& [0], & [1], & [1], & [7]], certain : & [], excluded : & [],
    caught : & [], }; struct Place < const IS_REPEATED : bool, const AT : usize >; trait
    Listed < S > { type Stage; } impl < S, const AT : usize > Listed < S > for Place <
    false, AT > { type Stage = S; } impl < S, const AT : usize > Listed < S > for Place <
    true, AT > { type Stage = __private::Repeated < S, AT >; } impl __private::HasStage <
    < Place < { __private::is_repeated(GRAPH, 0) }, 0 > as Listed < __Process0Path >>
    ::Stage > for process {} impl __private::HasStage < < Place < {
    __private::is_repeated(GRAPH, 1) }, 1 > as Listed < __Process1Path >> ::Stage > for
    process {} impl __private::HasStage < < Place < { __private::is_repeated(GRAPH, 2) },
    2 > as Listed < __Process2Path >> ::Stage > for process {} impl __private::HasStage <
    < Place < { __private::is_repeated(GRAPH, 3) }, 3 > as Listed < __Process3Path >>
    ::Stage > for process {} const _ : () = __private::check_stage(GRAPH, 0); const _ :
    () = __private::check_stage(GRAPH, 1); const _ : () = __private::check_stage(GRAPH,
    2); const _ : () = __private::check_stage(GRAPH, 3); }
}
