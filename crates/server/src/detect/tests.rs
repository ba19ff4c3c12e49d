use super::*;

/// A folder and a machine that exist only on paper.
struct Paper<'a> {
    files: &'a [(&'a str, &'a str)],
    programs: &'a [&'a str],
}

impl Surroundings for Paper<'_> {
    fn name(&self) -> String {
        "/srv/app".to_owned()
    }

    fn read(&self, file: &str) -> Option<String> {
        let found = self.files.iter().find(|(name, _)| *name == file);
        found.map(|(_, text)| (*text).to_owned())
    }

    fn program(&self, name: &str) -> Option<PathBuf> {
        let path = format!("/usr/bin/{name}");
        self.programs.contains(&&*path).then(|| path.into())
    }

    fn own_program(&self, folder: &str, name: &str) -> Option<PathBuf> {
        let path = format!("/srv/app/{folder}/{name}");
        self.programs.contains(&&*path).then(|| path.into())
    }
}

const EVERY_PROGRAM: &[&str] = &[
    "/usr/bin/sh",
    "/usr/bin/puma",
    "/usr/bin/bundle",
    "/usr/bin/gunicorn",
    "/usr/bin/uvicorn",
    "/usr/bin/node",
];

const NO_WISHES: Wishes<'static> = Wishes {
    environment: "development",
    concurrency: ConcurrencyChoice::new(None),
    proxies_in_front: false,
};

const ONE: Option<NonZeroU32> = Some(NonZeroU32::MIN);

fn command(plan: &Plan) -> String {
    CommandLine::new(&plan.program, &plan.args).to_string()
}

#[test]
fn each_kind_of_application_has_its_command() {
    let start = r#"{"scripts": {"start": "node server.js"}}"#;
    let prestart = r#"{"scripts": {"prestart": "make", "start": "node server.js"}}"#;
    let puma = "puma --config - --bind unix://{socket} --threads 1:1 --environment development";
    let gunicorn = "gunicorn --bind unix:{socket} --workers 1 --timeout 0";
    let uvicorn = "uvicorn --uds {socket} --timeout-keep-alive 3600 --no-access-log \
                   --forwarded-allow-ips '*'";
    let cases: &[(&str, &[(&str, &str)], &str, Option<NonZeroU32>)] = &[
        (
            "Procfile",
            &[("Procfile", "web: ./serve -p $PORT")],
            "/usr/bin/sh -c './serve -p $PORT'",
            ONE,
        ),
        (
            "Rack",
            &[("config.ru", "")],
            &format!("/usr/bin/{puma}"),
            ONE,
        ),
        (
            "Rack with Puma in its Gemfile",
            &[("config.ru", ""), ("Gemfile", "  gem 'puma', '~> 6'\n")],
            &format!("/usr/bin/bundle exec {puma}"),
            ONE,
        ),
        (
            "Rack with Puma in its Gemfile.lock",
            &[
                ("config.ru", ""),
                ("Gemfile", ""),
                ("Gemfile.lock", "GEM\n    puma (6.4.2)\n"),
            ],
            &format!("/usr/bin/bundle exec {puma}"),
            ONE,
        ),
        (
            "Rack with a Gemfile without Puma",
            &[
                ("config.ru", ""),
                ("Gemfile", "gem \"pumactl\"\n# gem 'puma'\n"),
            ],
            &format!("/usr/bin/{puma}"),
            ONE,
        ),
        (
            "Passenger's WSGI",
            &[("passenger_wsgi.py", "def application(e, s): pass")],
            &format!("/usr/bin/{gunicorn} passenger_wsgi:application"),
            ONE,
        ),
        (
            "WSGI",
            &[("wsgi.py", "app = Flask(__name__)")],
            &format!("/usr/bin/{gunicorn} wsgi:app"),
            ONE,
        ),
        (
            "ASGI",
            &[("asgi.py", "app = FastAPI()")],
            &format!("/usr/bin/{uvicorn} asgi:app"),
            None,
        ),
        (
            "Node with a start script",
            &[("package.json", start)],
            "/usr/bin/sh -c 'node server.js'",
            None,
        ),
        (
            "Node with a script before",
            &[("package.json", prestart)],
            "/usr/bin/sh -c '(make) && node server.js'",
            None,
        ),
        ("Node", &[("app.js", "")], "/usr/bin/node app.js", None),
    ];
    for (name, files, expected, concurrency) in cases {
        let paper = Paper {
            files,
            programs: EVERY_PROGRAM,
        };
        let plan = detect(&paper, &NO_WISHES).unwrap();
        assert_eq!(&command(&plan), expected, "{name}");
        assert_eq!(&plan.concurrency, concurrency, "{name}");
    }
}

#[test]
fn the_first_in_order_decides() {
    let in_order = [
        ("Procfile", "web: x"),
        ("config.ru", ""),
        ("passenger_wsgi.py", ""),
        ("wsgi.py", ""),
        ("asgi.py", ""),
        ("package.json", r#"{"scripts": {"start": "x"}}"#),
        ("app.js", ""),
    ];
    for first in 0..in_order.len() {
        let paper = Paper {
            files: &in_order[first..],
            programs: EVERY_PROGRAM,
        };
        let plan = detect(&paper, &NO_WISHES).unwrap();
        assert_eq!(plan.file, in_order[first].0);
    }
}

#[test]
fn what_starts_nothing_does_not_stand_in_the_way() {
    let cases: &[(&str, &[(&str, &str)])] = &[
        ("no web line", &[("Procfile", "worker: x"), ("app.js", "")]),
        ("no start script", &[("package.json", "{}"), ("app.js", "")]),
        ("not JSON", &[("package.json", "{"), ("app.js", "")]),
    ];
    for (name, files) in cases {
        let paper = Paper {
            files,
            programs: EVERY_PROGRAM,
        };
        let plan = detect(&paper, &NO_WISHES).unwrap();
        assert_eq!(plan.file, "app.js", "{name}");
    }
}

#[test]
fn threads_follow_the_requests_that_come_at_a_time() {
    let four = NonZeroU32::new(4);
    let cases = [
        ("Puma with four", "config.ru", 4, "--threads 4:4", four),
        (
            "Puma without limit",
            "config.ru",
            0,
            "--threads 16:16",
            None,
        ),
        ("gunicorn with four", "wsgi.py", 4, "--threads 4 ", four),
        (
            "gunicorn without limit",
            "wsgi.py",
            0,
            "--threads 16 ",
            None,
        ),
        ("uvicorn with four", "asgi.py", 4, "uvicorn", four),
        ("Node with four", "app.js", 4, "node", four),
    ];
    for (name, file, requests, part, expected) in cases {
        let wishes = Wishes {
            concurrency: ConcurrencyChoice::new(Some(requests)),
            ..NO_WISHES
        };
        let paper = Paper {
            files: &[(file, "")],
            programs: EVERY_PROGRAM,
        };
        let plan = detect(&paper, &wishes).unwrap();
        assert!(command(&plan).contains(part), "{name}: {}", command(&plan));
        assert_eq!(plan.concurrency, expected, "{name}");
    }
}

#[test]
fn uvicorn_does_not_believe_what_proxies_in_front_pass_on() {
    let wishes = Wishes {
        proxies_in_front: true,
        ..NO_WISHES
    };
    let paper = Paper {
        files: &[("asgi.py", "")],
        programs: EVERY_PROGRAM,
    };
    let plan = detect(&paper, &wishes).unwrap();
    assert!(!command(&plan).contains("--forwarded-allow-ips"));
}

#[test]
fn a_virtual_environment_comes_before_path() {
    let own = "/srv/app/.venv/bin/gunicorn";
    let paper = Paper {
        files: &[("wsgi.py", "")],
        programs: &["/usr/bin/gunicorn", own],
    };
    let plan = detect(&paper, &NO_WISHES).unwrap();
    assert_eq!(plan.program, PathBuf::from(own));
    assert_eq!(plan.path_first, Some(".venv/bin"));
}

#[test]
fn a_missing_server_is_named_with_how_to_install_it() {
    let package = r#"{"scripts": {"start": "x"}}"#;
    let cases: &[(&str, &[(&str, &str)], &[&str])] = &[
        ("Puma", &[("config.ru", "")], &["puma", "gem install puma"]),
        (
            "Bundler",
            &[("config.ru", ""), ("Gemfile", "gem 'puma'")],
            &["bundle", "gem install bundler"],
        ),
        (
            "gunicorn",
            &[("wsgi.py", "")],
            &["gunicorn", "pip install gunicorn"],
        ),
        (
            "uvicorn",
            &[("asgi.py", "")],
            &["uvicorn", "pip install uvicorn"],
        ),
        ("Node", &[("app.js", "")], &["node", "apt install nodejs"]),
        (
            "Node for a script",
            &[("package.json", package)],
            &["node", "apt install nodejs"],
        ),
    ];
    for (name, files, parts) in cases {
        let paper = Paper {
            files,
            programs: &["/usr/bin/sh"],
        };
        let error = detect(&paper, &NO_WISHES).expect_err(name).to_string();
        for part in *parts {
            assert!(error.contains(part), "{name}: {error}");
        }
    }
}

#[test]
fn nothing_found_lists_what_was_looked_for_and_why_it_did_not_do() {
    let paper = Paper {
        files: &[("package.json", "{}")],
        programs: EVERY_PROGRAM,
    };
    let error = detect(&paper, &NO_WISHES).unwrap_err().to_string();
    let parts = [
        "/srv/app",
        "config.ru",
        "wsgi.py",
        "no start script",
        "-- COMMAND",
    ];
    for part in parts {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn what_was_found_is_said_with_the_command() {
    let paper = Paper {
        files: &[("app.js", "")],
        programs: EVERY_PROGRAM,
    };
    let plan = detect(&paper, &NO_WISHES).unwrap();
    assert_eq!(
        plan.to_string(),
        "found app.js: a Node application; running `/usr/bin/node app.js`"
    );
}
