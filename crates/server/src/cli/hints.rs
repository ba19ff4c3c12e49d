//! What other servers call something, and what that is here.

/// For those who type what they have always typed. `None` for a word that no server has
/// that is known here.
pub(super) fn hint(word: &str) -> Option<&'static str> {
    let word = word.split('=').next().unwrap_or(word);
    Some(match word {
        "stop" | "quit" => "to stop a server, send SIGTERM to it; `peregrine status` shows its PID",
        "reload" | "restart" => {
            "`peregrine restart-app` has new code take over; a server is configured when it starts"
        }
        "configtest" | "check" | "validate" | "-t" => {
            "`peregrine start --dry-run` checks options, file and folder, and starts nothing"
        }
        "serve" | "run" | "server" => "`peregrine start` serves an application",
        "memory" => "`peregrine memory-stats` shows what is used of the machine's memory",
        "ban" => "`peregrine purge` has the cache forget something",
        "version" | "-v" => "`peregrine --version` says it",
        "--daemonize" | "--daemon" | "-d" => {
            "it stays in the foreground, for systemd or a shell's `&` to run it"
        }
        "--log-file" => "it logs to standard error, for a shell or systemd to put it elsewhere",
        "--ssl" | "--ssl-certificate" | "--ssl-certificate-key" | "--ssl-port" => {
            "there is no TLS: put a proxy that speaks it in front, and name that with \
             --trusted-proxy"
        }
        "--socket" | "-S" => "it listens on TCP alone: see --address and --port",
        "--engine" | "--nginx-bin" | "--nginx-config-template" | "--nginx-version" => {
            "there is no nginx in it, and nothing else to choose from"
        }
        "--workers" | "-w" => "how many processes may run is --max-pool-size",
        "--threads" | "--concurrency" | "--thread-count" => {
            "how many requests a process gets at a time is \
             --force-max-concurrent-requests-per-process"
        }
        "--host" | "--bind" | "-b" | "--listen" => "where it listens is --address and --port",
        "--app-start-command" => "the command stands at the end, behind `--`",
        "--ruby" | "--python" | "--nodejs" | "--startup-file" | "--app-type" | "--rackup" => {
            "the command that runs the application stands at the end, behind `--`"
        }
        "--app-root" | "--app" => "the application's folder stands alone: peregrine start DIR",
        "--turbocaching" => "the cache is on unless --cache is off",
        "--instance-registry-dir" => "where operators find a server is --admin-socket",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn a_hint_names_nothing_that_is_not_there() {
        let cli = Cli::command();
        let known = |option: &str| {
            let all = cli.get_subcommands().chain([&cli]);
            all.flat_map(clap::Command::get_arguments)
                .any(|argument| argument.get_long() == Some(option))
        };
        let words = [
            "stop",
            "reload",
            "configtest",
            "serve",
            "memory",
            "ban",
            "--daemonize",
            "--log-file",
            "--ssl",
            "--socket",
            "--engine",
            "--workers",
            "--threads",
            "--bind",
            "--ruby",
            "--app-start-command",
            "--app-root",
            "--turbocaching",
            "--instance-registry-dir",
        ];
        for word in words {
            let hint = hint(word).expect(word);
            for part in hint.split([' ', ';', ',', '`', ':']) {
                if let Some(option) = part.strip_prefix("--").filter(|it| !it.is_empty()) {
                    assert!(known(option) || option == "version", "{word}: {hint}");
                }
            }
            if let Some(option) = word.strip_prefix("--") {
                assert!(!known(option), "{word} means something");
            }
        }
        assert_eq!(hint("--daemonize=yes"), hint("--daemonize"));
        assert_eq!(hint("--prot"), None);
    }
}
