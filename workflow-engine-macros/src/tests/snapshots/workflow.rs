/// Processes.
#[allow(non_camel_case_types, dead_code, missing_debug_implementations)]
pub struct process {}
#[allow(non_camel_case_types, dead_code)]
type __process_0 = load;
#[allow(non_camel_case_types, dead_code)]
type __process_1 = count;
#[allow(non_camel_case_types, dead_code)]
type __process_2 = b::rank;
#[allow(non_camel_case_types, dead_code)]
type __process_3 = report;
/// The configuration of the workflow [`process`](struct@process), a field for each stage; in JSON under its id.
#[allow(dead_code, private_interfaces, clippy::struct_field_names)]
pub struct ProcessConfig {
    /// The configuration of the stage `load`.
    pub load: <__process_0 as ::workflow_engine::Stage>::Config,
    /// The configuration of the stage `count`.
    pub count: <__process_1 as ::workflow_engine::Stage>::Config,
    /// The configuration of the stage `rank`.
    pub rank: <__process_2 as ::workflow_engine::Stage>::Config,
    /// The configuration of the stage `report`.
    pub report: <__process_3 as ::workflow_engine::Stage>::Config,
}
/// The outputs of a run of the workflow [`process`](struct@process), as far as there are any.
#[allow(dead_code, private_interfaces, clippy::struct_field_names)]
pub struct ProcessOutputs {
    /// The output of the stage `load`.
    pub load: ::core::option::Option<<__process_0 as ::workflow_engine::Stage>::Output>,
    /// The output of the stage `count`.
    pub count: ::core::option::Option<<__process_1 as ::workflow_engine::Stage>::Output>,
    /// The output of the stage `rank`.
    pub rank: ::core::option::Option<<__process_2 as ::workflow_engine::Stage>::Output>,
    /// The output of the stage `report`.
    pub report: ::core::option::Option<
        <__process_3 as ::workflow_engine::Stage>::Output,
    >,
}
#[allow(deprecated, clippy::all, clippy::pedantic)]
const _: () = {
    impl ::workflow_engine::__private::Record for ProcessConfig {
        const NAME: &'static str = "ProcessConfig";
        const FIELDS: &'static [&'static str] = &[
            <__process_0 as ::workflow_engine::Stage>::DECLARATION.id,
            <__process_1 as ::workflow_engine::Stage>::DECLARATION.id,
            <__process_2 as ::workflow_engine::Stage>::DECLARATION.id,
            <__process_3 as ::workflow_engine::Stage>::DECLARATION.id,
        ];
        const FLATTENED: bool = false;
        const STRICT: bool = true;
        fn write<__M>(&self, map: &mut __M) -> ::core::result::Result<(), __M::Error>
        where
            __M: ::workflow_engine::__private::serde::ser::SerializeMap,
        {
            ::workflow_engine::__private::write_stage::<
                __process_0,
                __M,
            >(map, &self.load)?;
            ::workflow_engine::__private::write_stage::<
                __process_1,
                __M,
            >(map, &self.count)?;
            ::workflow_engine::__private::write_stage::<
                __process_2,
                __M,
            >(map, &self.rank)?;
            ::workflow_engine::__private::write_stage::<
                __process_3,
                __M,
            >(map, &self.report)?;
            ::core::result::Result::Ok(())
        }
        fn read<'__de, __A>(
            reader: &mut ::workflow_engine::__private::Reader<'__de, __A>,
        ) -> ::core::result::Result<Self, __A::Error>
        where
            __A: ::workflow_engine::__private::serde::de::MapAccess<'__de>,
        {
            let mut slot_0 = ::core::option::Option::None;
            let mut slot_1 = ::core::option::Option::None;
            let mut slot_2 = ::core::option::Option::None;
            let mut slot_3 = ::core::option::Option::None;
            while let ::core::option::Option::Some(index) = reader.next_field()? {
                match index {
                    0usize => reader.stage_value::<__process_0>(&mut slot_0)?,
                    1usize => reader.stage_value::<__process_1>(&mut slot_1)?,
                    2usize => reader.stage_value::<__process_2>(&mut slot_2)?,
                    3usize => reader.stage_value::<__process_3>(&mut slot_3)?,
                    _ => {}
                }
            }
            ::core::result::Result::Ok(Self {
                load: reader.stage_config::<__process_0>(slot_0)?,
                count: reader.stage_config::<__process_1>(slot_1)?,
                rank: reader.stage_config::<__process_2>(slot_2)?,
                report: reader.stage_config::<__process_3>(slot_3)?,
            })
        }
        fn schema(object: &mut ::workflow_engine::__private::ObjectSchema<'_>) {
            object.stage::<__process_0>();
            object.stage::<__process_1>();
            object.stage::<__process_2>();
            object.stage::<__process_3>();
        }
    }
    impl ::core::fmt::Debug for ProcessOutputs
    where
        for<'__any> <__process_0 as ::workflow_engine::Stage>::Output: ::core::fmt::Debug,
        for<'__any> <__process_1 as ::workflow_engine::Stage>::Output: ::core::fmt::Debug,
        for<'__any> <__process_2 as ::workflow_engine::Stage>::Output: ::core::fmt::Debug,
        for<'__any> <__process_3 as ::workflow_engine::Stage>::Output: ::core::fmt::Debug,
    {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_struct("ProcessOutputs")
                .field("load", &self.load)
                .field("count", &self.count)
                .field("rank", &self.rank)
                .field("report", &self.report)
                .finish()
        }
    }
    impl ::core::default::Default for ProcessConfig
    where
        for<'__any> <__process_0 as ::workflow_engine::Stage>::Config: ::core::default::Default,
        for<'__any> <__process_1 as ::workflow_engine::Stage>::Config: ::core::default::Default,
        for<'__any> <__process_2 as ::workflow_engine::Stage>::Config: ::core::default::Default,
        for<'__any> <__process_3 as ::workflow_engine::Stage>::Config: ::core::default::Default,
    {
        fn default() -> Self {
            Self {
                load: ::core::default::Default::default(),
                count: ::core::default::Default::default(),
                rank: ::core::default::Default::default(),
                report: ::core::default::Default::default(),
            }
        }
    }
    impl ::workflow_engine::__private::serde::Serialize for ProcessConfig {
        fn serialize<__S>(
            &self,
            serializer: __S,
        ) -> ::core::result::Result<__S::Ok, __S::Error>
        where
            __S: ::workflow_engine::__private::serde::Serializer,
        {
            ::workflow_engine::__private::serialize(self, serializer)
        }
    }
    impl<'__de> ::workflow_engine::__private::serde::Deserialize<'__de>
    for ProcessConfig {
        fn deserialize<__D>(
            deserializer: __D,
        ) -> ::core::result::Result<Self, __D::Error>
        where
            __D: ::workflow_engine::__private::serde::Deserializer<'__de>,
        {
            ::workflow_engine::__private::deserialize(deserializer)
        }
    }
    impl ::workflow_engine::__private::schemars::JsonSchema for ProcessConfig {
        fn schema_name() -> ::workflow_engine::__private::Cow<'static, str> {
            ::workflow_engine::__private::Cow::Borrowed("ProcessConfig")
        }
        fn schema_id() -> ::workflow_engine::__private::Cow<'static, str> {
            ::workflow_engine::__private::Cow::Borrowed(::core::any::type_name::<Self>())
        }
        fn json_schema(
            generator: &mut ::workflow_engine::__private::schemars::SchemaGenerator,
        ) -> ::workflow_engine::__private::schemars::Schema {
            ::workflow_engine::__private::record_schema::<Self>(generator)
        }
    }
    impl ::core::fmt::Debug for ProcessConfig {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            ::workflow_engine::__private::debug(self, f)
        }
    }
    impl ::workflow_engine::Workflow for process {
        type Input = <__process_0 as ::workflow_engine::Stage>::Input;
        type Output = <__process_3 as ::workflow_engine::Stage>::Output;
        type Config = ProcessConfig;
        type Outputs = ProcessOutputs;
        fn definition() -> &'static ::workflow_engine::WorkflowDefinition {
            const TABLE: &::workflow_engine::__private::WorkflowTable = &::workflow_engine::__private::WorkflowTable {
                id: "process",
                name: "Process",
                version: 1u32,
                description: "Processes.",
                stages: &[
                    <__process_0 as ::workflow_engine::__private::Starts<
                        process,
                        <process as ::workflow_engine::Workflow>::Input,
                        <__process_0 as ::workflow_engine::Stage>::Parameters,
                    >>::ROW,
                    <__process_1 as ::workflow_engine::__private::Follows<
                        __process_0,
                        <__process_0 as ::workflow_engine::Stage>::Output,
                        <__process_1 as ::workflow_engine::Stage>::Parameters,
                    >>::ROW,
                    <__process_2 as ::workflow_engine::__private::Follows<
                        __process_0,
                        <__process_0 as ::workflow_engine::Stage>::Output,
                        <__process_2 as ::workflow_engine::Stage>::Parameters,
                    >>::ROW,
                    ::workflow_engine::__private::StageRow::of::<
                        __process_3,
                    >(
                        <__process_3 as ::workflow_engine::__private::Joins<
                            <::workflow_engine::__private::Group<
                                (
                                    ::workflow_engine::__private::One<__process_1>,
                                    ::workflow_engine::__private::One<__process_2>,
                                ),
                            > as ::workflow_engine::__private::Handed>::Value,
                            <__process_3 as ::workflow_engine::Stage>::Parameters,
                        >>::entry::<
                            ::workflow_engine::__private::Group<
                                (
                                    ::workflow_engine::__private::One<__process_1>,
                                    ::workflow_engine::__private::One<__process_2>,
                                ),
                            >,
                        >,
                    ),
                ],
                after: &[&[], &[0usize], &[0usize], &[1usize, 2usize]],
                ends: &[3usize],
                input: ::workflow_engine::__private::InputRow::of::<process>(),
                output_schema: ::workflow_engine::__private::output_schema::<
                    ::workflow_engine::__private::One<__process_3>,
                >,
                config_schema: ::workflow_engine::__private::schema::<ProcessConfig>,
            };
            static DEFINITION: ::workflow_engine::__private::LazyLock<
                ::workflow_engine::WorkflowDefinition,
            > = ::workflow_engine::__private::LazyLock::new(|| ::workflow_engine::__private::define(
                TABLE,
            ));
            &DEFINITION
        }
        fn decode_output(
            ends: &[::workflow_engine::Json],
        ) -> ::core::result::Result<
            Self::Output,
            ::workflow_engine::__private::JsonError,
        > {
            ::workflow_engine::__private::decode_ends::<
                ::workflow_engine::__private::One<__process_3>,
            >(ends)
        }
        fn decode_outputs(
            stored: &::workflow_engine::__private::HashMap<
                ::workflow_engine::__private::String,
                ::workflow_engine::Json,
            >,
        ) -> ::core::result::Result<
            Self::Outputs,
            ::workflow_engine::__private::JsonError,
        > {
            ::core::result::Result::Ok(ProcessOutputs {
                load: ::workflow_engine::__private::decode_stored::<
                    __process_0,
                >(stored)?,
                count: ::workflow_engine::__private::decode_stored::<
                    __process_1,
                >(stored)?,
                rank: ::workflow_engine::__private::decode_stored::<
                    __process_2,
                >(stored)?,
                report: ::workflow_engine::__private::decode_stored::<
                    __process_3,
                >(stored)?,
            })
        }
    }
    const GRAPH: &::workflow_engine::__private::Graph = &::workflow_engine::__private::Graph {
        workflow: "process",
        nodes: &[
            ::workflow_engine::__private::Node::of::<__process_0>(),
            ::workflow_engine::__private::Node::of::<__process_1>(),
            ::workflow_engine::__private::Node::of::<__process_2>(),
            ::workflow_engine::__private::Node::of::<__process_3>(),
        ],
        ancestors: &[&[0u64], &[1u64], &[1u64], &[7u64]],
    };
    const _: () = ::workflow_engine::__private::check_stage(GRAPH, 0usize);
    const _: () = ::workflow_engine::__private::check_stage(GRAPH, 1usize);
    const _: () = ::workflow_engine::__private::check_stage(GRAPH, 2usize);
    const _: () = ::workflow_engine::__private::check_stage(GRAPH, 3usize);
};
