use std::path::PathBuf;

use super::{Finding, Lack, Plan, Surroundings, Threads, Wishes, arguments};

/// Where `python -m venv` is told to put an environment, by custom.
const VIRTUAL_ENVIRONMENTS: [&str; 2] = [".venv/bin", "venv/bin"];

/// What the application prints is to be seen when it prints it: into a pipe,
/// Python holds it back.
const ENV: &[(&str, &str)] = &[("PYTHONUNBUFFERED", "1")];

const WSGI: &str = "a WSGI application";
const ASGI: &str = "an ASGI application";

pub(super) fn passenger_wsgi(surroundings: &dyn Surroundings, wishes: &Wishes<'_>) -> Finding {
    gunicorn("passenger_wsgi.py", "passenger_wsgi", surroundings, wishes)
}

pub(super) fn wsgi(surroundings: &dyn Surroundings, wishes: &Wishes<'_>) -> Finding {
    gunicorn("wsgi.py", "wsgi", surroundings, wishes)
}

fn gunicorn(
    file: &'static str,
    module: &'static str,
    surroundings: &dyn Surroundings,
    wishes: &Wishes<'_>,
) -> Finding {
    let Some(source) = surroundings.read(file) else {
        return Finding::Absent;
    };
    let Some((program, path_first)) = find("gunicorn", surroundings) else {
        return Finding::Lacks(Lack {
            file,
            kind: WSGI,
            program: "gunicorn",
            install: "`apt install gunicorn` or `pip install gunicorn`",
        });
    };
    let threads = Threads::for_wishes(wishes);
    let count = threads.count.to_string();
    let callable = format!("{module}:{}", callable(&source));
    let mut args = arguments(&["--bind", "unix:{socket}", "--workers", "1"]);
    // One thread is gunicorn's `sync` worker. It closes its connection after
    // every answer, which on a Unix socket costs less than keeping it does in
    // the threaded worker, and leaves no idle connection to break under a
    // request.
    if threads.count > 1 {
        args.extend(arguments(&["--threads", &count]));
    }
    // How long an answer may take is for us to say; gunicorn would kill its
    // worker, and every request in it, after 30 s.
    args.extend(arguments(&["--timeout", "0", &callable]));
    Finding::Runs(Plan {
        file,
        kind: WSGI,
        program,
        args,
        concurrency: threads.concurrency,
        path_first,
        env: ENV,
    })
}

pub(super) fn asgi(surroundings: &dyn Surroundings, wishes: &Wishes<'_>) -> Finding {
    let Some(source) = surroundings.read("asgi.py") else {
        return Finding::Absent;
    };
    let Some((program, path_first)) = find("uvicorn", surroundings) else {
        return Finding::Lacks(Lack {
            file: "asgi.py",
            kind: ASGI,
            program: "uvicorn",
            install: "`apt install uvicorn` or `pip install uvicorn`",
        });
    };
    let callable = format!("asgi:{}", callable(&source));
    // Idle connections are closed by us, never under a request on its way.
    let mut args = arguments(&["--uds", "{socket}", "--timeout-keep-alive", "3600"]);
    args.extend(arguments(&["--no-access-log"]));
    // A Unix socket has no address that uvicorn could trust, only "all". Then
    // it takes the first address in `X-Forwarded-For` for the client's, which
    // is true as long as we alone write that field. With proxies in front, the
    // first may be what a client claims: it is for the operator to choose, in
    // FORWARDED_ALLOW_IPS.
    if !wishes.proxies_in_front {
        args.extend(arguments(&["--forwarded-allow-ips", "*"]));
    }
    args.extend(arguments(&[&callable]));
    Finding::Runs(Plan {
        file: "asgi.py",
        kind: ASGI,
        program,
        args,
        concurrency: wishes.concurrency.or(None),
        path_first,
        env: ENV,
    })
}

/// The application's own server before one in `PATH`: only that one sees the
/// packages that it was installed with.
fn find(name: &str, surroundings: &dyn Surroundings) -> Option<(PathBuf, Option<&'static str>)> {
    VIRTUAL_ENVIRONMENTS
        .into_iter()
        .find_map(|folder| Some((surroundings.own_program(folder, name)?, Some(folder))))
        .or_else(|| Some((surroundings.program(name)?, None)))
}

/// What the file calls its application: `application`, as WSGI's servers and
/// Django have it, or `app`, as users of Flask do.
fn callable(source: &str) -> &'static str {
    ["application", "app"]
        .into_iter()
        .find(|name| source.lines().any(|line| defines(line, name)))
        .unwrap_or("application")
}

/// Whether a line of a module's top level gives a value to `name`.
fn defines(line: &str, name: &str) -> bool {
    if line.starts_with([' ', '\t']) {
        return false;
    }
    let is_name = |word: &str| word.trim() == name;
    for keyword in ["def ", "async def ", "class "] {
        if let Some(rest) = line.strip_prefix(keyword) {
            let end = rest.find(['(', ':', '[']).unwrap_or(rest.len());
            return is_name(&rest[..end]);
        }
    }
    let imported = line.strip_prefix("import ").or_else(|| {
        let from = line.strip_prefix("from ")?;
        Some(from.split_once(" import ")?.1)
    });
    if let Some(imported) = imported {
        let code = imported.split('#').next().unwrap_or_default();
        return code
            .trim_matches(['(', ')', ' '])
            .split(',')
            .any(|import| is_name(import.rsplit(" as ").next().unwrap_or_default()));
    }
    // `application = app = Flask(…)`, `app: Flask = …`, and neither `app == 1`
    // nor `app(x=1)`.
    let mut targets: Vec<_> = line.split('=').collect();
    targets.pop();
    targets
        .into_iter()
        .take_while(|target| !target.contains(['(', '[', '{', '"', '\'', '#']))
        .any(|target| is_name(target.split(':').next().unwrap_or_default()))
        && !line.contains("==")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callable_is_what_the_file_defines() {
        let cases = [
            (
                "a function",
                "def application(environ, start):\n",
                "application",
            ),
            ("a function called app", "def app(environ, start):\n", "app"),
            (
                "asynchronous",
                "async def app(scope, receive, send):\n",
                "app",
            ),
            ("a class", "class app:\n", "app"),
            ("a value", "app = Flask(__name__)\n", "app"),
            ("a typed value", "app: Flask = make()\n", "app"),
            (
                "both",
                "app = Flask(__name__)\napplication = app\n",
                "application",
            ),
            (
                "both in one line",
                "app = application = make()\n",
                "application",
            ),
            ("imported", "from site import app\n", "app"),
            (
                "imported among others",
                "from site import db, app  # x\n",
                "app",
            ),
            (
                "imported under the name",
                "from site import x as app\n",
                "app",
            ),
            (
                "imported under another",
                "from site import app as x\n",
                "application",
            ),
            (
                "no import of that module",
                "import app.models\n",
                "application",
            ),
            (
                "inside a function",
                "def f():\n    app = 1\n",
                "application",
            ),
            ("a longer name", "app_name = 'x'\n", "application"),
            ("a comparison", "app == 1\n", "application"),
            ("a keyword argument", "make(app=1)\n", "application"),
            ("a comment", "# app = 1\n", "application"),
            ("nothing", "", "application"),
        ];
        for (name, source, expected) in cases {
            assert_eq!(callable(source), expected, "{name}");
        }
    }
}
