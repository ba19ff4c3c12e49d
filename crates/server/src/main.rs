//! The binary `peregrine`: serves Ruby, Python and Node applications through
//! the whole stack.

mod settings;
mod start_error;

fn main() {}
