/// Which application process answered. The process pool puts it into the
/// extensions of each response that comes from a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServedBy {
    /// The process's id in the operating system.
    pub pid: u32,
}
