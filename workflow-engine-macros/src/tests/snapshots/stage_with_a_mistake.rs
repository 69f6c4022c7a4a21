::core::compile_error! {
    "\"soon\" is not a duration: write \"30s\", \"5m\", \"2h\" or \"1d\""
}
async fn load(depth: u32) -> StageResult<u32> {
    Ok(depth)
}
/// The stage of the function [`load`](fn@load).
#[allow(non_camel_case_types, dead_code, missing_debug_implementations)]
struct load {}
const _: () = {
    impl ::workflow_engine::Stage for load {
        type Input = ::workflow_engine::NoInput;
        type Config = ::workflow_engine::NoConfig;
        type Output = <StageResult<
            u32,
        > as ::workflow_engine::__private::Returns>::Output;
        type Parameters = ();
        const PATH: ::workflow_engine::StagePath = ::workflow_engine::__private::StagePath::new(
            ::core::module_path!(),
            "load",
            ::core::line!(),
            ::core::column!(),
        );
        const DECLARATION: ::workflow_engine::StageDeclaration = ::workflow_engine::StageDeclaration::new(
            "load",
            "Load",
            "",
        );
        fn run(
            _: Self::Input,
            _: Self::Config,
            _: ::workflow_engine::__private::StageContext,
        ) -> ::workflow_engine::__private::Running<::workflow_engine::__private::Json> {
            ::core::unreachable!()
        }
    }
    impl<__R> ::workflow_engine::__private::Requires<__R> for load {}
    impl<__R> ::workflow_engine::__private::Optionally<__R> for load {}
    impl<__V> ::workflow_engine::__private::Accepts<__V> for load {
        fn accept(_: __V) -> Self::Input {
            ::workflow_engine::__private::NoInput
        }
    }
};
