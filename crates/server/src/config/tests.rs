use std::{ffi::OsString, fs, path::PathBuf};

use clap::{ArgAction, CommandFactory, Parser};

use super::{keys::Keys, parse};
use crate::cli::{Cache, Cli, Command, StartOptions};

/// A folder with a `peregrine.toml` of this text in it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn with(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("peregrine.toml"), text).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `peregrine start FIRST… DIR REST…`, with this folder for DIR.
    fn start(&self, first: &[&str], rest: &[&str]) -> Result<StartOptions, String> {
        let dir = self.0.path().to_str().unwrap();
        run(&[&["start"], first, &[dir], rest].concat())
    }

    /// `peregrine start --config FILE REST…`.
    fn start_file(&self, rest: &[&str]) -> Result<StartOptions, String> {
        let file = self.path("peregrine.toml");
        run(&[&["start", "-c", file.to_str().unwrap()], rest].concat())
    }

    fn refusal(&self, first: &[&str]) -> String {
        self.start(first, &[]).unwrap_err()
    }
}

/// `peregrine start` with these arguments, up to what is refused.
fn run(arguments: &[&str]) -> Result<StartOptions, String> {
    let words = [&["peregrine"], arguments].concat();
    let words: Vec<_> = words.into_iter().map(OsString::from).collect();
    match parse(&words) {
        Ok(cli) => match cli.command {
            Command::Start(options) => Ok(*options),
            other => panic!("{other:?}"),
        },
        Err(Err(error)) => Err(error.to_string()),
        Err(Ok(text)) => panic!("{text}"),
    }
}

#[test]
fn a_file_says_what_options_say_in_the_types_of_toml() {
    let folder = Folder::with(
        r#"
        environment = "production"
        port = 4000
        min-instances = 0x2
        start-timeout = 2.5
        disable-turbocaching = true
        trusted-proxy = ["10.0.0.0/8", "192.0.2.1"]
        turbocache-without-cookie = "session"
        command = ["serve", "--socket", "{socket}"]

        [envvar]
        GREETING = "a=b"
        WORKERS = 3
        "#,
    );
    let options = folder.start(&[], &[]).unwrap();
    assert_eq!(options.app.environment, "production");
    assert_eq!(options.listen.port, 4000);
    assert_eq!(options.app.pool.min_instances, 2);
    assert_eq!(options.app.pool.start_timeout.as_millis(), 2500);
    assert!(options.app.stack.disable_turbocaching);
    assert_eq!(options.clients.trusted_proxy.len(), 2);
    assert_eq!(options.app.cookies.turbocache_without_cookie, ["session"]);
    assert_eq!(options.app.command, ["serve", "--socket", "{socket}"]);
    let variables: Vec<_> = options
        .app
        .envvar
        .iter()
        .map(|variable| (variable.name.to_str(), variable.value.to_str()))
        .collect();
    let expected = [("GREETING", "a=b"), ("WORKERS", "3")];
    assert_eq!(variables, expected.map(|(a, b)| (Some(a), Some(b))));
    // What is not said is as without a file.
    assert_eq!(options.app.pool.max_pool_size, 6);
    assert_eq!(options.file.config, Some(folder.path("peregrine.toml")));
}

#[test]
fn what_the_command_line_says_goes_before_the_file() {
    let folder = Folder::with(
        "port = 4000\nmax-pool-size = 3\ncommand = [\"serve\"]\ntrusted-proxy = [\"10.0.0.0/8\"]",
    );
    let first = ["-p", "5000", "--trusted-proxy", "192.0.2.1"];
    let options = folder
        .start(&first, &["--", "other", "--port", "1"])
        .unwrap();
    assert_eq!(options.listen.port, 5000);
    assert_eq!(options.app.pool.max_pool_size, 3);
    assert_eq!(options.app.command, ["other", "--port", "1"]);
    let proxies = options
        .clients
        .trusted_proxy
        .iter()
        .map(ToString::to_string);
    assert_eq!(proxies.collect::<Vec<_>>(), ["192.0.2.1/32"]);
}

#[test]
fn the_two_complete_each_other() {
    let folder =
        Folder::with("vary-turbocache-by-signed-cookie = \"user\"\ncookie-key-kind = \"rails-7\"");
    let options = folder.start(&["--cookie-key-file", "key"], &[]).unwrap();
    assert_eq!(
        options.app.cookies.cookie_key_file,
        Some(PathBuf::from("key"))
    );
    assert_eq!(
        options
            .app
            .cookies
            .vary_turbocache_by_signed_cookie
            .as_deref(),
        Some("user")
    );
}

#[test]
fn paths_are_relative_to_the_file() {
    let folder = Folder::with(
        "dir = \"app\"\npid-file = \"run/pid\"\nadmin-socket = \"/run/admin\"\n\
         oob-work-path = \"/work\"\naccel-mapping = [\"/in/=files\", \"/out/=/srv/a=b\"]",
    );
    let file = folder.path("peregrine.toml");
    let options = run(&["start", "--config", file.to_str().unwrap()]).unwrap();
    assert_eq!(options.app.dir, folder.path("app"));
    assert_eq!(options.operator.pid_file, Some(folder.path("run/pid")));
    assert_eq!(
        options.operator.admin_socket,
        Some(PathBuf::from("/run/admin"))
    );
    assert_eq!(options.app.out_of_band.oob_work_path, "/work");
    let mappings = [
        ("/in/".to_owned(), folder.path("files")),
        ("/out/".to_owned(), PathBuf::from("/srv/a=b")),
    ];
    assert_eq!(options.app.files.accel_mapping, mappings);
    // Nor is a file looked for in a folder that one has named.
    let options = folder.start(&[], &[]).unwrap();
    assert_eq!(options.app.dir, folder.path(""));
}

#[test]
fn what_is_wrong_is_said_with_file_line_and_key() {
    let cases = [
        (
            "an unknown key",
            "port = 1\nmax-pool-sise = 4",
            ":2: unknown field `max-pool-sise`, expected `max-pool-size`",
        ),
        (
            "a key like no other",
            "\n\nxyz = 4",
            ":3: unknown field `xyz`, expected an option",
        ),
        (
            "a table of nginx's",
            "\n[server]\nport = 1",
            ":2: unknown table `[server]`; its keys stand above all tables",
        ),
        (
            "a word of the command line alone",
            "config = \"other.toml\"",
            ":1: unknown field `config`",
        ),
        ("a value out of range", "port = 70000", "--port"),
        (
            "a line of it",
            "# first\nport = 70000",
            ":2: invalid value '70000' for '--port",
        ),
        (
            "no such mode",
            "cache = \"all\"",
            ":1: invalid value 'all' for '--cache",
        ),
        ("a flag of text", "dry-run = \"yes\"", "unknown field"),
        (
            "a switch of text",
            "disable-turbocaching = \"yes\"",
            ":1: `disable-turbocaching` takes true or false",
        ),
        (
            "a list for one",
            "port = [1, 2]",
            ":1: `port` takes a text or a number",
        ),
        (
            "a command in one piece",
            "command = \"bundle exec puma\"",
            ":1: `command` takes a list of words",
        ),
        (
            "variables in a list",
            "envvar = [\"A=hunter2\"]",
            ":1: `envvar` takes a table",
        ),
        ("no TOML", "port 4000", ":1: "),
        ("the same twice", "port = 1\nport = 2", ":2: "),
        (
            "options that exclude each other",
            "cache = \"off\"\ndisable-turbocaching = true",
            ":2: `disable-turbocaching` cannot stand beside `cache`, in line 1",
        ),
        (
            "an option that needs another one",
            "vary-turbocache-by-signed-cookie = \"user\"",
            "peregrine.toml says so",
        ),
    ];
    for (name, text, part) in cases {
        let refusal = Folder::with(text).refusal(&[]);
        assert!(refusal.contains(part), "{name}: {refusal}");
        assert!(refusal.contains("peregrine.toml"), "{name}: {refusal}");
        assert!(!refusal.contains("hunter2"), "{name}: {refusal}");
    }
}

#[test]
fn a_file_of_passenger_s_is_none() {
    let folder = Folder::with("");
    let file = folder.path("Passengerfile.json");
    fs::write(&file, "{\"port\": 3000}").unwrap();
    let refusal = run(&["start", "-c", file.to_str().unwrap()]).unwrap_err();
    assert!(refusal.contains("Passengerfile.json:1: "), "{refusal}");
    assert!(refusal.ends_with("it is to be TOML"), "{refusal}");
}

#[test]
fn what_is_wrong_with_the_command_line_has_nothing_to_do_with_the_file() {
    let folder = Folder::with("port = 70000");
    let refusal = folder.refusal(&["--prot", "1"]);
    assert!(refusal.contains("--prot"), "{refusal}");
    assert!(!refusal.contains("peregrine.toml"), "{refusal}");
}

#[test]
fn a_file_that_is_named_has_to_be_there_and_another_one_need_not() {
    let empty = tempfile::tempdir().unwrap();
    let dir = empty.path().to_str().unwrap();
    assert!(run(&["start", dir]).unwrap().file.config.is_none());
    let nowhere = empty.path().join("nowhere.toml");
    let refusal = run(&["start", "-c", nowhere.to_str().unwrap()]).unwrap_err();
    assert!(refusal.contains("nowhere.toml"), "{refusal}");

    let folder = Folder::with("");
    fs::remove_file(folder.path("peregrine.toml")).unwrap();
    fs::create_dir(folder.path("peregrine.toml")).unwrap();
    let refusal = folder.refusal(&[]);
    assert!(refusal.contains("cannot read"), "{refusal}");
}

#[test]
fn the_application_of_an_upstream_has_no_file() {
    let folder = Folder::with("min-instances = 2");
    let file = folder.path("peregrine.toml");
    let upstream = ["start", "--upstream", "http://127.0.0.1:1"];
    assert!(run(&upstream).is_ok());
    // One that is named says things that do not apply.
    let named = [&upstream[..], &["-c", file.to_str().unwrap()]].concat();
    let options = run(&named).unwrap();
    assert!(options.app.upstream.is_some());
    assert_eq!(options.app.pool.min_instances, 1);
}

#[test]
fn what_the_command_line_says_goes_before_what_cannot_stand_beside_it() {
    let folder = Folder::with("cache = \"off\"\nvary-turbocache-by-session = \"a\"");
    let first = ["--disable-turbocaching", "--turbocache-without-cookie", "b"];
    let options = folder.start(&first, &[]).unwrap();
    assert!(options.app.stack.disable_turbocaching);
    assert!(options.app.cookies.vary_turbocache_by_session.is_empty());
    assert_eq!(options.app.cookies.turbocache_without_cookie, ["b"]);

    let folder = Folder::with("upstream = \"http://127.0.0.1:1\"");
    let options = folder.start_file(&["--", "serve"]).unwrap();
    assert_eq!(options.app.command, ["serve"]);
    assert!(options.app.upstream.is_none());
    let refusal = folder.start_file(&["--min-instances", "2"]).unwrap_err();
    assert!(refusal.contains("--upstream"), "{refusal}");
    let together = "peregrine.toml and the command line say so together";
    assert!(refusal.contains(together), "{refusal}");
}

#[test]
fn several_applications_have_what_they_say_and_what_stands_above_them() {
    let folder = Folder::with(
        r#"
        port = 4000
        environment = "production"
        min-instances = 2
        max-pool-size = 3
        turbocache-without-cookie = "session"

        [[app]]
        name = "forum"
        host = ["forum.example", "*.forum.example"]
        dir = "forum"
        max-pool-size = 8
        vary-turbocache-by-session = "session"
        [app.envvar]
        A = "b"

        [[app]]
        name = "blog"
        host = "forum.example"
        path = "/blog"
        upstream = "http://127.0.0.1:8080"
        "#,
    );
    let options = folder
        .start_file(&["-p", "5000", "--cache", "standard"])
        .unwrap();
    assert_eq!(options.listen.port, 5000);
    let [forum, blog] = options.sites.as_slice() else {
        panic!("{:?}", options.sites);
    };
    assert_eq!(forum.route.name, "forum");
    assert_eq!(forum.route.host.len(), 2);
    assert_eq!(forum.route.path.to_string(), "/");
    assert_eq!(forum.app.dir, folder.path("forum"));
    assert_eq!(forum.app.environment, "production");
    assert_eq!(forum.app.pool.min_instances, 2);
    assert_eq!(forum.app.stack.cache, Cache::Standard);
    assert_eq!(forum.app.pool.max_pool_size, 8);
    assert_eq!(forum.app.envvar.len(), 1);
    // Another mode than that above.
    assert_eq!(forum.app.cookies.vary_turbocache_by_session, ["session"]);
    assert!(forum.app.cookies.turbocache_without_cookie.is_empty());

    assert_eq!(blog.route.path.to_string(), "/blog");
    assert!(blog.app.upstream.is_some());
    assert_eq!(blog.app.cookies.turbocache_without_cookie, ["session"]);
    assert!(blog.app.envvar.is_empty());

    // It has no processes that this could be about.
    let refusal = folder.start_file(&["--min-instances", "1"]).unwrap_err();
    assert!(refusal.contains("--upstream"), "{refusal}");
}

#[test]
fn what_is_wrong_with_an_application_is_said_where_it_is() {
    let cases = [
        (
            "no name",
            "port = 1\n[[app]]\ndir = \".\"",
            ":2: this `[[app]]` needs a `name`",
        ),
        (
            "nothing to serve",
            "[[app]]\nname = \"a\"",
            ":1: this `[[app]]` needs a `dir`",
        ),
        (
            "one table",
            "[app]\nname = \"a\"",
            ":1: write each application as `[[app]]`",
        ),
        (
            "an unknown key",
            "[[app]]\nname = \"a\"\nhots = \"b\"",
            ":3: unknown field `hots`",
        ),
        (
            "a key of the server",
            "[[app]]\nname = \"a\"\nport = 1",
            ":3: `port` is for the whole server",
        ),
        (
            "the total of one",
            "[[app]]\nname = \"a\"\nmax-total-pool-size = 1",
            ":3: `max-total-pool-size` is for the whole server",
        ),
        (
            "a key of an application",
            "host = \"a\"",
            ":1: `host` is a key of an `[[app]]`",
        ),
        (
            "no host",
            "[[app]]\nname = \"a\"\ndir = \".\"\nhost = \"http://a\"",
            ":4: invalid value 'http://a' for '--host",
        ),
        (
            "no name for a program",
            "[[app]]\nname = \"a b\"\ndir = \".\"",
            ":2: invalid value 'a b' for '--name",
        ),
        (
            "another application",
            "command = [\"a\"]\n[[app]]\nname = \"a\"\ndir = \".\"",
            ":1: `command` belongs into an `[[app]]`",
        ),
        (
            "two applications in one",
            "[[app]]\nname = \"a\"\ndir = \".\"\nupstream = \"http://127.0.0.1:1\"",
            "peregrine.toml:4: `upstream` cannot stand beside `dir`, in line 3",
        ),
        (
            "processes of an upstream",
            "[[app]]\nname = \"a\"\nupstream = \"http://127.0.0.1:1\"\nmin-instances = 1",
            "peregrine.toml:4: `min-instances` cannot stand beside `upstream`, in line 3",
        ),
    ];
    for (name, text, part) in cases {
        let refusal = Folder::with(text).start_file(&[]).unwrap_err();
        assert!(refusal.contains(part), "{name}: {refusal}");
    }
    let folder = Folder::with("[[app]]\nname = \"a\"\ndir = \".\"");
    for refusal in [folder.start(&[], &[]), folder.start_file(&["--", "serve"])] {
        let refusal = refusal.unwrap_err();
        assert!(refusal.contains("on the command line"), "{refusal}");
    }
}

#[test]
fn every_option_of_start_is_a_key_and_takes_what_it_takes() {
    let mut cli = Cli::command();
    cli.build();
    let start = cli.find_subcommand("start").unwrap();
    let keys = Keys::of_start();
    for option in start.get_arguments().filter_map(|arg| arg.get_long()) {
        let is_key = keys.find(option).is_some();
        let expected = !["help", "config", "dry-run"].contains(&option);
        assert_eq!(is_key, expected, "--{option}");
    }
    // The reader knows these and no others.
    for arg in start.get_arguments() {
        assert!(
            matches!(
                arg.get_action(),
                ArgAction::Set | ArgAction::Append | ArgAction::SetTrue | ArgAction::Help
            ),
            "{arg}"
        );
    }
}

#[test]
fn without_a_file_the_command_line_is_read_as_it_is() {
    let words = ["peregrine", "status", "--json"].map(OsString::from);
    let ours = format!("{:?}", parse(&words).unwrap());
    let claps = format!("{:?}", Cli::try_parse_from(words).unwrap());
    assert_eq!(ours, claps);
    assert!(
        parse(&["peregrine", "--help"].map(OsString::from))
            .unwrap_err()
            .is_ok()
    );
}
