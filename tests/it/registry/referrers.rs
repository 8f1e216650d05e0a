//! What refers to an image: by the list of the registry, and by the tag where there is none.

use bootsmith::digest::Digest;
use bootsmith::image::media_type::{INDEX, MANIFEST};
use bootsmith::registry::{Referrer, RegistryError, Session, referrers};
use serde_json::{Value, json};

use super::client::{Hurried, Push, masked, told};
use super::command::User;
use super::connection::Server;
use super::http::Answer;
use super::server::{Fault, refuse};

const KINDS: [&str; 2] = ["application/spdx+json", "application/vnd.dev.cosign.artifact.sig.v1+json"];

/// A registry with an image `shop:1`, and what refers to it.
struct Signed {
    server: Server,
    image: Digest,
    expected: Vec<Referrer>,
}

fn referrer(kind: &str, image: Digest) -> Vec<u8> {
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": kind,
        "subject": { "digest": image.to_string() },
    });
    manifest.to_string().into_bytes()
}

impl Signed {
    /// The registry says what refers to an image.
    fn listed() -> Self {
        let signed = Self::tagged();
        let mut state = signed.server.state();
        state.lists_referrers = true;
        state.tags.retain(|(_, tag), _| tag == "1");
        drop(state);
        signed
    }

    /// The registry does not, and who has pushed it keeps a list under a tag.
    fn tagged() -> Self {
        let server = Server::start();
        let image = Push::to(&server).run().result.expect("an image").digest;
        let mut expected = Vec::new();
        for kind in KINDS {
            let bytes = referrer(kind, image);
            let (digest, size_bytes) = (Digest::of(&bytes), bytes.len() as u64);
            expected.push(Referrer { artifact_type: kind.to_owned(), digest, size_bytes });
            server.state().manifests.insert(("shop".to_owned(), digest.to_string()), bytes);
        }
        let signed = Self { server, image, expected };
        signed.tag(&Self::index(&signed.expected));
        signed.server.state().log.clear();
        signed
    }

    fn index(entries: &[Referrer]) -> Value {
        let entry = |of: &Referrer| json!({ "mediaType": MANIFEST, "digest": of.digest, "size": of.size_bytes, "artifactType": of.artifact_type });
        json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries.iter().map(entry).collect::<Vec<_>>() })
    }

    /// Puts a list where those look who find none.
    fn tag(&self, index: &Value) {
        let bytes = index.to_string().into_bytes();
        let digest = Digest::of(&bytes).to_string();
        let mut state = self.server.state();
        state.manifests.insert(("shop".to_owned(), digest.clone()), bytes);
        state.tags.insert(("shop".to_owned(), self.tag_name()), digest);
    }

    fn tag_name(&self) -> String {
        format!("sha256-{}", self.image.hex())
    }

    fn fails(&self, fault: Fault) -> &Self {
        self.server.fails("GET", "/referrers/", 0, fault);
        self
    }

    fn ask(&self) -> Result<Vec<Referrer>, RegistryError> {
        let push = Push::to(&self.server);
        let client = Hurried::new(&push.client);
        let session = Session::open(&client, &push.registry, &push.access, &|_| ())?;
        referrers(&session, "shop", self.image)
    }

    #[track_caller]
    fn is_known(&self) {
        assert_eq!(self.ask().expect("a list"), self.expected);
    }

    #[track_caller]
    fn is_refused(&self, message: &str) {
        let told = told(&self.ask().expect_err("it must fail"));
        assert_eq!(masked(&told.replace(&self.server.name(), "REGISTRY")), message);
    }
}

#[test]
fn the_list_of_the_registry_counts() {
    let signed = Signed::listed();
    signed.is_known();
    assert_eq!(signed.server.count("GET", "/manifests/"), 0, "no tag is asked for");
    let accept = signed.server.state().log.last().and_then(|seen| seen.head.header("accept").map(str::to_owned));
    assert_eq!(accept.as_deref(), Some(INDEX));
}

#[test]
fn a_list_comes_in_pages() {
    let signed = Signed::listed();
    let path = format!("/v2/shop/referrers/{}", signed.image);
    for (number, entry) in signed.expected.iter().enumerate() {
        let answer = Answer::new(200).with("content-type", INDEX).json(&Signed::index(std::slice::from_ref(entry)));
        let link = format!("<{path}?page=2>; rel=\"next\"");
        let answer = if number == 0 { answer.with("link", link) } else { answer };
        signed.server.fails("GET", "/referrers/", number + 1, Fault::Answer(answer));
    }
    signed.is_known();
    assert_eq!(signed.server.count("GET", "/referrers/"), 2);
}

/// By the protocol it answers 404; some find the question bad, or show a page for people.
#[test]
fn without_a_list_the_tag_counts() {
    let page = Answer { body: b"<!doctype html><p>Welcome".to_vec(), ..Answer::new(200) };
    for answer in [
        refuse(404, "UNSUPPORTED", "there is nothing here"),
        Answer { body: b"404 page not found\n".to_vec(), ..Answer::new(404) },
        refuse(400, "NAME_INVALID", "invalid repository name"),
        refuse(405, "UNSUPPORTED", "no"),
        Answer::new(501),
        page.clone().with("content-type", "text/html; charset=utf-8"),
    ] {
        let signed = Signed::tagged();
        signed.fails(Fault::Answer(answer)).is_known();
        assert_eq!(signed.server.count("GET", &format!("/manifests/{}", signed.tag_name())), 1);
    }
}

#[test]
fn an_image_that_nothing_refers_to_has_no_referrers() {
    for lists in [true, false] {
        let server = Server::start();
        server.state().lists_referrers = lists;
        let image = Push::to(&server).run().result.expect("an image").digest;
        let signed = Signed { server, image, expected: Vec::new() };
        signed.is_known();
    }
}

#[test]
fn what_passes_is_waited_out() {
    let signed = Signed::listed();
    for (number, fault) in [(1, Fault::Answer(Answer::new(503))), (2, Fault::Reset), (3, Fault::Cut(10))] {
        signed.server.fails("GET", "/referrers/", number, fault);
    }
    signed.is_known();
    assert_eq!(signed.server.count("GET", "/referrers/"), 4);
}

#[test]
fn what_is_no_list_is_said() {
    let what = "cannot list what refers to `REGISTRY/shop@sha256:…`";
    for (body, reason) in [
        ("<html>", "it is not a list of referrers"),
        ("{}", "it is not a list of referrers"),
        (r#"{"manifests":[{"mediaType":"x","digest":"sha256:12","size":1}]}"#, "it contains an invalid digest"),
        (r#"{"manifests":[{"mediaType":"x","digest":"sha256:12","size":-1}]}"#, "it is not a list of referrers"),
    ] {
        let signed = Signed::listed();
        signed.fails(Fault::Body(body.as_bytes().to_vec())).is_refused(&format!("{what}: {reason}"));
    }
    let signed = Signed::listed();
    signed.fails(Fault::Answer(refuse(403, "DENIED", "no"))).is_refused(&format!(
        "{what}: `127.0.0.1` answers 403, DENIED: no; hint: it may require a login: log in with `docker login REGISTRY`, or use `--username` and `--password-stdin`"
    ));
    let signed = Signed::listed();
    signed
        .fails(Fault::Endless)
        .is_refused("the list of what refers to `REGISTRY/shop@sha256:…` is too large: more than 8388608 bytes");
    let signed = Signed::listed();
    let link = format!("</v2/shop/referrers/{}>; rel=next", signed.image);
    signed.fails(Fault::Header("link", link)).is_refused(&format!("{what}: the list has no end"));
    let signed = Signed::tagged();
    signed.tag(&json!({ "mediaType": MANIFEST }));
    let tag = signed.tag_name();
    signed.is_refused(&format!("cannot read the tag `{tag}`: it is not a list of referrers"));
}

/// Nothing of it reaches a terminal as it is.
#[test]
fn a_kind_is_shown_on_one_line() {
    let signed = Signed::listed();
    let digest = signed.expected[0].digest;
    let entries = json!([
        { "mediaType": "plain", "digest": digest, "size": 1 },
        { "mediaType": "x", "digest": digest, "size": 1, "artifactType": format!("\u{1b}[31m{}", "y".repeat(1000)) },
    ]);
    let answer = Answer::new(200).json(&json!({ "manifests": entries }));
    let kinds: Vec<_> =
        signed.fails(Fault::Answer(answer)).ask().expect("a list").into_iter().map(|of| of.artifact_type).collect();
    assert_eq!(kinds[1], "plain");
    assert!(kinds[0].starts_with("[31myyy") && kinds[0].len() <= 300, "{}", kinds[0]);
}

#[test]
fn a_user_sees_what_refers_to_an_image() {
    for signed in [Signed::listed(), Signed::tagged()] {
        let user = User::new();
        let reference = format!("{}/shop:1", signed.server.name());
        let seen = user.runs(&[], &["inspect", &reference], "").expect(0);
        let [sbom, signature] = &signed.expected[..] else { panic!("two referrers") };
        let width = KINDS[1].len();
        let expected = format!(
            "\n├─ referrers\n│  ├─ {:width$}  {}\n│  └─ {:width$}  {}\n",
            KINDS[0], sbom.digest, KINDS[1], signature.digest
        );
        assert!(seen.out.contains(&expected), "{}", seen.out);
        let seen = user.runs(&[], &["inspect", &reference, "--json"], "").expect(0);
        let document: Value = serde_json::from_str(&seen.out).expect("JSON");
        assert_eq!(document["referrers"], json!(signed.expected));
        let file = user.runs(&[], &["inspect", "out.tar", "--json"], "").expect(0);
        assert_eq!(serde_json::from_str::<Value>(&file.out).expect("JSON").get("referrers"), None);
    }
    let (user, server) = (User::new(), Server::start());
    Push::to(&server).run().is_done(&server);
    let seen = user.runs(&[], &["inspect", &format!("{}/shop:1", server.name())], "").expect(0);
    assert!(seen.out.contains("\n├─ referrers: none\n"), "{}", seen.out);
}
