//! Whether an answer of the admin API is what its schema says.
//!
//! Not a validator of JSON Schema: it knows the few words that ours needs, and
//! panics at any other one, so that nothing in it stays unchecked. And it is
//! stricter than the schema, which lets properties be added: here there is none
//! that is not described.

use serde_json::Value;

/// The committed schema.
#[derive(Clone, Debug)]
pub struct Schema(Value);

impl Schema {
    /// That of the admin API.
    ///
    /// # Panics
    ///
    /// If it is no JSON.
    pub fn of_admin_api() -> Self {
        let text = include_str!("../../docs/admin-api.schema.json");
        Self(serde_json::from_str(text).expect("the schema is JSON"))
    }

    /// Where, and how, `value` is not what the definition `name` says.
    ///
    /// # Errors
    ///
    /// If it is not.
    ///
    /// # Panics
    ///
    /// If the schema has no such definition, or says what is not known here.
    pub fn check(&self, name: &str, value: &Value) -> Result<(), String> {
        let definition = self.definition(&format!("/$defs/{name}"));
        self.check_at(name, definition, value)
    }

    fn definition(&self, place: &str) -> &Value {
        let definition = self.0.pointer(place);
        definition.unwrap_or_else(|| panic!("the schema does not define {place}"))
    }

    fn check_at(&self, at: &str, schema: &Value, value: &Value) -> Result<(), String> {
        let words = schema.as_object().expect("a schema is an object");
        for (word, said) in words {
            let holds = match word.as_str() {
                "description" | "properties" | "additionalProperties" => true,
                "$ref" => {
                    let place = said.as_str().and_then(|it| it.strip_prefix('#'));
                    let place = place.expect("a reference to something in the schema");
                    return self.check_at(at, self.definition(place), value);
                }
                "anyOf" => {
                    let schemas = said.as_array().expect("schemas");
                    let failures: Vec<_> = schemas
                        .iter()
                        .map_while(|schema| self.check_at(at, schema, value).err())
                        .collect();
                    if failures.len() == schemas.len() {
                        return Err(failures.join(", and "));
                    }
                    true
                }
                "type" => match said {
                    Value::String(kind) => is(kind, value),
                    kinds => {
                        let mut kinds = kinds.as_array().expect("types").iter();
                        kinds.any(|kind| is(kind.as_str().expect("a type"), value))
                    }
                },
                "enum" => said.as_array().expect("values").contains(value),
                "minimum" => value.is_null() || value.as_f64() >= said.as_f64(),
                "required" => {
                    let mut names = said.as_array().expect("names").iter();
                    names.all(|name| value.get(name.as_str().expect("a name")).is_some())
                }
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check_at(&format!("{at}[{index}]"), said, item)?;
                    }
                    true
                }
                word => panic!("`{word}` is not known here"),
            };
            if !holds {
                return Err(format!("{at}: not of {word} {said}: {value}"));
            }
        }
        if schema["type"] == "object" {
            for (name, value) in value.as_object().into_iter().flatten() {
                let at = format!("{at}.{name}");
                let Some(schema) = schema["properties"].get(name) else {
                    return Err(format!("{at}: not described"));
                };
                self.check_at(&at, schema, value)?;
            }
        }
        Ok(())
    }
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        kind => panic!("no type is called {kind}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_as_described_is_found() {
        let bucket = |value: Value| Schema::of_admin_api().check("TimesBucket", &value);
        assert_eq!(bucket(json!({"le_seconds": 0.5, "count": 3})), Ok(()));
        let wrong = [
            json!({"le_seconds": 0.5}),
            json!({"le_seconds": 0.5, "count": -1}),
            json!({"le_seconds": 0.5, "count": 1.5}),
            json!({"le_seconds": "0.5", "count": 1}),
            json!({"le_seconds": 0.5, "count": null}),
            json!({"le_seconds": 0.5, "count": 1, "more": 1}),
            json!([]),
        ];
        for value in wrong {
            assert!(bucket(value.clone()).is_err(), "{value}");
        }
        let request = |state: &str| {
            let request = json!({
                "method": "GET", "host": null, "path": "/", "state": state, "pid": null,
                "age_seconds": 1, "queued_seconds": null, "sent_bytes": 0,
            });
            let applications = json!({"applications": [{"name": "a", "requests": [request]}]});
            Schema::of_admin_api().check("Requests", &applications)
        };
        assert_eq!(request("queue"), Ok(()));
        let error = request("lost").unwrap_err();
        assert!(
            error.starts_with("Requests.applications[0].requests[0].state:"),
            "{error}"
        );
    }
}
