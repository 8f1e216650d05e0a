//! Encryption: whose certificates are trusted, and that nothing leads out of it.

use super::authorities::Authority;
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
    for (config, reason) in [
        (Authority::self_signed("127.0.0.1"), "no authority that is known here has signed it"),
        (other.certify("127.0.0.1", false), "no authority that is known here has signed it"),
        (authority.certify("127.0.0.1", true), "it has expired"),
        (authority.certify("registry.example.com", false), "it is for another name"),
    ] {
        let server = Server::with_tls(config);
        server.state().login = Login::Basic(ANNA.to_owned());
        trusting(&server, &authority).for_anna().run().waited(&[]).is_refused(
            &server,
            &format!(
                "cannot talk to the registry `REGISTRY`; because its certificate is not trusted: {reason}; \
                 hint: give the certificate of its authority with `--ca-file FILE`"
            ),
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
        led.contains(&format!("the registry leads from `https://{}` to `http://{}`", server.name(), plain.name())),
        "{led}"
    );
    assert!(
        led.ends_with("hint: a proxy before the registry has to tell it of https, by the header `X-Forwarded-Proto`"),
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
        error.starts_with("cannot talk to the registry `registry.invalid`; because it cannot be reached"),
        "{error}"
    );
    let mut push = Push::to(&server);
    push.access.plain_http = true;
    push.run().is_done(&server);
}
