//! What may be changed of an image.

use bootsmith::tree::Mode;
use serde_json::{Map, Value, json};

use super::parts::{Frame, PartLayer, Parts};
use crate::fixture;

/// A linear congruential generator (Knuth's MMIX): all the randomness that is needed here.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % end
    }

    pub(super) fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    fn word(&mut self) -> &'static str {
        const WORDS: [&str; 7] =
            ["evil", "", "0", "LD_PRELOAD=/evil.so", "root", "bootsmith base", "bootsmith environments"];
        self.one_of::<&str>(&WORDS)
    }
}

/// Changes one thing, and says which.
pub(super) fn change(parts: &mut Parts, frame: Frame, random: &mut Random) -> String {
    let kinds: &[fn(&mut Parts, &mut Random) -> String] =
        &[process, process, environment, label, history, document, move_layer, replace_layer, add_layer, annotation];
    // A rewritten manifest has no annotations that could be changed.
    let kinds = if frame == Frame::Rewritten { &kinds[..kinds.len() - 1] } else { kinds };
    random.one_of(kinds)(parts, random)
}

/// How the container is started.
fn process(parts: &mut Parts, random: &mut Random) -> String {
    let process = object(&mut parts.config["config"]);
    let word = random.word();
    let values = [
        ("Entrypoint", json!(["/bin/sh", "-c", word])),
        ("Entrypoint", json!(["/bootstrap/bin/bootstrap", word])),
        ("Cmd", json!([word])),
        ("User", json!(word)),
        ("WorkingDir", json!(word)),
        ("Volumes", json!({ "/bootstrap": {} })),
        ("ExposedPorts", json!({ "80/tcp": {} })),
        ("StopSignal", json!("SIGKILL")),
        ("Healthcheck", json!({ "Test": ["CMD", word] })),
        ("OnBuild", json!([format!("RUN {word}")])),
        ("Shell", json!([word])),
        ("ArgsEscaped", json!(true)),
        ("Env", json!(null)),
        ("Labels", json!({})),
    ];
    let (key, value) = random.one_of(&values);
    let is_removed = random.below(4) == 0 && process.remove(*key).is_some();
    if !is_removed {
        process.insert((*key).to_owned(), value.clone());
    }
    format!("config.{key} ({})", if is_removed { "removed".to_owned() } else { value.to_string() })
}

fn environment(parts: &mut Parts, random: &mut Random) -> String {
    let list = parts.config["config"]["Env"].as_array().cloned().unwrap_or_default();
    let changed = change_list(list, json!(random.word()), random);
    parts.config["config"]["Env"] = json!(changed);
    "an entry of config.Env".to_owned()
}

fn label(parts: &mut Parts, random: &mut Random) -> String {
    change_object(object(&mut parts.config["config"]["Labels"]), random, "the label")
}

fn annotation(parts: &mut Parts, random: &mut Random) -> String {
    let at = random.below(parts.layers.len() + 1);
    match parts.layers.get_mut(at) {
        Some(layer) if layer.annotations.is_object() => {
            change_object(object(&mut layer.annotations), random, "the layer's annotation")
        }
        Some(layer) => {
            layer.annotations = json!({ "io.bootsmith.layer": "environments" });
            "an annotation of a layer of the base".to_owned()
        }
        None => change_object(object(&mut parts.annotations), random, "the manifest's annotation"),
    }
}

fn history(parts: &mut Parts, random: &mut Random) -> String {
    let mut history = parts.config["history"].as_array().cloned().unwrap_or_default();
    if random.below(2) == 0 {
        history = change_list(history, json!({ "created_by": random.word() }), random);
    } else {
        let at = random.below(history.len());
        let (key, word) = (*random.one_of(&["created", "created_by", "author", "comment"]), random.word());
        history[at][key] = json!(word);
    }
    parts.config["history"] = json!(history);
    "the history".to_owned()
}

/// A key of the configuration itself.
fn document(parts: &mut Parts, random: &mut Random) -> String {
    let word = random.word();
    let values = [
        ("created", json!("2001-02-03T04:05:06Z")),
        ("created", json!("1970-01-01T00:00:00+00:00")),
        ("author", json!(word)),
        ("architecture", json!("arm64")),
        ("os", json!("freebsd")),
        ("variant", json!("v8")),
        ("os.version", json!(word)),
        ("os.features", json!([word])),
        ("container", json!(word)),
        ("docker_version", json!(word)),
        ("container_config", json!({ "Cmd": [word] })),
    ];
    let (key, value) = random.one_of(&values);
    parts.config[*key] = value.clone();
    format!("{key} ({value})")
}

/// Another order of layers, or another number; the history may go along.
fn move_layer(parts: &mut Parts, random: &mut Random) -> String {
    let (from, to, goes_along) = (random.below(parts.layers.len()), random.below(parts.layers.len()), random.below(2));
    let mut history = parts.config["history"].as_array().cloned().unwrap_or_default();
    let what = match random.below(3) {
        0 => {
            parts.layers.swap(from, to);
            history.swap(from, to);
            "swapped"
        }
        1 => {
            parts.layers.remove(from);
            history.remove(from);
            "removed"
        }
        _ => {
            parts.layers.insert(to, parts.layers[from].clone());
            history.insert(to, history[from].clone());
            "repeated"
        }
    };
    if goes_along == 1 {
        parts.config["history"] = json!(history);
    }
    format!("layers {from} and {to} ({what}, history {goes_along})")
}

/// A layer that nobody has built, anywhere among the others; the history may know it.
fn add_layer(parts: &mut Parts, random: &mut Random) -> String {
    let paths =
        ["bootstrap/bin/bootstrap", "bootstrap/bin/more", "bootstrap/.wh..wh..opq", ".wh.bootstrap", "etc/passwd"];
    let (path, at) = (*random.one_of(&paths), random.below(parts.layers.len() + 1));
    let role = *random.one_of(&["base", "entrypoint", "scripts", "environments"]);
    let layer = fixture::layer(role, &[(path, Mode::Executable, "#!/bin/sh\necho evil\n")]);
    parts.layers.insert(at, PartLayer { tar: fixture::tar_of(&layer), annotations: Value::Null });
    if random.below(4) > 0
        && let Some(history) = parts.config["history"].as_array_mut()
    {
        let created = json!("1970-01-01T00:00:00Z");
        history.insert(at, json!({ "created": created, "created_by": format!("bootsmith {role}") }));
    }
    format!("a layer `{role}` with `{path}` at {at}")
}

/// A byte of a layer's tar, headers with a checksum that fits.
fn replace_layer(parts: &mut Parts, random: &mut Random) -> String {
    let at = random.below(parts.layers.len());
    let tar = &mut parts.layers[at].tar;
    let headers: Vec<_> =
        (0..tar.len() / 512).map(|block| block * 512).filter(|start| is_header(tar, *start)).collect();
    let start = *random.one_of(&headers);
    let fields = [(100, 7), (108, 7), (116, 7), (136, 11), (265, 8), (297, 8), (329, 7), (0, 5)];
    let (field, length) = *random.one_of(&fields);
    let byte = start + field + random.below(length);
    tar[byte] = if (48..56).contains(&tar[byte]) { 48 + (tar[byte] - 47) % 8 } else { tar[byte] ^ 1 };
    let sum: u32 = (0..512).map(|at| if (148..156).contains(&at) { 32 } else { u32::from(tar[start + at]) }).sum();
    tar[start + 148..start + 156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    format!("byte {} of the header at {start} of layer {at}", byte - start)
}

fn is_header(tar: &[u8], start: usize) -> bool {
    &tar[start + 257..start + 262] == b"ustar"
}

fn object(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().expect("an object")
}

fn change_object(object: &mut Map<String, Value>, random: &mut Random, what: &str) -> String {
    let keys: Vec<_> = object.keys().cloned().chain(["evil".to_owned()]).collect();
    let key = random.one_of(&keys).clone();
    if random.below(3) == 0 && object.remove(&key).is_some() {
        return format!("{what} `{key}` (removed)");
    }
    let word = random.word();
    object.insert(key.clone(), json!(word));
    format!("{what} `{key}` ({word})")
}

/// One element removed, changed, added, or another order.
fn change_list(mut list: Vec<Value>, new: Value, random: &mut Random) -> Vec<Value> {
    let (at, other) = (random.below(list.len().max(1)), random.below(list.len().max(1)));
    match random.below(4) {
        0 if !list.is_empty() => drop(list.remove(at)),
        1 if !list.is_empty() => list[at] = new,
        2 if !list.is_empty() => list.swap(at, other),
        _ => list.insert(at.min(list.len()), new),
    }
    list
}
