//! Encryption: whose certificates are trusted, and that nothing leads out of it.

use super::authorities::{Authority, SelfSigned};
use super::client::{ANNA, Push, told};
use super::connection::Server;
use super::server::{Fault, Login};

fn trusting(server: &Server, authority: &Authority) -> Push {
    let mut push = Push::to(server);
    push.client.ca_files = vec![authority.file()];
    push
}

#[test]
fn a_certificate_of_a_given_authority_is_trusted() {
    let authority = Authority::new();
    let server = Server::with_tls(authority.certify("127.0.0.1", false));
    server.state().login = Login::Basic(ANNA.to_owned());
    trusting(&server, &authority).for_anna().run().is_done(&server);
}

#[test]
fn a_certificate_that_proves_nothing_is_refused() {
    let (authority, other) = (Authority::new(), Authority::new());
    let unknown =
        "it is signed by an unknown authority; hint: add the certificate of its authority with `--ca-file FILE`";
    let bad = "hint: replace the certificate of the registry, or use a host name that the certificate contains";
    for (config, reason) in [
        (Authority::self_signed("127.0.0.1"), unknown),
        (other.certify("127.0.0.1", false), unknown),
        (authority.certify("127.0.0.1", true), &format!("it has expired; {bad}")),
        (authority.certify("registry.example.com", false), &format!("it is for another name; {bad}")),
    ] {
        let server = Server::with_tls(config);
        server.state().login = Login::Basic(ANNA.to_owned());
        trusting(&server, &authority).for_anna().run().waited(&[]).is_refused(
            &server,
            &format!("cannot connect to the registry `REGISTRY`; because its certificate is not trusted: {reason}"),
        );
        assert!(
            server.state().log.is_empty(),
            "nothing is asked of whom nobody knows, and not without encryption either"
        );
    }
}

#[test]
fn nothing_leads_out_of_encryption() {
    let plain = Server::start();
    let authority = Authority::new();
    let start = || Server::with_tls(authority.certify("127.0.0.1", false));
    let out = format!("http://{}/out", plain.name());
    let server = start();
    server.fails("POST", "/blobs/uploads/", 0, Fault::Header("location", out.clone()));
    let led = told(&trusting(&server, &authority).run().result.expect_err("it must fail"));
    assert!(
        led.contains(&format!("the registry redirects from `https://{}` to `http://{}`", server.name(), plain.name())),
        "{led}"
    );
    assert!(
        led.ends_with("hint: the proxy in front of the registry must send it the header `X-Forwarded-Proto: https`"),
        "{led}"
    );
    let server = start();
    server.fails("HEAD", "/blobs/", 0, Fault::Answer(super::http::Answer::new(307).with("location", out)));
    let led = told(&trusting(&server, &authority).run().result.expect_err("it must fail"));
    assert!(led.contains("which is not encrypted"), "{led}");
    let server = start();
    let challenge = format!("Bearer realm=\"http://{}/token\"", plain.name());
    server.state().login = Login::Bearer { challenge, basic: None, expires_in: None };
    let led = told(&trusting(&server, &authority).for_anna().run().result.expect_err("it must fail"));
    assert!(led.contains("which is not encrypted"), "{led}");
    assert!(plain.state().log.is_empty());
}

/// A name that means this machine may be spoken to without encryption, and a registry elsewhere only by request.
#[test]
fn only_this_machine_is_spoken_to_plainly() {
    let server = Server::start();
    let mut push = Push::to(&server);
    // Nobody is there, and nobody is asked: what counts is how it would be asked.
    push.registry = "registry.invalid".to_owned();
    let error = told(&push.run().result.expect_err("it must fail"));
    assert!(
        error.starts_with("cannot connect to the registry `registry.invalid`; because it cannot be reached"),
        "{error}"
    );
    let mut push = Push::to(&server);
    push.access.plain_http = true;
    push.run().is_done(&server);
}

/// As `openssl req -x509` makes it, and the documentation of registries: an authority that is a server too.
#[test]
fn a_self_signed_certificate_is_trusted_when_it_is_given_itself() {
    let authority = SelfSigned::new("127.0.0.1", false);
    let server = Server::with_tls(authority.server());
    server.state().login = Login::Basic(ANNA.to_owned());
    let mut push = Push::to(&server).for_anna();
    push.client.ca_files = vec![authority.file()];
    push.run().is_done(&server);
}

#[test]
fn a_self_signed_certificate_is_no_better_than_what_it_says() {
    let (expired, other_name) = (SelfSigned::new("127.0.0.1", true), SelfSigned::new("registry.example.com", false));
    let (good, alike) = (SelfSigned::new("127.0.0.1", false), SelfSigned::new("127.0.0.1", false));
    let bad = "hint: replace the certificate of the registry, or use a host name that the certificate contains";
    let marked = "it is the certificate of an authority (CA:TRUE), and is not trusted itself; \
                  hint: add this certificate itself with `--ca-file FILE`, or create one that is not an authority (`openssl req \
                  -x509 … -addext basicConstraints=critical,CA:FALSE`)";
    for (shown, given, reason) in [
        (&expired, &expired, format!("it has expired; {bad}")),
        (&other_name, &other_name, format!("it is for another name; {bad}")),
        (&good, &alike, marked.to_owned()),
    ] {
        let server = Server::with_tls(shown.server());
        let mut push = Push::to(&server).for_anna();
        push.client.ca_files = vec![given.file()];
        let message =
            format!("cannot connect to the registry `REGISTRY`; because its certificate is not trusted: {reason}");
        push.run().waited(&[]).is_refused(&server, &message);
        assert!(server.state().log.is_empty(), "nothing is asked");
    }
}

/// Whoever has only the certificate has not its key.
#[test]
fn a_self_signed_certificate_proves_nothing_without_its_key() {
    let authority = SelfSigned::new("127.0.0.1", false);
    let server = Server::with_tls(authority.server_with_another_key());
    let mut push = Push::to(&server).for_anna();
    push.client.ca_files = vec![authority.file()];
    let told = told(&push.run().result.expect_err("it must fail"));
    assert!(told.starts_with("cannot connect to the registry `127.0.0.1:"), "{told}");
    assert!(server.state().log.is_empty(), "nothing is asked");
}
