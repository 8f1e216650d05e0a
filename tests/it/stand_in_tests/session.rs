//! A stand-in and the real kubectl that talks to it.

use std::io::Write as _;
use std::ops::Deref;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use crate::stand_in::{Settings, StandIn, kubectl};

/// A stand-in for one test.
pub(super) struct Session {
    kubectl: PathBuf,
    stand_in: StandIn,
}

/// What kubectl said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

/// A session, where there is a kubectl.
pub(super) fn session() -> Option<Session> {
    let kubectl = kubectl()?;
    Some(Session { kubectl, stand_in: StandIn::start(&Settings::default()) })
}

impl Session {
    /// Runs kubectl, with a text as standard input.
    pub(super) fn run_with(&self, arguments: &str, input: &str) -> Said {
        let mut command = self.stand_in.command(&self.kubectl);
        command.args(arguments.split_whitespace());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("kubectl starts");
        child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("kubectl reads");
        let Output { status, stdout, stderr } = child.wait_with_output().expect("kubectl ends");
        let text = |bytes| String::from_utf8(bytes).expect("kubectl says UTF-8");
        Said { code: status.code().unwrap_or(-1), out: text(stdout), err: text(stderr) }
    }

    pub(super) fn run(&self, arguments: &str) -> Said {
        self.run_with(arguments, "")
    }

    /// What kubectl prints when it succeeds.
    pub(super) fn ok(&self, arguments: &str) -> String {
        self.run(arguments).succeeded(arguments)
    }

    pub(super) fn ok_with(&self, arguments: &str, input: &str) -> String {
        self.run_with(arguments, input).succeeded(arguments)
    }
}

impl Said {
    fn succeeded(self, arguments: &str) -> String {
        assert_eq!(self.code, 0, "kubectl {arguments}: {}{}", self.out, self.err);
        self.out
    }
}

impl Deref for Session {
    type Target = StandIn;

    fn deref(&self) -> &StandIn {
        &self.stand_in
    }
}

/// A Deployment of an image, with what it further says below `spec`.
pub(super) fn deployment(image: &str, spec: &str) -> String {
    format!(
        r#"{{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"web","labels":{{"app":"web"}}}},
"spec":{{"selector":{{"matchLabels":{{"app":"web"}}}},"template":{{"metadata":{{"labels":{{"app":"web"}}}},
"spec":{{"containers":[{{"name":"web","image":"{image}","ports":[{{"containerPort":80}}]}}]}}}}{spec}}}}}"#
    )
}

/// The words that apply a definition from standard input as a manager.
pub(super) const APPLY: &str = "apply --server-side --field-manager=bootsmith -n shop -f -";
