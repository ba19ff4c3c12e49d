//! `docs/configuration.md` lists every key, in the words of `--help`.

use std::{env, fmt::Write, fs, path::Path};

use clap::Arg;

use super::keys::{Key, Keys, Takes};

/// From here on, the page is made from the options.
const MARK: &str = "\n<!-- What follows is made from the options. -->\n";

/// Set, the page is written instead of compared.
const WRITE: &str = "WRITE_DOCUMENTATION";

#[test]
fn the_documentation_lists_every_key() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let page = fs::read_to_string(&path).unwrap();
    let (introduction, listed) = page.split_once(MARK).unwrap();
    let expected = tables(&Keys::of_route()) + &tables(&Keys::of_start());
    if env::var_os(WRITE).is_some() {
        fs::write(&path, format!("{introduction}{MARK}{expected}")).unwrap();
    } else {
        assert!(
            listed == expected,
            "docs/configuration.md is not what the options say; write it with \
             {WRITE}=1 cargo test -p peregrine-server documentation"
        );
    }
}

/// A table for each heading of the help text.
fn tables(keys: &Keys) -> String {
    let mut page = String::new();
    let mut heading = None;
    for key in keys.iter() {
        if key.arg().is_hide_set() {
            continue;
        }
        let of_key = key.arg().get_help_heading().unwrap_or("Application");
        if heading != Some(of_key) {
            heading = Some(of_key);
            let _ = write!(page, "\n## {of_key}\n\n");
            page.push_str("| key | takes | default | |\n|---|---|---|---|\n");
        }
        let _ = writeln!(page, "{}", row(key));
    }
    page
}

fn row(key: Key<'_>) -> String {
    let arg = key.arg();
    let takes = match key.takes() {
        Takes::Flag => "true or false".to_owned(),
        Takes::One => one(arg),
        Takes::Many => format!("a list of {}", one(arg)),
        Takes::Pairs => "a table".to_owned(),
        Takes::Words => "a list of words".to_owned(),
    };
    let default = arg.get_default_values().iter();
    let default: Vec<_> = default.map(|value| value.to_string_lossy()).collect();
    let default = match default.as_slice() {
        [] => String::new(),
        values if key.takes() == Takes::Flag => values.join(", "),
        values => format!("`{}`", values.join(", ")),
    };
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let help = help.replace('|', "\\|").replace('<', "&lt;");
    format!("| `{}` | {takes} | {default} | {help} |", key.name())
}

fn one(arg: &Arg) -> String {
    let values: Vec<_> = arg
        .get_possible_values()
        .iter()
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if !values.is_empty() {
        return values.join(", ");
    }
    let names = arg.get_value_names().unwrap_or_default();
    names.first().map(ToString::to_string).unwrap_or_default()
}
