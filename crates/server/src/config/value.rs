use std::{ffi::OsString, path::Path};

use toml::de::DeValue;

use super::keys::{Key, Takes};

/// What `value` says about `key` on the command line. Paths are relative to
/// `folder`, where the file is.
///
/// # Errors
///
/// What the key takes instead. Without the value, which may be a secret.
pub(super) fn arguments(
    key: Key<'_>,
    value: &DeValue<'_>,
    folder: &Path,
) -> Result<Vec<OsString>, &'static str> {
    match (key.takes(), value) {
        (Takes::Flag, DeValue::Boolean(true)) => Ok(vec![format!("--{}", key.name()).into()]),
        (Takes::Flag, DeValue::Boolean(false)) => Ok(Vec::new()),
        (Takes::Flag, _) => Err("takes true or false"),
        (Takes::One, value) => {
            let text = scalar(value).ok_or("takes a text or a number")?;
            Ok(vec![argument(key, text, folder)])
        }
        (Takes::Many, DeValue::Array(values)) => {
            let texts = values.iter().map(|value| scalar(value.get_ref()));
            texts
                .map(|text| Some(argument(key, text?, folder)))
                .collect::<Option<_>>()
                .ok_or("takes a list of texts")
        }
        (Takes::Many, value) => {
            let text = scalar(value).ok_or("takes a text or a list of texts")?;
            Ok(vec![argument(key, text, folder)])
        }
        (Takes::Pairs, DeValue::Table(pairs)) => {
            let texts = pairs.iter().map(|(name, value)| {
                let text = scalar(value.get_ref())?;
                Some(argument(key, format!("{}={text}", name.get_ref()), folder))
            });
            texts
                .collect::<Option<_>>()
                .ok_or("takes a table of names and texts")
        }
        (Takes::Pairs, _) => Err("takes a table of names and texts"),
        (Takes::Words, DeValue::Array(words)) if !words.is_empty() => {
            let words = words.iter().map(|word| scalar(word.get_ref()));
            words
                .map(|word| word.map(OsString::from))
                .collect::<Option<_>>()
                .ok_or("takes a list of words")
        }
        (Takes::Words, _) => Err("takes a list of words, such as [\"bundle\", \"exec\", \"puma\"]"),
    }
}

fn argument(key: Key<'_>, text: String, folder: &Path) -> OsString {
    let value = match text.split_once('=') {
        _ if key.is_path() => folder.join(text).into_os_string(),
        Some((path, dir)) if key.is_mapping() && !dir.is_empty() => {
            let mut mapping = OsString::from(format!("{path}="));
            mapping.push(folder.join(dir));
            mapping
        }
        _ => OsString::from(text),
    };
    if key.is_positional() {
        return value;
    }
    // In one word: the value may begin with a dash.
    let mut argument = OsString::from(format!("--{}=", key.name()));
    argument.push(value);
    argument
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.clone().into_owned()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .ok()
            .map(|number| number.to_string()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        _ => None,
    }
}
