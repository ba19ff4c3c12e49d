use peregrine_upstream_pool::{Process, ProcessHandle};

/// A process of the application, or a service around one.
///
/// What is put around processes in layers asks by this which one it is around.
pub trait OfProcess {
    /// A way to the process, and its id.
    fn process(&self) -> ProcessHandle;
}

impl OfProcess for Process {
    fn process(&self) -> ProcessHandle {
        self.handle()
    }
}
