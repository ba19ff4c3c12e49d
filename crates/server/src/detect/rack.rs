use super::{Finding, Lack, Plan, Surroundings, Threads, Wishes, arguments};

const FILE: &str = "config.ru";
const KIND: &str = "a Rack application";

/// Puma, through Bundler where the application's bundle has it.
pub(super) fn detect(surroundings: &dyn Surroundings, wishes: &Wishes<'_>) -> Finding {
    if surroundings.read(FILE).is_none() {
        return Finding::Absent;
    }
    let in_bundle = bundle_has_puma(surroundings);
    let bundler = surroundings.program("bundle").filter(|_| in_bundle);
    let (program, leading) = match (bundler, surroundings.program("puma")) {
        (Some(bundle), _) => (bundle, &["exec", "puma"][..]),
        (None, Some(puma)) => (puma, &[][..]),
        (None, None) => {
            return Finding::Lacks(Lack {
                file: FILE,
                kind: KIND,
                program: if in_bundle { "bundle" } else { "puma" },
                install: if in_bundle {
                    "`apt install bundler` or `gem install bundler`, then `bundle install`"
                } else {
                    "`apt install puma` or `gem install puma`"
                },
            });
        }
    };
    let threads = Threads::for_wishes(wishes);
    let range = format!("{0}:{0}", threads.count);
    // Without the application's own config/puma.rb: that describes a whole
    // server with its port, pid file and workers, and would have each of our
    // processes be one.
    let options = [
        "--config",
        "-",
        "--bind",
        "unix://{socket}",
        "--threads",
        &range,
        "--environment",
        wishes.environment,
    ];
    Finding::Runs(Plan {
        file: FILE,
        kind: KIND,
        program,
        args: arguments(&[leading, &options].concat()),
        concurrency: threads.concurrency,
        path_first: None,
        env: &[],
    })
}

fn bundle_has_puma(surroundings: &dyn Surroundings) -> bool {
    if surroundings.read("Gemfile").is_none() {
        return false;
    }
    let locked = surroundings.read("Gemfile.lock").is_some_and(|lock| {
        lock.lines()
            .any(|line| line.trim_start().starts_with("puma ("))
    });
    locked
        || surroundings.read("Gemfile").is_some_and(|gemfile| {
            gemfile
                .lines()
                .filter_map(|line| line.trim_start().strip_prefix("gem"))
                .map(|rest| rest.trim_start_matches([' ', '(']))
                .any(|name| name.starts_with("\"puma\"") || name.starts_with("'puma'"))
        })
}
