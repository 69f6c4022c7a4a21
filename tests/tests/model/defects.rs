//! Deliberate defects.
use std::sync::Arc;
use tests::intercept::Interceptor;
#[derive(Clone, Copy, Debug)]
pub enum Defect {}
#[derive(Default)]
pub struct Shared;
pub struct Defective;
impl Defective {
    pub fn new(_: Defect, _: Arc<Shared>) -> Self { Self }
}
impl Interceptor for Defective {}
