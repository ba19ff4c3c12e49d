//! The pool with real processes: small ones, of `python3` and `sh`.

mod beside;
mod crowd;
mod exchange;
mod leader;
mod life;
mod limits;
mod port;
mod restart;
mod retry;
mod support;
mod upgrade;
mod upstream;
mod warm_up;
