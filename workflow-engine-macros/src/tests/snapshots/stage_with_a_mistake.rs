::core::compile_error! {
    "\"soon\" is not a duration: write a whole number and a unit, \"30s\", \"5m\", \"2h\" or \"1d\""
}
async fn load(depth: u32) -> StageResult<u32> {
    Ok(depth)
}
/// The stage of the function [`load`](fn@load).
#[allow(non_camel_case_types, dead_code, missing_debug_implementations)]
struct load {}
const _: () = {
    use ::workflow_engine::__private;
    impl __private::Stage for load {
        type Input = __private::NoInput;
        type Config = __private::NoConfig;
        type Output = <StageResult<u32> as __private::Returns>::Output;
        const PATH: __private::StagePath = __private::StagePath::here(
            ::core::module_path!(),
            "load",
        );
        const DECLARATION: __private::StageDeclaration = __private::StageDeclaration::new(
            Self::PATH,
            "load",
            "Load",
            "",
        );
        fn run(
            _: Self::Input,
            _: Self::Config,
            _: __private::StageContext,
        ) -> __private::Running<__private::Json> {
            ::core::unreachable!()
        }
    }
    impl<__R> __private::Requires<__R> for load {}
    impl<__R> __private::Optionally<__R> for load {}
};
#[allow(unexpected_cfgs)]
const _: () = {
    #[cfg(rust_analyzer)]
    #[allow(unused_imports)]
    const _: () = {
        use ::workflow_engine::__private::ide::stage::timeout as _;
    };
};
