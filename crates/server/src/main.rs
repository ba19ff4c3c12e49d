//! The binary `peregrine`: serves Ruby, Python and Node applications through
//! the whole stack.

mod admin;
mod cli;
mod detect;
mod logging;
mod pid_file;
mod settings;
mod start;
mod start_error;

fn main() {
    use clap::Parser as _;
    match cli::Cli::try_parse() {
        Ok(cli) => println!("{cli:?}"),
        Err(error) => match cli::refusal(&error) {
            Ok(t) => print!("{t}"),
            Err(e) => eprintln!("peregrine: {e}"),
        },
    }
}
