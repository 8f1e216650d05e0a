//! The one table of diagnostic codes: what `bootsmith explain` prints and `docs/reference/diagnostics.md` shows.

use std::fmt;

/// A stable code such as `B012`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u16);

/// What a code means.
#[derive(Clone, Copy, Debug)]
pub struct Explanation {
    /// The code.
    pub code: Code,
    /// Whether `allow` may lower it to a warning.
    pub lint: bool,
    /// The fault in a few words.
    pub title: &'static str,
    /// Why it is a fault and what to write instead.
    pub text: &'static str,
}

impl Code {
    /// Reads `B012`.
    pub fn parse(text: &str) -> Option<Self> {
        CODES.iter().map(|known| known.code).find(|code| code.to_string() == text)
    }

    /// What the code means.
    pub fn explanation(self) -> &'static Explanation {
        CODES.iter().find(|known| known.code == self).expect("every code is made by the table")
    }

    /// Whether `allow` may lower it to a warning.
    pub fn is_lint(self) -> bool {
        self.explanation().lint
    }
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "B{:03}", self.0)
    }
}

/// Makes the constants and the table of one list, so that no code exists without its explanation.
macro_rules! codes {
    ($($kind:ident $number:literal $name:ident $title:literal $text:literal)*) => {
        impl Code {
            $(#[doc = $title] pub const $name: Self = Self($number);)*
        }

        /// Every code, by number.
        pub const CODES: &[Explanation] = &[
            $(Explanation { code: Code::$name, lint: codes!(@ $kind), title: $title, text: $text },)*
        ];
    };
    (@ error) => { false };
    (@ lint) => { true };
}

codes! {
    error 1 SYNTAX "the file is not TOML"
        "The text cannot be read as TOML 1.1 (https://toml.io). The caret shows where reading stopped; the cause is often a missing quote or bracket just before it."
    error 2 UNKNOWN_KEY "unknown key"
        "Nothing is ignored silently: a key that bootsmith does not know is an error, because it is usually a slip. The hint names the near one and lists the known ones."
    error 3 WRONG_TYPE "a value of the wrong type"
        "The key takes another type of value than the one written: a text, a number, true or false, a list or a table."
    error 4 MISSING_KEY "a required key is missing"
        "The table cannot be understood without this key. An environment needs at least one service."
    error 5 INVALID_NAME "a name that cannot be used"
        "Names of projects, environments, scripts and migrations become DNS labels and names of objects on every platform: `[a-z]([a-z0-9-]{0,61}[a-z0-9])?`. Services, volumes, networks, configs and secrets are called as in a Compose file: `[a-zA-Z0-9][a-zA-Z0-9._-]*`. Names of parameters and variables are environment variables: `[A-Za-z_][A-Za-z0-9_]*`."
    error 6 INVALID_VALUE "a value out of its bounds"
        "The value has the right type but cannot be honoured: a number out of range, a duration without a unit, a word that is not one of the known ones."
    error 7 RESERVED_NAME "a name that means something else already"
        "The name belongs to the shell, to Docker, to Compose, to Kubernetes or to the bootstrap image itself; a parameter of that name would change how the tools behave, a script or environment of that name would hide a command."
    error 8 UNDECLARED "`${NAME}` is not declared"
        "Every `${NAME}` is a variable (known at build, `[variables]`) or a parameter (given by the operator, `[parameters.NAME]`). Built in are `PROJECT_NAME`, `PROJECT_VERSION` and `ENVIRONMENT`. A dollar sign is written `$$`."
    error 9 INTERPOLATION "a `$` that cannot be understood"
        "`${NAME}` is the only form. Whether a value is required and what its default is belongs to `[parameters.NAME]`, where it is checked and documented once, and not to each use, as in Compose's `${NAME:-default}`. A dollar sign is written `$$`. Paths of files are read before variables are known and hold no `$`; keys stand as they are and hold no `${NAME}`."
    error 10 PARAMETER_PLACE "a parameter in a place where it cannot be honoured"
        "A parameter is given at run time. It may stand in `environment`, `command`, `entrypoint`, in `configs` and in `secrets`, because there it can be honoured on every platform; an image, a port or a volume is decided when the release is built. Declare a variable instead, or an environment. A secret parameter may not stand in `command` or `entrypoint`: everybody on the host can read a process's arguments."
    error 11 UNKNOWN_REFERENCE "a reference to something that is not declared"
        "A service names a network, volume, config, secret or other service, or a hook or an environment names something, that does not exist in that environment. A service with `enabled = false` or an inactive profile does not exist there."
    error 12 UNKNOWN_ENVIRONMENT "an environment that does not exist"
        "`extends`, `--environment` and `default-environment` name an environment of `[environments]`. A spec without any has one, `production`."
    error 13 CYCLE "a circle"
        "Environments that extend each other, services that wait for each other or variables that stand in each other can never be resolved."
    error 14 REFUSED_KEY "a Compose key that a release cannot use"
        "The Compose Specification has keys for a developer's machine, or that tie a service to one container. A release deploys images with several environments side by side; the message says why the key is refused and what to write instead."
    error 15 RELATIVE_BIND "a relative bind mount"
        "The engine would resolve the path on its own host, not in the bootstrap image. A file of the project is baked in: `[configs.NAME] file = \"…\"` (or `directory = \"…\"`; executable files stay executable), and mounted with `configs = [{ source = \"NAME\", target = \"…\" }]`. Data that a service writes belong into a volume. A folder of the operator is named by its absolute path (B031)."
    error 16 FILE "a file that cannot be read"
        "The file does not exist, is not a regular file, or may not be read."
    error 17 PATH "a path that leaves the project folder"
        "Files of a release come from the project folder alone: no absolute path, no `..`, no symbolic link that leads out, no device, socket or pipe, no name that is not UTF-8."
    lint 18 FLOATING_TAG "an image without a fixed tag"
        "`latest`, or no tag, means something else tomorrow: the release could be neither repeated nor taken back. Name the version, or pin the digest with `@sha256:…`. Environments for development and tests are left in peace (`production = false`)."
    error 19 IMAGE "not an image reference"
        "An image is `[registry/]name[:tag][@sha256:digest]`, lower case (https://github.com/distribution/reference)."
    lint 21 PLAIN_SECRET "a secret in plain sight"
        "The key looks like a secret and the value stands in the file: it would be in the image, in the registry and in `docker inspect`. Declare `[parameters.NAME] secret = true` and a `[secrets]` entry that uses it, or pass the path of the secret's file (`…_FILE`)."
    error 22 DUPLICATE "the same thing twice"
        "Two entries would write the same path, mount the same target or take the same name."
    error 23 TOO_LONG "a name that is too long on the target"
        "Project, environment and service are joined to one name on the target, at most 63 characters long (RFC 1123 labels)."
    error 24 TEMPLATE "a template that cannot be rendered"
        "A config file that ends in `.tera` is rendered when the release is built, once for each environment, with the variables; see https://keats.github.io/tera/. A parameter may be printed with `{{ NAME }}` and nothing else, because its value is known only on the target."
    error 25 DEFAULT "a default that breaks its own rule"
        "The default of a parameter must match its `pattern`, `enum`, `type`, `min` and `max`; a secret has no default, and a required parameter needs none."
    error 26 PLATFORM "a platform that this version does not build"
        "The platforms are listed in the hint."
    error 27 TOO_LARGE "a file that is too large"
        "A script is handed to the service's shell as one argument, of which Linux takes 128 KiB; a config must fit into what the platforms store (1,000,000 bytes)."
    error 28 HIDDEN_CHARACTER "a character that hides"
        "Control characters and bidirectional formatting characters make a file read differently from what it does (CVE-2021-42574)."
    error 29 VERSION "not a version"
        "A release is versioned by SemVer (https://semver.org): MAJOR.MINOR.PATCH with an optional `-pre.release` and `+build`."
    error 30 BASE "a base that cannot be used"
        "A base is an image of a registry with its digest, `NAME:TAG@sha256:DIGEST`; `oci:PATH` or `oci-archive:PATH` (an OCI layout, folder or tar); `docker-archive:PATH` (made by `docker save`); or `scratch`. A tag alone may name another image tomorrow. It must hold what the entrypoint needs: `sh`, the docker CLI and Compose."
    lint 31 HOST_PATH "a path of the target's host"
        "The service depends on a file or folder that every host must have, and that no release brings. A named volume, a config or a secret travels with the product."
    error 32 SCRIPT "a script that cannot be run as declared"
        "A script has a `file` or a `command`; in `exec` and `run` mode it names a `service`, and its file is handed to that service's shell."
    lint 33 UNUSED "something declared and never used"
        "A config, secret, parameter or variable that nothing uses is usually a slip in the place that should use it."
    error 34 EXTERNAL "an external config"
        "A config is baked into the release, on every platform: `file`, `directory` or `content`. What only the target knows is a parameter in it, or a file of the host that is bound as a volume."
    error 35 STACK "something that a swarm cannot keep"
        "A Swarm keeps no empty config and no empty secret: its manager refuses an object without data."
    error 37 LOSSY "a meaning that a platform would change"
        "The platform takes the release, but not what this key says: the message names what changes, the hint what to write instead (`bootsmith explain portability` shows the whole table). A change that is known and accepted is written down with its reason: `allow = [{ code = \"B037\", feature = \"services.*.logging\", platform = \"kubernetes\", reason = \"the cluster collects logs\" }]` in `[bootstrap]`. Operators read it in the image."
    error 38 IMPOSSIBLE "something that a platform cannot do"
        "The platform has nothing by which this could be done, or be done in another way; see `bootsmith explain portability`. Leave it out, leave the platform out, or keep it to an environment that is built for another platform (`--platform`, `--environment`)."
    error 39 ALLOWANCE "an entry of `allow` that says too little or too much"
        "A change of meaning (`B037`) is accepted with a reason, written in the spec: `{ code, reason }`, with `feature` and `platform` to narrow it. A lint is allowed as a whole. An entry that accepts nothing is a warning: what it was for is gone."
    error 40 KUBERNETES "a value that Kubernetes does not take"
        "Names, labels, sizes, hosts and numbers in `[services.NAME.kubernetes]` and `[volumes.NAME.kubernetes]` are those of the Kubernetes API (https://kubernetes.io/docs/reference/kubernetes-api/), which would refuse the object on the target; the message says which rule is broken. Values of Compose keys that Kubernetes has no way to read, such as the duration `1.5s`, would be left out of its objects, and are refused too."
    error 41 MIGRATION "a migration that cannot be run as declared"
        "A migration names the release that needs it, which is not newer than the one that is built (a pre-release carries those of the release it prepares); the list is in the order of the releases, for that is the order in which they run. Its files are run by `runner`, a command in which `{file}` stands once for the file, or, when they end in `.sh`, by the shell of the service's image."
    lint 42 MIGRATION_LEFT_OUT "a migration whose service is left out of an environment"
        "A migration is run with the image, the networks and the secrets of a service. An environment that leaves the service out (`enabled = false`, `profiles`) cannot run it: name a service that every environment has. Where the data of that environment are somebody else's, allow it: the migration is then left out where the service is."
    error 43 IRREVERSIBLE "a migration without a way back"
        "Without `down` nothing takes back what the migration does: `downgrade` to a release before it is refused, and says so. It is a warning, at every build: data that are thrown away are gone."
    error 44 RELEASED_MIGRATION "a released migration that changed"
        "A target records what it has run, and does not run it again: a migration that changes after its release would do one thing on a new target and have done another on an old one. `build --previous TAR` compares the migrations with those of the release before, and the entrypoint compares them with what the target recorded: files, mode, service, runner and release. Restore it, and write a new migration."
    error 45 UPGRADE "a range of releases that cannot be understood"
        "`[upgrade] from` is a list of comparators that all hold, as Cargo writes them: `>=1.2.0, <2.0.0`, `^1.2`, `~1.2.3`, `1.*`. There is no `||`. A range that holds for no release before this one is a warning."
    error 46 RECORD_TOO_LARGE "a release that the ledger cannot record"
        "Every deployment leaves a record on its target: the files of the environment, with scripts and migrations, compressed. A rollback needs nothing else. A Swarm config of older engines and a Secret of Kubernetes hold little, so a record has at most 450,000 bytes on every platform; the rest is for what the target adds. Big files belong into an image or into a volume."
    error 47 LOCK "an image that is not locked"
        "`--locked` builds a release with the content that its images had when `bootsmith lock` wrote `bootstrap.lock`, whatever their tags name today. Every image of a service that has no digest must be there, and every base that has none or is in a file; a file that `--base` names need not be; the file is made by `bootsmith lock` and kept with the spec."
    lint 48 OPTIONAL_SECRET "a secret that may be empty"
        "A secret parameter that is not required is the empty text when nobody gives it, and what it stands in starts without a password. `required = true` makes `up` refuse (3) until it is given once; it is kept on the target from then on."
    lint 49 NO_TOOLS "a base without the entrypoint's tools"
        "`scratch` holds no shell and no docker CLI or kubectl: the image could not start. It is for those who add the tools in another way, and say so with `allow`."
    error 50 LINE_ENDINGS "a script with the line ends or the mark of Windows"
        "A shell reads the carriage return at the end of a line as a part of the last word, and a byte order mark as a part of the first: the script fails on the target, perhaps halfway. Save it with line feeds alone and without a mark; `*.sh text eol=lf` in `.gitattributes` keeps it so."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_ascend() {
        assert!(CODES.windows(2).all(|pair| pair[0].code < pair[1].code));
    }

    #[test]
    fn a_code_reads_as_it_prints() {
        assert_eq!(Code::parse("B012"), Some(Code::UNKNOWN_ENVIRONMENT));
        assert_eq!(Code::parse("B999"), None);
        assert_eq!(Code::UNKNOWN_ENVIRONMENT.to_string(), "B012");
    }
}
