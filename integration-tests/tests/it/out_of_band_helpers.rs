//! The helpers for out-of-band garbage collection alone, in their own languages.

use integration_tests::{binary, tools, wait};
use tokio::process::Command;

/// The middleware alone, asked without a server in between.
const RUBY_WITHOUT_A_PAUSE: &str = r#"
    require ARGV[0]
    app = ->(_env) { Array.new(1_000) { "" } and [200, {}.freeze, []] }
    page = Rack::MockRequest.env_for("/")
    call = ->(middleware, env = page) { middleware.call(env.dup) }
    check = ->(name, so) { so or abort(name) }
    disabled = -> { GC.disable.tap { |was| GC.enable unless was } }

    alone = OutOfBandGC.new(app, due_objects: 1)
    check["nobody is asked without Peregrine", call[alone][1].empty?]
    check["nothing is kept from collecting without Peregrine", !disabled.call]

    ENV["PEREGRINE_OOB_WORK_METHOD"] = "POST"
    ENV["PEREGRINE_OOB_WORK_PATH"] = "/work"
    ENV["PEREGRINE_OOB_WORK_TOKEN"] = "secret"
    middleware = OutOfBandGC.new(app, due_objects: 5_000)
    check["not at once", call[middleware][1].empty?]
    check["it does not collect", disabled.call]
    answers = Array.new(6) { call[middleware] }
    check["it asks", answers.last[1] == { "!~request-oob-work" => "true" }]
    check["it still waits", disabled.call]
    20.times { call[middleware] }
    check["memory is bounded", !disabled.call]

    forged = Rack::MockRequest.env_for("/work", method: "POST")
    check["not without the token", call[middleware, forged][0] == 200]
    collections = GC.count
    work = forged.merge("HTTP_!~OOB_WORK_TOKEN" => "secret")
    check["it works", call[middleware, work][0] == 204 && GC.count > collections]
    check["and waits again", disabled.call && call[middleware][1].empty?]
"#;

/// As above.
const PYTHON_WITHOUT_A_PAUSE: &str = r#"
import gc, os, sys
sys.path.append(os.path.dirname(sys.argv[1]))
sys.dont_write_bytecode = True
from out_of_band_gc import OutOfBandWSGI

def app(environ, start_response):
    kept.append([[] for _ in range(1_000)])
    start_response("200 OK", [])
    return []

def call(middleware, **environ):
    told = []
    start = lambda status, headers, exc_info=None: told.extend((status[:3], headers))
    middleware({"REQUEST_METHOD": "GET", "PATH_INFO": "/", **environ}, start)
    return told

kept = []
assert call(OutOfBandWSGI(app, due_objects=1)) == ["200", []], "without Peregrine"
assert gc.isenabled()

os.environ |= {
    "PEREGRINE_OOB_WORK_METHOD": "POST",
    "PEREGRINE_OOB_WORK_PATH": "/work",
    "PEREGRINE_OOB_WORK_TOKEN": "secret",
}
middleware = OutOfBandWSGI(app, due_objects=5_000)
assert call(middleware) == ["200", []], "not at once"
assert not gc.isenabled() and gc.get_freeze_count() > 0
answers = [call(middleware) for _ in range(6)]
assert answers[-1] == ["200", [("!~Request-OOB-Work", "true")]], answers
assert not gc.isenabled()
for _ in range(20):
    call(middleware)
assert gc.isenabled(), "memory is bounded"

work = {"REQUEST_METHOD": "POST", "PATH_INFO": "/work"}
assert call(middleware, **work)[0] == "200", "not without the token"
assert call(middleware, **work, **{"HTTP_!~OOB_WORK_TOKEN": "secret"})[0] == "204"
assert not gc.isenabled()
assert call(middleware) == ["200", []]
"#;

#[tokio::test]
async fn a_pause_that_does_not_come_lets_the_language_collect_as_ever() {
    let helpers = binary::example_app("out-of-band");
    let cases = [
        ("ruby", "-e", RUBY_WITHOUT_A_PAUSE, "out_of_band_gc.rb"),
        ("python3", "-c", PYTHON_WITHOUT_A_PAUSE, "out_of_band_gc.py"),
    ];
    for (program, option, script, helper) in cases {
        tools::require(program);
        let mut command = Command::new(program);
        let helper = format!("{helpers}/{helper}");
        let running = command.args([option, script, &helper]).output();
        let ended = wait::bounded(program, running).await.unwrap();
        assert!(ended.status.success(), "{program}: {ended:?}");
    }
}
