//! What one release may change of what is stored: a secret, a config, a service, a volume. Planned, applied, taken back, and nothing is left
//! behind but data.

use std::fs;

use bootsmith::plan::Platform;

use super::engine::{Surroundings, docker, everything_of, on_every_engine, standing};
use super::product::{API_KEY, Product, STEADY, box_product};

on_every_engine! {
    what_a_release_changes_is_planned_applied_and_taken_back
}

/// A user of all, who says what it sees and leaves a mark in its volume; and a service that the next release has no more, on a network
/// and with a config and a secret of its own.
const FIRST: &str = r#"
[parameters.GONE_KEY]
secret = true
required = true
[secrets.gone-key]
parameter = "GONE_KEY"
[configs.settings]
content = "level=one\n"
[configs.gone-settings]
content = "gone\n"
[networks.side]

[services.user]
image = "sample/box:1.0.0"
command = ["sh", "-c", "cat /etc/settings /run/secrets/api-key; echo; cat /data/marks; echo mark >> /data/marks; while :; do sleep 1; done"]
configs = [{ source = "settings", target = "/etc/settings" }]
secrets = ["api-key"]
volumes = ["data:/data"]
stop_grace_period = "1s"
deploy = { endpoint_mode = "dnsrr", update_config = { monitor = "1s" } }

[services.gone]
image = "sample/box:1.0.0"
command = ["sh", "-c", "while :; do sleep 1; done"]
configs = [{ source = "gone-settings", target = "/etc/settings" }]
secrets = ["gone-key"]
networks = ["side"]
stop_grace_period = "1s"
deploy = { endpoint_mode = "dnsrr", update_config = { monitor = "1s" } }

[volumes.data]
"#;

/// The names of what stands but for the fingerprints in them, on one line a kind.
fn standing_of(product: &Product, platform: Platform) -> String {
    let target = product.target("production");
    let short = |name: &String| {
        let name = name.strip_prefix(&target).unwrap_or(name).trim_start_matches(['-', '_']);
        let name = name.trim_end_matches(" config").trim_end_matches(" secret");
        match name.rsplit_once('-') {
            Some((stem, digits)) if digits.len() >= 12 => stem.to_owned(),
            _ => name.to_owned(),
        }
    };
    let line = |(kind, names): (&&str, &Vec<String>)| {
        let mut names: Vec<_> = names.iter().map(short).collect();
        names.sort();
        format!("{kind}: {}\n", names.join(" "))
    };
    standing(platform, &product.name).iter().map(line).collect()
}

fn says(product: &Product) -> String {
    let user = product.replicas("production", "user");
    assert_eq!(user.len(), 1, "{user:?}");
    docker(&["logs", &user[0]])
}

fn what_a_release_changes_is_planned_applied_and_taken_back(surroundings: &Surroundings) {
    let platform = surroundings.platform;
    let mut product = box_product(surroundings, "e2e-changes", &format!("{STEADY}{API_KEY}{FIRST}"));
    product.given = vec!["API_KEY=first".to_owned(), "GONE_KEY=gone".to_owned()];
    product.run(&["up"]).expect(0);
    assert!(says(&product).starts_with("level=one\nfirst"), "{}", says(&product));
    assert_eq!(standing_of(&product, platform), first_standing(platform, "data"));
    let steady = product.replicas("production", "steady");

    change(&mut product);
    let plan = product.run(&["plan", "--exit-code"]).expect(10).out;
    assert_eq!(plan.split_once('\n').map(|(_, changes)| changes), Some(PLAN));
    assert_eq!(standing_of(&product, platform), first_standing(platform, "data"), "a plan changes nothing");
    product.run(&["up"]).expect(0);
    product.run(&["plan", "--exit-code"]).expect(0);
    let said = says(&product);
    assert!(said.starts_with("level=two\nsecond") && !said.contains("mark"), "{said}");
    assert_eq!(standing_of(&product, platform), second_standing(platform));

    // Secrets are no part of a revision: the one that is needed again is given again.
    product.given = vec!["API_KEY=first".to_owned(), "GONE_KEY=gone".to_owned()];
    product.run(&["rollback"]).expect(0);
    let said = says(&product);
    assert!(said.starts_with("level=one\nfirst") && said.contains("mark"), "with the data of before: {said}");
    assert_eq!(standing_of(&product, platform), first_standing(platform, "data store"), "data stays");
    assert_eq!(product.replicas("production", "steady"), steady, "what did not differ was not touched");
    product.run(&["down", "--volumes", "--yes"]).expect(0);
    assert_eq!(everything_of(&product.name, "production"), Vec::<String>::new());
}

const PLAN: &str = "\
steady: keep
user: recreate
    volumes.1: data:/data -> store:/data
    config settings: as it was -> changed
    secret api-key: as it was -> changed
gone: remove, it is not in this release
";

/// What stands after the first release; `data` are the volumes that are the operator's to delete.
fn first_standing(platform: Platform, data: &str) -> String {
    match platform {
        Platform::Swarm => format!(
            "configs: config-gone-settings config-settings\nnetworks: default side\nsecrets: secret-api-key secret-gone-key\n\
             services: gone steady user\nvolumes: {data}\n"
        ),
        _ => {
            let mut volumes = vec!["config-gone-settings", "config-settings", "secret-api-key", "secret-gone-key"];
            volumes.extend(data.split(' '));
            volumes.sort_unstable();
            format!("containers: gone-1 steady-1 user-1\nnetworks: default side\nvolumes: {}\n", volumes.join(" "))
        }
    }
}

fn second_standing(platform: Platform) -> String {
    let all = match platform {
        Platform::Swarm => {
            "configs: config-settings\nnetworks: default\nsecrets: secret-api-key\nservices: steady user\nvolumes: data store\n"
        }
        _ => "containers: steady-1 user-1\nnetworks: default\nvolumes: config-settings data secret-api-key store\n",
    };
    all.to_owned()
}

/// The next release: another config, a volume of another name, a service less; and the operator has another secret.
fn change(product: &mut Product) {
    product.edit("level=one", "level=two");
    product.edit("[volumes.data]", "[volumes.store]");
    product.edit("data:/data", "store:/data");
    let spec = fs::read_to_string(product.path("bootstrap.toml")).expect("the spec was written");
    let (start, end) =
        (spec.find("[services.gone]").expect("a service"), spec.find("[volumes.store]").expect("a volume"));
    product.edit(&spec[start..end], "");
    for gone in
        ["[parameters.GONE_KEY]\nsecret = true\nrequired = true\n", "[secrets.gone-key]\nparameter = \"GONE_KEY\"\n"]
    {
        product.edit(gone, "");
    }
    product.edit("[configs.gone-settings]\ncontent = \"gone\\n\"\n[networks.side]\n", "");
    product.build(Some("1.1.0"));
    product.given = vec!["API_KEY=second".to_owned()];
}
