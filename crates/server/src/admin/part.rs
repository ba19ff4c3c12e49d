//! What `peregrine status --show=PART --json` prints: the status with nothing in it
//! but that part, `StatusPart` in `docs/admin-api.schema.json`.

use serde_json::{Map, Value};

use crate::cli::Show;

/// What says of which server, and of which of its applications, the rest is.
const SERVER: [&str; 4] = ["version", "pid", "address", "uptime_seconds"];
const APPLICATION: &str = "name";
const APPLICATIONS: &str = "applications";

/// The requests that are being served, beside the numbers of all.
const RUNNING: &str = "running";

/// The part that `show` names of a `status`, in which everything is called as it is
/// there. `running` is what `GET /v1/requests` answered, if that is part of it.
///
/// Not by way of our types: a newer server's further fields are kept where it is
/// clear that they belong to the part.
pub(super) fn part(show: Show, mut status: Value, running: Option<Value>) -> Value {
    if let Some(running) = running {
        join(&mut status, running);
    }
    // What is said of the server as a whole; all of it if `None`.
    let (of_server, of_application): (Option<&[&str]>, &[&str]) = match show {
        Show::Pool => (
            Some(&["max_total_pool_size"]),
            &["environment", "serves", "pool", "queue_ms"],
        ),
        Show::Requests => (
            Some(&["refused"]),
            &[
                "requests",
                "per_second",
                "queue_ms",
                "application_ms",
                RUNNING,
            ],
        ),
        Show::Cache => (Some(&[]), &["cache"]),
        Show::Server => (None, &["environment", "serves", "buffers"]),
    };
    if let (Some(said), Some(part)) = (status.as_object_mut(), of_server) {
        said.retain(|name, _| {
            let name = name.as_str();
            name == APPLICATIONS || SERVER.contains(&name) || part.contains(&name)
        });
    }
    for application in applications(&mut status) {
        application
            .retain(|name, _| name == APPLICATION || of_application.contains(&name.as_str()));
    }
    status
}

/// Puts the requests of each application to what else is said of it.
fn join(status: &mut Value, mut running: Value) {
    for listed in applications(&mut running) {
        let requests = listed.remove("requests").unwrap_or_default();
        // One that came or went between the two answers is in one of them alone.
        let its_own =
            applications(status).find(|it| it.get(APPLICATION) == listed.get(APPLICATION));
        if let Some(its_own) = its_own {
            its_own.insert(RUNNING.to_owned(), requests);
        }
    }
}

fn applications(status: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let applications = status.get_mut(APPLICATIONS).and_then(Value::as_array_mut);
    let applications = applications.into_iter().flatten();
    applications.filter_map(Value::as_object_mut)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::admin::{running, status};

    fn names(object: &Value) -> String {
        let names = object.as_object().unwrap().keys();
        names.map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_part_says_whose_it_is_and_nothing_of_the_others() {
        let mut status = serde_json::to_value(status::example()).unwrap();
        // By a newer server.
        status["disks"] = json!(1);
        status["applications"][0]["weather"] = json!("fine");
        let running = serde_json::to_value(running::example()).unwrap();
        let server = "address applications max_total_pool_size pid uptime_seconds version";
        let cases = [
            (
                "pool",
                Show::Pool,
                server,
                "environment name pool queue_ms serves",
            ),
            (
                "requests",
                Show::Requests,
                "address applications pid refused uptime_seconds version",
                "application_ms name per_second queue_ms requests running",
            ),
            (
                "cache",
                Show::Cache,
                "address applications pid uptime_seconds version",
                "cache name",
            ),
            (
                "server",
                Show::Server,
                "access_log address applications clients disks max_total_pool_size pid refused \
                 uptime_seconds usage version",
                "buffers environment name serves",
            ),
        ];
        for (name, show, of_server, of_application) in cases {
            let asked = (show == Show::Requests).then(|| running.clone());
            let mut part = part(show, status.clone(), asked);
            assert_eq!(names(&part), of_server, "{name}");
            assert_eq!(names(&part["applications"][0]), of_application, "{name}");
            // Whatever is there says what the whole says.
            let its_own = part["applications"][0].as_object_mut().unwrap();
            let listed = its_own.remove(RUNNING).unwrap_or_default();
            assert_eq!(listed.is_array(), show == Show::Requests, "{name}");
            for (field, value) in its_own {
                assert_eq!(*value, status["applications"][0][field], "{name}: {field}");
            }
        }
    }

    #[test]
    fn requests_go_to_the_application_whose_they_are() {
        let status = json!({"applications": [{"name": "a"}, {"name": "b"}]});
        let running = json!({"applications": [
            {"name": "gone", "requests": [1]},
            {"name": "b", "requests": [2]},
        ]});
        let expected = json!({"applications": [{"name": "a"}, {"name": "b", "running": [2]}]});
        assert_eq!(part(Show::Requests, status, Some(running)), expected);
    }
}
