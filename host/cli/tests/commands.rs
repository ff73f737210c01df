//! The binary as its users run it.
#![cfg(all(unix, feature = "simulator"))]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// How long the demo may take to have shown everything.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running demo, ended when dropped.
struct Demo {
    child: Child,
    lines: Receiver<String>,
    seen: String,
}

impl Demo {
    fn start(data: Option<&Path>) -> Result<Self> {
        let mut command = warbler(&["demo", "--listen", "127.0.0.1:0"]);
        if let Some(data) = data {
            command.arg("--data").arg(data);
        }
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let out = child.stdout.take().context("no output")?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            child,
            lines,
            seen: String::new(),
        })
    }

    /// Reads on until a line holds `text`; that line.
    fn shows(&mut self, text: &str) -> Result<String> {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let line =
                line.with_context(|| format!("`{text}` was not shown after:\n{}", self.seen))?;
            self.seen.push_str(&line);
            self.seen.push('\n');
            if line.contains(text) {
                return Ok(line);
            }
        }
    }

    /// Asks it to end, as a service manager would.
    fn ends(mut self) -> Result<String> {
        let id = self.child.id().to_string();
        ensure!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()?
                .success(),
            "kill failed"
        );
        self.shows("The demo has ended")?;
        let status = self.child.wait()?;
        ensure!(status.success(), "the demo ended with {status}");
        Ok(std::mem::take(&mut self.seen))
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The binary, without anything the environment says.
fn warbler(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_warbler"));
    for name in [
        "LISTEN",
        "DATA",
        "ADMIN_KEY",
        "MASTER_KEY",
        "LOG",
        "LOG_FORMAT",
        "KEY",
        "URL",
        "CONFIG",
    ] {
        command.env_remove(format!("WARBLER_{name}"));
    }
    command.args(args);
    command
}

fn run(args: &[&str]) -> Result<(Option<i32>, String, String)> {
    run_with(args, "")
}

fn run_with(args: &[&str], stdin: &str) -> Result<(Option<i32>, String, String)> {
    let mut command = warbler(args);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = piped.stderr(Stdio::piped()).spawn()?;
    let mut input = child.stdin.take().context("no stdin")?;
    // Commands that read nothing may have ended already.
    drop(input.write_all(stdin.as_bytes()));
    drop(input);
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output()?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok((status.code(), text(stdout), text(stderr)))
}

#[test]
fn the_demo_answers_explains_and_leaves_nothing_behind() -> Result<()> {
    let mut demo = Demo::start(None)?;
    demo.shows("what is the price?")?;
    demo.shows("Our prices start at $10")?;
    demo.shows("auto-reply (plugin)")?;
    demo.shows("when are you open?")?;
    demo.shows("opening_hours (script)")?;
    demo.shows("Three things to try")?;
    let key = demo.shows("admin.key")?;
    demo.shows("opening_hours.rhai")?;
    demo.shows("events/stream")?;
    let key = key
        .split("$(cat ")
        .nth(1)
        .and_then(|rest| rest.split(')').next())
        .context("no key file")?;
    ensure!(Path::new(key).is_file(), "{key} is not there");
    let seen = demo.ends()?;
    ensure!(!seen.contains('\u{1b}'), "colours in a pipe");
    ensure!(!Path::new(key).exists(), "{key} is left behind");
    Ok(())
}

#[test]
fn a_demo_on_old_data_links_its_session_again() -> Result<()> {
    let dir = tempfile::tempdir()?;
    for round in 0..2 {
        let mut demo = Demo::start(Some(dir.path()))?;
        if round > 0 {
            demo.shows("from an earlier demo")?;
        }
        demo.shows("Our prices start at $10")?;
        demo.shows("Ctrl-c ends")?;
        demo.ends()?;
    }
    Ok(())
}

#[test]
fn the_commands_talk_to_a_running_host_and_say_how_it_went() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut demo = Demo::start(Some(dir.path()))?;
    let url = demo.shows("API on ")?;
    let url = url
        .split("API on ")
        .nth(1)
        .context("no URL")?
        .trim()
        .to_owned();
    demo.shows("Ctrl-c ends")?;
    let data = dir.path().to_string_lossy().into_owned();
    let reach = ["--url", url.as_str(), "--data", data.as_str()];
    let session = |args: &[&str]| run(&[&["session"], args, &reach[..]].concat());

    let (code, out, _) = session(&["list"])?;
    ensure!(
        code == Some(0) && out.contains("demo") && out.contains("connected"),
        "{code:?} {out}"
    );
    let (code, out, _) = session(&["create", "shop", "--json"])?;
    ensure!(
        code == Some(0) && out.contains(r#""name":"shop""#),
        "{code:?} {out}"
    );
    let (code, _, err) = session(&["create", "shop"])?;
    ensure!(
        code == Some(4) && err.contains("session_name_taken"),
        "{code:?} {err}"
    );
    let (code, _, err) = session(&["pair", "demo"])?;
    ensure!(code == Some(4) && err.contains("already"), "{code:?} {err}");
    let (code, out, _) = run(&[&["extensions", "list"], &reach[..]].concat())?;
    ensure!(
        code == Some(0) && out.contains("auto-reply") && out.contains("opening_hours"),
        "{out}"
    );
    let (code, _, err) = run(&["session", "list", "--url", &url, "--data", "nowhere"])?;
    ensure!(
        code == Some(2) && err.contains("WARBLER_KEY"),
        "{code:?} {err}"
    );

    let (code, _, err) = run(&["serve", "--data", &data])?;
    ensure!(
        code == Some(1) && err.contains("in use by another Warbler"),
        "{code:?} {err}"
    );
    let (code, out, _) = run(&["doctor", "--data", &data, "--json"])?;
    ensure!(
        code.is_some() && out.contains("in use by a running host"),
        "{code:?} {out}"
    );
    demo.ends()?;
    let (code, _, err) = session(&["list"])?;
    ensure!(
        code == Some(3) && err.contains("no host answers"),
        "{code:?} {err}"
    );
    Ok(())
}

#[test]
fn keys_and_users_are_looked_after_from_the_command_line() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut demo = Demo::start(Some(dir.path()))?;
    let url = demo.shows("API on ")?;
    let url = url.split("API on ").nth(1).context("no URL")?.trim();
    demo.shows("Ctrl-c ends")?;
    let data = dir.path().to_string_lossy().into_owned();
    let reach = ["--url", url, "--data", data.as_str()];
    let ask = |args: &[&str], stdin: &str| run_with(&[args, &reach[..]].concat(), stdin);

    let (code, out, err) = ask(&["user", "add", "ada"], "correct horse battery staple\n")?;
    ensure!(
        code == Some(0) && out.contains("User ada is made"),
        "{code:?} {out} {err}"
    );
    let (code, _, err) = ask(&["user", "add", "ada"], "correct horse battery staple\n")?;
    ensure!(
        code == Some(4) && err.contains("user_taken"),
        "{code:?} {err}"
    );
    let (code, _, err) = ask(&["user", "add", "bob"], "short\n")?;
    ensure!(
        code == Some(4) && err.contains("bad_password"),
        "{code:?} {err}"
    );
    let (code, _, err) = ask(&["user", "password", "ada"], "")?;
    ensure!(
        code == Some(2) && err.contains("no password"),
        "{code:?} {err}"
    );
    let (code, out, err) = ask(&["user", "password", "ada"], "another horse\n")?;
    ensure!(
        code == Some(0) && out.contains("another password"),
        "{code:?} {out} {err}"
    );
    let (code, out, _) = ask(&["user", "disable", "ada"], "")?;
    ensure!(
        code == Some(0) && out.contains("is refused"),
        "{code:?} {out}"
    );
    let (_, out, _) = ask(&["user", "list"], "")?;
    ensure!(out.contains("ada") && out.contains("disabled"), "{out}");

    let create = [
        "key",
        "create",
        "ci",
        "--scope",
        "read",
        "--session",
        "demo",
        "--json",
    ];
    let (code, out, err) = ask(&create, "")?;
    ensure!(
        code == Some(0) && out.contains("wbl_"),
        "{code:?} {out} {err}"
    );
    let made: serde_json::Value = serde_json::from_str(&out)?;
    let id = made["key"]["id"].as_str().context("no id")?;
    let secret = made["secret"].as_str().context("no secret")?;
    let (_, out, _) = ask(&["key", "list"], "")?;
    ensure!(out.contains("ci") && !out.contains(secret), "{out}");
    let (code, out, _) = ask(&["key", "revoke", id], "")?;
    ensure!(
        code == Some(0) && out.contains("refused from now on"),
        "{code:?} {out}"
    );
    let (code, _, err) = ask(&["user", "delete", "ada", "--sessions-to", "nobody"], "")?;
    ensure!(
        code == Some(4) && err.contains("unknown_user"),
        "{code:?} {err}"
    );
    let (code, _, _) = ask(&["user", "delete", "ada"], "")?;
    ensure!(code == Some(0), "{code:?}");
    let (_, out, _) = ask(&["user", "list"], "")?;
    ensure!(out.contains("No users"), "{out}");
    demo.ends()?;
    Ok(())
}

#[test]
fn a_command_line_that_makes_no_sense_is_refused_with_what_to_do() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let data = dir.path().to_string_lossy().into_owned();
    for (args, expected) in [
        (
            vec!["serve", "--data", &data, "--listen", "0.0.0.0:0"],
            "--allow-remote",
        ),
        (
            vec!["demo", "--listen", "0.0.0.0:0"],
            "for this machine only",
        ),
        (
            vec!["serve", "--config", "nowhere.toml"],
            "nowhere.toml cannot be read",
        ),
        (
            vec!["serve", "--data", &data, "--log", "a=b=c"],
            "is not a log filter",
        ),
        (vec!["session", "frobnicate"], "unrecognized subcommand"),
    ] {
        let (code, _, err) = run(&args)?;
        ensure!(
            code == Some(2) && err.contains(expected),
            "{args:?}: {code:?} {err}"
        );
    }
    Ok(())
}
