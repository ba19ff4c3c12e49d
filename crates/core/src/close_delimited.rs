/// The body of this response ends where its connection ends (RFC 9112 §6.3,
/// rule 8), so that one that broke looks like one that is complete.
///
/// Whoever took the response from its connection knows, and removes the fields
/// that would tell: it puts this into the response's extensions instead. Such
/// a body may be passed on. It is not to be kept as if it were whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseDelimited;
