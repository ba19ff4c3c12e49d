//! The configuration file: the options of `peregrine start`, in TOML.
//!
//! There is one list of options, and that is the command line's. A key of the
//! file is the long name of an option, its value becomes the option's, and clap
//! reads it as if it stood on the command line: what an option may be, what its
//! default is, and what goes together is said once, in [`cli`](crate::cli).
//!
//! | module | its question |
//! |---|---|
//! | `keys` | which keys are there, and what does each take? |
//! | `value` | what does a value say on the command line? |
//! | `file` | what does a file say, and where? |
//! | `merge` | what do file and command line say together? |

#[cfg(test)]
mod documentation;
mod file;
mod keys;
mod merge;
mod value;

pub(crate) use self::merge::parse;

#[cfg(test)]
mod tests;
