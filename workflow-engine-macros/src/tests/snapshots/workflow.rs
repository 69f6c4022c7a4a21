/// Processes.
#[allow(non_camel_case_types, dead_code, missing_debug_implementations)]
pub struct process {}
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
/// The configuration of the workflow [`process`](struct@process), a field for each stage; in JSON under its id.
#[allow(dead_code, private_interfaces, clippy::struct_field_names)]
pub struct ProcessConfig {
    /// The configuration of the stage `load`.
    pub load: <__Process0 as ::workflow_engine::Stage>::Config,
    /// The configuration of the stage `count`.
    pub count: <__Process1 as ::workflow_engine::Stage>::Config,
    /// The configuration of the stage `rank`.
    pub rank: <__Process2 as ::workflow_engine::Stage>::Config,
    /// The configuration of the stage `report`.
    pub report: <__Process3 as ::workflow_engine::Stage>::Config,
}
/// The outputs of a run of the workflow [`process`](struct@process), as far as there are any.
#[allow(dead_code, private_interfaces, clippy::struct_field_names)]
pub struct ProcessOutputs {
    /// The output of the stage `load`.
    pub load: ::core::option::Option<<__Process0 as ::workflow_engine::Stage>::Output>,
    /// The output of the stage `count`.
    pub count: ::core::option::Option<<__Process1 as ::workflow_engine::Stage>::Output>,
    /// The output of the stage `rank`.
    pub rank: ::core::option::Option<<__Process2 as ::workflow_engine::Stage>::Output>,
    /// The output of the stage `report`.
    pub report: ::core::option::Option<<__Process3 as ::workflow_engine::Stage>::Output>,
}
#[allow(deprecated, unused_qualifications, clippy::all, clippy::pedantic)]
const _: () = {
    use ::workflow_engine::__private;
    const TABLE: &__private::WorkflowTable = &__private::WorkflowTable {
        id: "process",
        name: "Process",
        version: 1u32,
        description: "Processes.",
        stages: &[
            <__Process0 as __private::Starts<
                process,
                <process as __private::Workflow>::Input,
                <__Process0 as __private::Stage>::Parameters,
            >>::ROW,
            <__Process1 as __private::Follows<
                __Process0,
                <__Process0 as __private::Stage>::Output,
                <__Process1 as __private::Stage>::Parameters,
            >>::ROW,
            <__Process2 as __private::Follows<
                __Process0,
                <__Process0 as __private::Stage>::Output,
                <__Process2 as __private::Stage>::Parameters,
            >>::ROW,
            <__Process3 as __private::Stage>::ROW
                .entered(
                    <__Process3 as __private::Joins<
                        <__private::Group<
                            (__private::One<__Process1>, __private::One<__Process2>),
                        > as __private::Handed>::Value,
                        <__Process3 as __private::Stage>::Parameters,
                    >>::entry::<
                        __private::Group<
                            (__private::One<__Process1>, __private::One<__Process2>),
                        >,
                    >,
                ),
        ],
        after: &[&[], &[0], &[0], &[1, 2]],
        ends: &[3],
        input: __private::InputRow::of::<process>(),
        output_schema: __private::output_schema::<__private::One<__Process3>>,
        config_schema: __private::schema::<ProcessConfig>,
    };
    impl __private::Record for ProcessConfig {
        const NAME: &'static str = "ProcessConfig";
        const FIELDS: &'static [&'static str] = &__private::ids::<4>(TABLE);
        const FLATTENED: bool = false;
        const STRICT: bool = true;
        fn write<__M: __private::SerializeMap>(
            &self,
            map: &mut __M,
        ) -> __private::Result<(), __M::Error> {
            __private::write_stage::<__Process0, __M>(map, &self.load)?;
            __private::write_stage::<__Process1, __M>(map, &self.count)?;
            __private::write_stage::<__Process2, __M>(map, &self.rank)?;
            __private::write_stage::<__Process3, __M>(map, &self.report)?;
            __private::Ok(())
        }
        fn read<'__de, __A: __private::MapAccess<'__de>>(
            reader: &mut __private::Reader<'__de, __A>,
        ) -> __private::Result<Self, __A::Error> {
            reader.collect()?;
            __private::Ok(Self {
                load: reader.stage_config::<__Process0>()?,
                count: reader.stage_config::<__Process1>()?,
                rank: reader.stage_config::<__Process2>()?,
                report: reader.stage_config::<__Process3>()?,
            })
        }
        fn schema(object: &mut __private::ObjectSchema<'_>) {
            __private::describe(TABLE, object);
        }
    }
    impl __private::Debug for ProcessOutputs
    where
        for<'__any> __private::OutputOf<__Process0>: __private::Debug,
        for<'__any> __private::OutputOf<__Process1>: __private::Debug,
        for<'__any> __private::OutputOf<__Process2>: __private::Debug,
        for<'__any> __private::OutputOf<__Process3>: __private::Debug,
    {
        fn fmt(&self, f: &mut __private::Formatter<'_>) -> __private::FmtResult {
            f.debug_struct("ProcessOutputs")
                .field("load", &self.load)
                .field("count", &self.count)
                .field("rank", &self.rank)
                .field("report", &self.report)
                .finish()
        }
    }
    impl __private::Default for ProcessConfig
    where
        for<'__any> __private::ConfigOf<__Process0>: __private::Default,
        for<'__any> __private::ConfigOf<__Process1>: __private::Default,
        for<'__any> __private::ConfigOf<__Process2>: __private::Default,
        for<'__any> __private::ConfigOf<__Process3>: __private::Default,
    {
        fn default() -> Self {
            Self {
                load: __private::Default::default(),
                count: __private::Default::default(),
                rank: __private::Default::default(),
                report: __private::Default::default(),
            }
        }
    }
    __private::delegate!(ProcessConfig);
    impl __private::Workflow for process {
        type Input = <__Process0 as __private::Stage>::Input;
        type Output = <__Process3 as __private::Stage>::Output;
        type Config = ProcessConfig;
        type Outputs = ProcessOutputs;
        fn definition() -> &'static __private::WorkflowDefinition {
            static DEFINITION: __private::LazyLock<__private::WorkflowDefinition> = __private::LazyLock::new(||
            __private::define(TABLE));
            &DEFINITION
        }
        fn decode_output(
            ends: &[__private::Json],
        ) -> __private::Result<Self::Output, __private::JsonError> {
            __private::decode_ends::<__private::One<__Process3>>(ends)
        }
        fn decode_outputs(
            stored: &__private::HashMap<__private::String, __private::Json>,
        ) -> __private::Result<Self::Outputs, __private::JsonError> {
            __private::Ok(ProcessOutputs {
                load: __private::decode_stored::<__Process0>(stored)?,
                count: __private::decode_stored::<__Process1>(stored)?,
                rank: __private::decode_stored::<__Process2>(stored)?,
                report: __private::decode_stored::<__Process3>(stored)?,
            })
        }
    }
    const GRAPH: &__private::Graph = &__private::Graph {
        workflow: "process",
        nodes: &[
            <__Process0 as __private::Stage>::NODE,
            <__Process1 as __private::Stage>::NODE,
            <__Process2 as __private::Stage>::NODE,
            <__Process3 as __private::Stage>::NODE,
        ],
        ancestors: &[&[0], &[1], &[1], &[7]],
    };
    const _: () = __private::check_stage(GRAPH, 0);
    const _: () = __private::check_stage(GRAPH, 1);
    const _: () = __private::check_stage(GRAPH, 2);
    const _: () = __private::check_stage(GRAPH, 3);
};
