//! The program's own client, whose pauses take no time: what it would have waited is noted, and its clock goes on by as much.

use std::sync::Mutex;
use std::time::Duration;

use bootsmith::digest::Digest;
use bootsmith::host::registry::{Client, ClientSettings};
use bootsmith::image::{Image, Replica};
use bootsmith::registry::{
    Access, BlobOutcome, Credential, Pushed, RegistryError, Request, Response, Secret, Session, Transport,
    TransportError, Upload, push,
};

use super::connection::Server;
use crate::fixture::scratch_image;

/// A client in a hurry.
pub(super) struct Hurried {
    client: Client,
    pauses: Mutex<Vec<Duration>>,
}

impl Hurried {
    pub(super) fn new(settings: &ClientSettings) -> Self {
        Self { client: Client::new(settings).expect("a client"), pauses: Mutex::default() }
    }

    /// The seconds that it would have waited, each time.
    pub(super) fn pauses(&self) -> Vec<u64> {
        self.pauses.lock().expect("no panic").iter().map(Duration::as_secs).collect()
    }
}

impl Transport for Hurried {
    fn send(&self, request: Request<'_>) -> Result<Response, TransportError> {
        self.client.send(request)
    }

    fn elapsed(&self) -> Duration {
        self.client.elapsed() + self.pauses.lock().expect("no panic").iter().sum::<Duration>()
    }

    fn pause(&self, time: Duration) {
        self.pauses.lock().expect("no panic").push(time);
    }
}

/// How a push of the small image went.
pub(super) struct Outcome {
    pub(super) result: Result<Pushed, RegistryError>,
    /// The pauses, in seconds.
    pub(super) pauses: Vec<u64>,
}

/// A silence of this length is a fault of the test's server, however busy the machine is.
const UNTIL_IT_HANGS: Duration = Duration::from_secs(300);

/// What to push, where, and as whom.
pub(super) struct Push {
    pub(super) registry: String,
    pub(super) image: Image,
    pub(super) tags: Vec<&'static str>,
    pub(super) mount_from: Vec<String>,
    pub(super) access: Access,
    pub(super) client: ClientSettings,
}

impl Push {
    /// The small image to `shop:1` of a registry.
    pub(super) fn to(server: &Server) -> Self {
        Self {
            registry: server.name(),
            image: scratch_image(&["linux/amd64"]),
            tags: vec!["1"],
            mount_from: Vec::new(),
            access: Access::default(),
            client: ClientSettings { timeout: UNTIL_IT_HANGS, ..ClientSettings::default() },
        }
    }

    /// As `anna`, whose password is `hunter2`.
    pub(super) fn for_anna(mut self) -> Self {
        let password = Secret::new("hunter2");
        self.access.credential = Some(Credential::Password { username: "anna".to_owned(), password });
        self
    }

    /// For a server that says nothing: its silence is over soon, and no machine is so busy that anybody else is silent for as long.
    pub(super) fn impatient(mut self) -> Self {
        self.client.timeout = Duration::from_secs(3);
        self
    }

    pub(super) fn run(&self) -> Outcome {
        let client = Hurried::new(&self.client);
        let events = |_: bootsmith::registry::Event<'_>| ();
        let result = Session::open(&client, &self.registry, &self.access, &events).and_then(|session| {
            let (tags, mount_from) = (&self.tags[..], &self.mount_from[..]);
            push(&session, Upload { image: &Replica::from(&self.image), repository: "shop", tags, mount_from })
        });
        Outcome { result, pauses: client.pauses() }
    }
}

/// `anna` and `hunter2`, as the scheme Basic has them.
pub(super) const ANNA: &str = "Basic YW5uYTpodW50ZXIy";

impl Outcome {
    /// Everything is there, under its name.
    #[track_caller]
    pub(super) fn is_done(&self, server: &Server) -> &Self {
        let pushed = match &self.result {
            Ok(pushed) => pushed,
            Err(error) => panic!("{}", told(error)),
        };
        let tag = server.state().tags.get(&("shop".to_owned(), "1".to_owned())).cloned();
        assert_eq!(tag, Some(pushed.digest.to_string()));
        self
    }

    /// It failed with this message, cause and hint, and nothing was tagged.
    #[track_caller]
    pub(super) fn is_refused(&self, server: &Server, message: &str) -> &Self {
        let error = self.result.as_ref().expect_err("it must fail");
        // The port is another each time.
        let told = told(error).replace(&server.name(), "REGISTRY").replace(&server.other_name(), "ELSEWHERE");
        let told = masked(&told);
        assert_eq!(told, message);
        assert!(server.state().tags.is_empty(), "nothing is tagged");
        self
    }

    /// So long it would have waited, each time.
    #[track_caller]
    pub(super) fn waited(&self, pauses: &[u64]) -> &Self {
        assert_eq!(self.pauses, pauses);
        self
    }

    /// How the blobs came to be there, without their digests.
    pub(super) fn outcomes(&self) -> Vec<BlobOutcome> {
        let pushed = self.result.as_ref().expect("it is done");
        pushed.blobs.iter().map(|(_, outcome)| *outcome).collect()
    }
}

/// An error as a user sees it.
pub(super) fn told(error: &RegistryError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!("; because {cause}")).unwrap_or_default();
    let hint = error.hint().map(|hint| format!("; hint: {hint}")).unwrap_or_default();
    format!("{error}{cause}{hint}")
}

/// Digests as `sha256:…`: which blob is met first is not decided.
pub(super) fn masked(text: &str) -> String {
    let mut pieces = text.split("sha256:");
    let mut masked = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        masked.push_str("sha256:…");
        let is_digest = Digest::parse(&format!("sha256:{}", piece.get(..64).unwrap_or_default())).is_ok();
        masked.push_str(if is_digest { &piece[64..] } else { piece });
    }
    masked
}
