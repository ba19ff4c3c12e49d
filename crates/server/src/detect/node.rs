use serde::Deserialize;

use super::{Finding, Lack, Plan, Surroundings, Wishes, arguments};

const KIND: &str = "a Node application";
const PACKAGES: &str = "node_modules/.bin";

#[derive(Deserialize)]
struct Package {
    #[serde(default)]
    scripts: Scripts,
}

#[derive(Default, Deserialize)]
struct Scripts {
    prestart: Option<String>,
    start: Option<String>,
}

/// The start script, run as npm runs it (by a shell that finds the packages'
/// programs), but without npm itself, which would stay beside each process and
/// stand between it and our signals.
pub(super) fn package_json(surroundings: &dyn Surroundings, wishes: &Wishes<'_>) -> Finding {
    const FILE: &str = "package.json";
    let Some(text) = surroundings.read(FILE) else {
        return Finding::Absent;
    };
    let scripts = match serde_json::from_str::<Package>(&text) {
        Ok(package) => package.scripts,
        Err(error) => return Finding::Unfit(format!("its package.json is not right: {error}")),
    };
    let Some(start) = scripts.start else {
        return Finding::Unfit("its package.json has no start script".to_owned());
    };
    let lack = |program| {
        Finding::Lacks(Lack {
            file: FILE,
            kind: KIND,
            program,
            install: "`apt install nodejs`",
        })
    };
    if surroundings.program("node").is_none() {
        return lack("node");
    }
    let Some(program) = surroundings.program("sh") else {
        return lack("sh");
    };
    let script = match scripts.prestart {
        Some(before) => format!("({before}) && {start}"),
        None => start,
    };
    Finding::Runs(Plan {
        file: FILE,
        kind: "a Node application with a start script",
        program,
        args: arguments(&["-c", &script]),
        concurrency: wishes.concurrency.or(None),
        path_first: Some(PACKAGES),
        env: &[],
    })
}

pub(super) fn app_js(surroundings: &dyn Surroundings, wishes: &Wishes<'_>) -> Finding {
    const FILE: &str = "app.js";
    if surroundings.read(FILE).is_none() {
        return Finding::Absent;
    }
    let Some(program) = surroundings.program("node") else {
        return Finding::Lacks(Lack {
            file: FILE,
            kind: KIND,
            program: "node",
            install: "`apt install nodejs`",
        });
    };
    Finding::Runs(Plan {
        file: FILE,
        kind: KIND,
        program,
        args: arguments(&[FILE]),
        concurrency: wishes.concurrency.or(None),
        path_first: None,
        env: &[],
    })
}
